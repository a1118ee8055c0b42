import { randomBytes, randomInt } from 'node:crypto';
import type { Lock } from '../platform/lock.ts';
import { missingFolders, removeEmptyFolders } from '../platform/made-folders.ts';
import { installDatadir, startLocalServer, type LocalServer } from '../server/local-server.ts';
import { requireFreePort } from '../server/loopback-port.ts';
import type { ServerOptions } from '../server/server-options.ts';
import { readRoom } from './disk-space.ts';
import { restoringSizes } from './restoring-sizes.ts';
import { claimEmptyFolder, clearFolder } from './restore-folder.ts';
import { asArguments, restoringOptions, type ServerOptionValues } from './scratch-options.ts';
import { account, PATIENCE, ScratchServer, type ScratchServerOptions } from './scratch-server.ts';
import { lastingServerPaths } from './server-folder.ts';

/** Ids of people's servers are small numbers. */
const FIRST_SERVER_ID = 3_000_000_000;
const LAST_SERVER_ID = 4_294_967_295;

/**
 * Installs and starts a server in `datadir`. Where that fails, folders that were made for it are gone again.
 *
 * @param announce writes the note, before anything else is written
 * @throws LastgoodError `TARGET_NOT_EMPTY`, `LOCKED`, `TOOL_MISSING`, `TOOL_FAILED`, `INTERRUPTED`
 */
export async function createScratchServer(
  options: ScratchServerOptions,
  announce: () => Promise<void>,
): Promise<ScratchServer> {
  const made = await missingFolders(options.datadir);
  try {
    return await createIn(options, announce);
  } catch (error) {
    await removeEmptyFolders(made);
    throw error;
  }
}

async function createIn(options: ScratchServerOptions, announce: () => Promise<void>): Promise<ScratchServer> {
  const { datadir, port } = options;
  const lock = await claimEmptyFolder(datadir);
  try {
    if (port !== 0) await requireFreePort(port); // installing takes seconds
    await announce();
    return await installServer(options, lock);
  } catch (error) {
    await clearFolder(datadir);
    await lock[Symbol.asyncDispose]();
    throw error;
  }
}

/** In a folder that is ours, and holds at most the restore's note. */
export async function installServer(options: ScratchServerOptions, lock: Lock): Promise<ScratchServer> {
  const { datadir, settings, signal } = options;
  await installDatadir({ datadir, pageSize: settings['innodb_page_size'], signal });
  const server = await startRestoringServer(options);
  try {
    const login = await createAdmin(server);
    const admin = await server.connect(login.user, login.password);
    return new ScratchServer({ server, admin, login, lock, options });
  } catch (error) {
    await server.kill();
    throw error;
  }
}

/** @param more server options besides */
export async function startRestoringServer(
  { datadir, port, serverId, settings, zone, dataBytes, signal }: ScratchServerOptions,
  more: ServerOptionValues = {},
): Promise<LocalServer> {
  const sizes = restoringSizes(dataBytes, await readRoom(datadir, dataBytes));
  return await startLocalServer({
    ...lastingServerPaths(datadir, serverId),
    ...PATIENCE,
    port,
    args: asArguments({ ...restoringOptions(settings, serverId), ...sizes, ...more }),
    env: zone.tz === null ? undefined : { TZ: zone.tz },
    signal,
  });
}

/** One that is in nobody's log: a server passes over events with its own. */
export function chooseServerId(): number {
  return randomInt(FIRST_SERVER_ID, LAST_SERVER_ID);
}

/** An account that no backup holds, for the time of the restore. */
export function inventAccount(): Pick<ServerOptions, 'user' | 'password'> {
  return { user: `lastgood-${randomBytes(6).toString('hex')}`, password: randomBytes(24).toString('base64url') };
}

/** The only account from now on, so that the backup's are the only ones in the end. */
async function createAdmin(server: LocalServer): Promise<ServerOptions> {
  const login = { ...server.serverOptions('scratch server'), ...inventAccount() };
  await using root = await server.connect();
  const others = await root.query<{ name: string }>(
    `SELECT CONCAT(QUOTE(User), '@', QUOTE(Host)) AS name FROM mysql.global_priv
     WHERE User NOT IN ('mariadb.sys', 'PUBLIC')`,
  );
  await root.query(`CREATE USER ${account(login)} IDENTIFIED BY '${login.password}'`);
  await root.query(`GRANT ALL ON *.* TO ${account(login)} WITH GRANT OPTION`);
  await root.query(`GRANT PROXY ON ''@'%' TO ${account(login)} WITH GRANT OPTION`);
  await root.query(`DROP USER ${others.map(({ name }) => name).join(', ')}`);
  return login;
}
