import { chmod, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { findProgram } from '../../src/platform/child-process.ts';
import { makeTempDirectory } from '../../src/platform/temp-dir.ts';
import { waitFor } from '../../src/platform/wait.ts';

/** A dump that stands still half-way until it is let through; until then PATH finds it instead of the real one. */
export interface GatedDump extends AsyncDisposable {
  /** Resolves when the dump stands still. */
  waiting(): Promise<void>;
  /** Lets this dump and all later ones through. */
  open(): Promise<void>;
}

/** Stops the dump of `phase` after its first `afterBytes` bytes of output. */
export async function gateDump(o: { phase: 'server' | 'schemas'; afterBytes: number }): Promise<GatedDump> {
  const real = findProgram(['mariadb-dump']);
  const folder = await makeTempDirectory('lastgood-gate-');
  const [isWaiting, isOpen] = [join(folder.path, 'waiting'), join(folder.path, 'open')];
  const program = join(folder.path, 'mariadb-dump');
  const word = o.phase === 'server' ? '--system=' : '--databases';
  const script = `#!/bin/bash
set -o pipefail
gate() {
  head -c ${o.afterBytes}
  touch '${isWaiting}'
  while [ ! -e '${isOpen}' ] && kill -0 $PPID 2>/dev/null; do sleep 0.05; done
  cat
}
case "$*" in
  *${word}*) '${real}' "$@" | gate ;;
  *) exec '${real}' "$@" ;;
esac
`;
  await writeFile(program, script);
  await chmod(program, 0o700);
  const path = process.env['PATH'] ?? '';
  process.env['PATH'] = `${folder.path}${delimiter}${path}`;
  return {
    waiting: async () => {
      await waitFor(() => existsSync(isWaiting), { timeoutMs: 30_000, what: 'the dump to stand still' });
    },
    open: async () => {
      await writeFile(isOpen, '');
    },
    async [Symbol.asyncDispose]() {
      await writeFile(isOpen, '');
      process.env['PATH'] = path;
      await folder[Symbol.asyncDispose]();
    },
  };
}
