import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makeDirectory, writeFileDurably } from '../platform/durable-file.ts';
import type { Lock } from '../platform/lock.ts';
import type { ServerConnection } from '../server/connection.ts';
import { privateTemporaryFolder } from '../server/local-server.ts';
import { inventAccount, startRestoringServer } from './create-scratch.ts';
import { account, ScratchServer, type ScratchServerOptions } from './scratch-server.ts';

/**
 * Starts the server of an earlier run in its folder, as a restore needs it, with an account that is new: nobody wrote down the
 * password of the old one, which goes. No server may run there.
 *
 * @throws LastgoodError `TOOL_FAILED` also when what is in the folder cannot be used any more, `TOOL_MISSING`, `INTERRUPTED`
 */
export async function reopenScratchServer(options: ScratchServerOptions, lock: Lock): Promise<ScratchServer> {
  const { datadir } = options;
  const { tmpdir } = privateTemporaryFolder(datadir);
  await makeDirectory(tmpdir);
  const initFile = join(tmpdir, 'account.sql');
  const { user, password } = inventAccount();
  await writeFileDurably(initFile, createAccount(user, password));
  try {
    const server = await startRestoringServer(options, { init_file: initFile });
    try {
      const login = { ...server.serverOptions('scratch server'), user, password };
      const admin = await server.connect(user, password);
      await dropFormer(admin, user);
      return new ScratchServer({ server, admin, login, lock, options });
    } catch (error) {
      await server.kill();
      throw error;
    }
  } finally {
    await rm(initFile, { force: true });
  }
}

/** Of a run that was interrupted: the place it goes on from is in its tables, relay logs and what they say of it are in the way. */
export async function forgetReplication(datadir: string): Promise<void> {
  for (const name of await readdir(datadir)) {
    if (REPLICATION_FILE.test(name)) await rm(join(datadir, name), { force: true });
  }
}

const REPLICATION_FILE = /^(?:lastgood-relay|master\.info$|relay-log\.info$|multi-master\.info$)/;

/** One statement a line. Source: MariaDB manual, "init_file". */
function createAccount(user: string, password: string): string {
  const name = account({ user });
  return `CREATE USER ${name} IDENTIFIED BY '${password}';\nGRANT ALL ON *.* TO ${name} WITH GRANT OPTION;\n`;
}

/** Accounts of earlier runs: as `inventAccount` names them. */
async function dropFormer(admin: ServerConnection, user: string): Promise<void> {
  const former = await admin.query<{ name: string }>(
    `SELECT User AS name FROM mysql.global_priv
     WHERE Host = 'localhost' AND User REGEXP '^lastgood-[0-9a-f]{12}$' AND User <> ?`,
    [user],
  );
  for (const { name } of former) await admin.query(`DROP USER ${account({ user: name })}`);
}
