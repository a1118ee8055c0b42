import { readdir, rm } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { findProgram, runTool } from '../platform/child-process.ts';
import { makeDirectory } from '../platform/durable-file.ts';
import { LastgoodError } from '../platform/errors.ts';

/** Where a private server has its files: all in its data folder. */
export function serverPaths(datadir: string): { datadir: string; socket: string; errorLog: string } {
  return { datadir, socket: join(datadir, 'server.sock'), errorLog: join(datadir, 'error.log') };
}

/**
 * Makes `datadir` a new server's data folder: root may sign in without a password, from this machine.
 *
 * @throws LastgoodError `TOOL_MISSING`, `TOOL_FAILED`, `INTERRUPTED`
 */
export async function installServer(datadir: string, signal?: AbortSignal): Promise<void> {
  await makeDirectory(temporaryFolder(datadir));
  const asRoot = userInfo().uid === 0 ? ['--user=root'] : [];
  const options = ['--no-defaults', '--skip-test-db', '--auth-root-authentication-method=normal'];
  const folders = [`--datadir=${datadir}`, `--tmpdir=${temporaryFolder(datadir)}`];
  const program = findProgram(['mariadb-install-db', 'mysql_install_db']);
  await runTool({ program, args: [...options, ...folders, ...asRoot], signal });
}

/**
 * Options for a temporary folder of its own. A starting server removes every `#sql*` file of its temporary folder, so
 * also those that another server is using: ours must never share /tmp with a production server on this machine.
 *
 * Source: MariaDB 10.11 sql/sql_base.cc, mysql_rm_tmp_tables; seen to break queries of other servers.
 */
export function privateTemporaryFolder(datadir: string): Readonly<Record<string, string>> {
  return { tmpdir: temporaryFolder(datadir), ignore_db_dirs: TEMPORARY };
}

const TEMPORARY = '.tmp';

function temporaryFolder(datadir: string): string {
  return join(datadir, TEMPORARY);
}

/** @throws LastgoodError `TARGET_NOT_EMPTY` unless the folder does not exist or is empty */
export async function requireEmpty(datadir: string): Promise<void> {
  const names = await readNames(datadir);
  if (names.length === 0) return;
  throw new LastgoodError('TARGET_NOT_EMPTY', `'${datadir}' is not empty: it holds '${names[0] ?? ''}'`, {
    details: { datadir, entries: names.length },
  });
}

/** Removes what is in the folder. It stays itself: it may be the user's, with an owner and a mode of its own. */
export async function emptyFolder(datadir: string): Promise<void> {
  for (const name of await readNames(datadir)) await rm(join(datadir, name), { recursive: true, force: true });
}

async function readNames(datadir: string): Promise<string[]> {
  try {
    return await readdir(datadir);
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    if (code === 'ENOENT') return [];
    const why = code === 'ENOTDIR' ? 'is not a folder' : 'cannot be read';
    throw new LastgoodError('TARGET_NOT_EMPTY', `'${datadir}' ${why}`, { cause, details: { datadir } });
  }
}
