import { createReadStream } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline, type Readable } from 'node:stream';
import { DecompressStream } from 'zstd-napi';
import { findProgram, runTool } from '../../platform/child-process.ts';
import { CLIENT_ARGS } from '../../server/client-args.ts';
import { writeOptionFile } from '../../server/option-file.ts';
import type { ServerOptions } from '../../server/server-options.ts';

export interface LoadSqlOptions {
  readonly server: ServerOptions;
  /** A private folder for the client's option file. */
  readonly temporary: string;
  /** The default schema; null: the SQL says it. */
  readonly schema: string | null;
  readonly signal?: AbortSignal | undefined;
}

/** Runs SQL as a person would, with the `mariadb` client, until its first error. @throws LastgoodError `TOOL_MISSING`, `TOOL_FAILED`, `INTERRUPTED` */
export async function loadSql(o: LoadSqlOptions, input: AsyncIterable<Buffer>): Promise<void> {
  // A folder of its own: in one folder, option files have one name, and the dump that we read from has another server's.
  const folder = await mkdtemp(join(o.temporary, 'load-'));
  await using optionFile = await writeOptionFile(o.server, folder);
  const database = o.schema === null ? [] : [`--database=${o.schema}`];
  const args = [`--defaults-file=${optionFile.path}`, ...CLIENT_ARGS, ...database];
  await runTool({ program: findProgram(['mariadb', 'mysql']), args, input, signal: o.signal });
}

/** A dump's plain bytes, unpacked where its name ends in `.zst`. */
export function readDump(path: string, compressed: boolean): Readable {
  const stored = createReadStream(path, { highWaterMark: 256 * 1024 });
  if (!compressed) return stored;
  return pipeline(stored, new DecompressStream(), () => undefined); // whoever reads it gets the error
}
