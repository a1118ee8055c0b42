import { createConnection, type Connection, type RowDataPacket } from 'mysql2/promise';
import { waitFor } from '../../../src/platform/wait.ts';
import type { ServerConnection } from '../../../src/server/connection.ts';
import { isSettled } from '../archiver.ts';
import type { TestServer } from '../servers.ts';
import type { LogFormat, Step } from './form.ts';
import { readLogEnd } from './server-groups.ts';

/** A schema of its own and a client in it: one after the other on one server, they do not meet. */
export interface Scene extends AsyncDisposable {
  /** Runs what has to be there before, all at once. */
  prepare(statements: readonly string[]): Promise<void>;
  /** @throws Error when the server does not do what the step says */
  take(step: Step): Promise<void>;
}

/** For speed: a test's server may lose what it wrote when the machine stops. */
export const FAST_SERVER: readonly string[] = [
  '--innodb-flush-log-at-trx-commit=0',
  '--innodb-flush-method=nosync',
  '--sync-binlog=0',
  '--sync-frm=0',
];

/** A new file for the format. Events and new sessions write in it as well. */
export async function beginFormat(control: ServerConnection, format: LogFormat): Promise<void> {
  await control.query(`SET GLOBAL binlog_format = '${format}'`);
  await control.query('FLUSH BINARY LOGS');
  const { file } = await readLogEnd(control);
  await waitFor(async () => isSettled(control, file), { timeoutMs: 30_000, what: `the checkpoint of ${file}` });
}

/** Makes the schema; in statements `$db` stands for its name, `$dir` for a folder that the server may read and write. */
export async function openScene(
  server: TestServer,
  { name, schema, collation }: { name: string; schema: string; collation: string | undefined },
): Promise<Scene> {
  const client = await connect(server, collation);
  await client.query(`CREATE DATABASE ${schema}`);
  await client.query(`USE ${schema}`);
  const expand = (sql: string): string => sql.replaceAll('$db', schema).replaceAll('$dir', server.directory);
  const query = async (sql: string): Promise<RowDataPacket[]> => {
    const [rows] = await patiently(client, expand(sql)).catch((cause: unknown) => {
      throw new Error(`'${name}': the server refused ${expand(sql)}`, { cause });
    });
    return rows;
  };
  return {
    prepare: async (statements) => {
      if (statements.length > 0) await query(statements.join(';\n'));
    },
    take: async (step) => {
      if (typeof step === 'string') await query(step);
      else if ('byAnother' in step) await queryOnce(await connect(server, collation), step, expand);
      else if ('fails' in step) await expectFailure(client, expand(step.fails));
      else await waitFor(async () => isTrue(await query(step.until)), { timeoutMs: 30_000, what: step.until });
    },
    [Symbol.asyncDispose]: async () => {
      client.destroy();
      await Promise.resolve();
    },
  };
}

/** Behind a NOWAIT the server's own purge may have the table open for a moment: it is asked again until it has not. */
async function patiently(client: Connection, sql: string): Promise<[RowDataPacket[], unknown]> {
  const run = async (): Promise<[RowDataPacket[], unknown]> => await client.query<RowDataPacket[]>(sql);
  if (!/ nowait$/i.test(sql)) return await run();
  const isLocked = (error: unknown): boolean => (error as { code?: string }).code === 'ER_LOCK_WAIT_TIMEOUT';
  const once = async (): Promise<[RowDataPacket[], unknown] | false> =>
    await run().catch((error: unknown) => {
      if (isLocked(error)) return false;
      throw error;
    });
  return await waitFor(once, { timeoutMs: 30_000, what: `a lock for ${sql}` });
}

async function connect(server: TestServer, collation: string | undefined): Promise<Connection> {
  return await createConnection({
    socketPath: server.socket,
    user: 'root',
    multipleStatements: true,
    ...(collation === undefined ? {} : { charset: collation }),
  });
}

async function queryOnce(
  client: Connection,
  { byAnother, fails }: Extract<Step, { byAnother: string }>,
  expand: (sql: string) => string,
): Promise<void> {
  try {
    if (fails === true) await expectFailure(client, expand(byAnother));
    else await client.query(expand(byAnother));
  } finally {
    client.destroy();
  }
}

async function expectFailure(client: Connection, sql: string): Promise<void> {
  const failed = await client.query(sql).then(
    () => false,
    () => true,
  );
  if (!failed) throw new Error(`'${sql}' did not fail`);
}

function isTrue([row]: readonly RowDataPacket[]): boolean {
  return row !== undefined && Number(Object.values(row)[0]) === 1;
}
