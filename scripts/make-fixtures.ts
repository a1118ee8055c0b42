/**
 * Makes the binary log files in fixtures/binlogs with real servers, and fixtures/README.md, which says how each was made:
 *
 *   node --import tsx scripts/make-fixtures.ts
 *
 * Wants MariaDB 10.11 and the MySQL 5.6 package (`npm run setup -- --servers --mysql`) and, for the torn file, the right
 * to mount a tmpfs. New files have new times and GTIDs of new servers: tests that name exact places must follow.
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { FIRST_EVENT_OFFSET } from '../src/binlog/coordinates.ts';
import { BINLOG_MAGIC } from '../src/binlog/event-type.ts';
import { parseFormatDescription } from '../src/binlog/format-description.ts';
import { runTool } from '../src/platform/child-process.ts';
import { makeTempDirectory } from '../src/platform/temp-dir.ts';
import { waitFor } from '../src/platform/wait.ts';
import type { ServerConnection } from '../src/server/connection.ts';
import { startDump } from '../src/server/dump-client.ts';
import { ENCRYPTED, LOAD_FILE, MARIADB, MYSQL, RELAY, TORN, type Recipe } from './fixture-recipes.ts';
import { startMysql56, startPrimary, type TestServer } from '../test/support/servers.ts';

const FOLDER = join(import.meta.dirname, '../fixtures');
const FIRST = 'binlog.000001';

interface Made {
  readonly recipe: Recipe;
  readonly version: string;
  readonly files: readonly string[];
}

await rm(join(FOLDER, 'binlogs'), { recursive: true, force: true });
const made: Made[] = [];
for (const recipe of MARIADB) made.push(await makePlain(recipe, startPrimary));
for (const recipe of MYSQL) made.push(await makePlain(recipe, startMysql56));
made.push(await makeRelayLog(RELAY), await makeEncrypted(ENCRYPTED), await makeTorn(TORN));
const options = await resolveConfig(join(FOLDER, 'README.md'));
await writeFile(join(FOLDER, 'README.md'), await format(await readme(made), { ...options, parser: 'markdown' }));

/** One server, one file: from RESET MASTER to the ROTATE at its end. */
async function makePlain(recipe: Recipe, start: typeof startPrimary): Promise<Made> {
  await using server = await start({ args: recipe.args });
  await using connection = await server.connect();
  await writeFile(join(server.datadir, LOAD_FILE), 'loaded 1\nloaded 2\n');
  await run(connection, [
    'RESET MASTER',
    ...recipe.sql.map((sql) => sql.replace(LOAD_FILE, join(server.datadir, LOAD_FILE))),
  ]);
  await run(connection, ['FLUSH BINARY LOGS']);
  return await keep(recipe, {
    server,
    connection,
    path: join(server.datadir, FIRST),
    show: `SHOW BINLOG EVENTS IN '${FIRST}'`,
  });
}

async function makeRelayLog(recipe: Recipe): Promise<Made> {
  await using primary = await startPrimary({ args: ['--binlog-format=ROW'] });
  await using replica = await startPrimary({ args: recipe.args });
  await using source = await primary.connect();
  await using connection = await replica.connect();
  await run(source, [
    "CREATE USER repl@'127.0.0.1'",
    "GRANT REPLICATION SLAVE ON *.* TO repl@'127.0.0.1'",
    'RESET MASTER',
  ]);
  await run(connection, [
    `CHANGE MASTER TO master_host='127.0.0.1', master_port=${primary.port}, master_user='repl', master_use_gtid=no, master_log_file='${FIRST}', master_log_pos=4`,
    'START SLAVE',
  ]);
  await run(source, recipe.sql);
  const [end] = await source.query<{ File: string; Position: number }>('SHOW MASTER STATUS');
  await connection.query(`SELECT MASTER_POS_WAIT('${end?.File ?? ''}', ${end?.Position ?? 0}, 60)`);
  await run(connection, ['STOP SLAVE']);
  return await keep(recipe, {
    server: replica,
    connection,
    path: join(replica.datadir, 'relay.000002'),
    show: "SHOW RELAYLOG EVENTS IN 'relay.000002'",
  });
}

async function makeEncrypted(recipe: Recipe): Promise<Made> {
  await using keys = await makeTempDirectory('lastgood-keys-');
  await writeFile(join(keys.path, 'keys'), `1;${'5a'.repeat(16)}\n`);
  const args = recipe.args.map((arg) => arg.replace('KEYS', join(keys.path, 'keys')));
  await using server = await startPrimary({ args });
  await using connection = await server.connect();
  await run(connection, ['RESET MASTER', ...recipe.sql, 'FLUSH BINARY LOGS']);
  const streamed = await dump(server);
  const result = await keep(recipe, {
    server,
    connection,
    path: join(server.datadir, FIRST),
    show: `SHOW BINLOG EVENTS IN '${FIRST}'`,
  });
  const name = 'mariadb-10.11/encrypted-streamed.000001';
  await writeFile(join(FOLDER, 'binlogs', name), streamed);
  return { ...result, files: [...result.files, name] };
}

/** The first file as a replica receives it. */
async function dump(server: TestServer): Promise<Buffer> {
  await using connection = await server.connect();
  const pieces = [BINLOG_MAGIC];
  let files = 0; // the stream goes on into the next one
  const sink = {
    rotate: (): void => {
      files += 1;
    },
    formatAgain: (): void => undefined,
    append: (chunk: Buffer, from: number, to: number): void => {
      if (files === 1) pieces.push(Buffer.from(chunk.subarray(from, to)));
    },
  };
  const from = { file: FIRST, position: 4 };
  const stream = await startDump(connection, { from, serverId: 0, heartbeatMs: 5000, nonBlocking: true }, sink);
  await stream.finished;
  return Buffer.concat(pieces);
}

/** The log stands on a file system of 32 KiB; the last statement does not fit. */
async function makeTorn(recipe: Recipe): Promise<Made> {
  await using disk = await makeTempDirectory('lastgood-tmpfs-');
  await runTool({
    program: '/usr/bin/mount',
    args: ['-t', 'tmpfs', '-o', 'size=32k,nr_inodes=16', 'tmpfs', disk.path],
  });
  try {
    await using server = await startPrimary({ args: recipe.args.map((arg) => arg.replace('TMPFS', disk.path)) });
    await using connection = await server.connect();
    const path = join(disk.path, FIRST);
    await run(connection, ['RESET MASTER', ...recipe.sql.slice(0, -1)]);
    const events = await eventsOf(connection, `SHOW BINLOG EVENTS IN '${FIRST}'`);
    const whole = (await readFile(path)).length;
    const last = connection.query(recipe.sql.at(-1) ?? '').catch(() => undefined);
    await waitFor(async () => (await readFile(path)).length > whole + 10_000, {
      timeoutMs: 60_000,
      what: 'a full disk',
    });
    await server.kill();
    await last;
    return await keep(recipe, { server, connection, path, events });
  } finally {
    await runTool({ program: '/usr/bin/umount', args: [disk.path] });
  }
}

async function run(connection: ServerConnection, sql: readonly string[]): Promise<void> {
  for (const statement of sql) await connection.query(statement);
}

/** Where each event stands, as its server tells: begin, end, type. */
async function eventsOf(connection: ServerConnection, show: string): Promise<string> {
  const rows = await connection.query<{ Pos: number; End_log_pos: number; Event_type: string }>(show);
  return rows.map(({ Pos, End_log_pos, Event_type }) => `${Pos}\t${End_log_pos}\t${Event_type}\n`).join('');
}

async function keep(
  recipe: Recipe,
  from: { server: TestServer; connection: ServerConnection; path: string; show?: string; events?: string },
): Promise<Made> {
  const target = join(FOLDER, 'binlogs', recipe.name);
  await mkdir(join(target, '..'), { recursive: true });
  const bytes = await readFile(from.path);
  await writeFile(target, bytes);
  await writeFile(`${target}.events`, from.events ?? (await eventsOf(from.connection, from.show ?? '')));
  const length = bytes.readUInt32LE(FIRST_EVENT_OFFSET + 9);
  const description = parseFormatDescription(bytes.subarray(FIRST_EVENT_OFFSET, FIRST_EVENT_OFFSET + length));
  const version = `${description?.flavor === 'mariadb' ? 'MariaDB' : 'MySQL'} ${description?.serverVersion ?? ''}`;
  return { recipe, version, files: [recipe.name, `${recipe.name}.events`] };
}

async function readme(all: readonly Made[]): Promise<string> {
  const sections = await Promise.all(all.map(section));
  return [
    '# Fixtures',
    '',
    'Binary log files of real servers, made by `node --import tsx scripts/make-fixtures.ts`. An `.events` file beside one is what its',
    "own server said of it: where each event begins, the end position it names, its type. Tests hold the reader's groups against it.",
    '',
    ...sections,
  ].join('\n');
}

async function section({ recipe, version, files }: Made): Promise<string> {
  const hashes = await Promise.all(
    files.map(async (file) => {
      const bytes = await readFile(join(FOLDER, 'binlogs', file));
      return `| \`binlogs/${file}\` | ${bytes.length} | \`${createHash('sha256').update(bytes).digest('hex')}\` |`;
    }),
  );
  const sql = recipe.sql.map((statement) => (statement.length > 120 ? `${statement.slice(0, 100)} ...` : statement));
  return [
    `## ${recipe.name}`,
    '',
    `${version}: ${recipe.about}. Options: \`${recipe.args.join(' ')}\`.`,
    '',
    '| file | bytes | sha256 |',
    '| --- | --- | --- |',
    ...hashes,
    '',
    '```sql',
    ...sql.map((statement) => `${statement};`),
    '```',
    '',
  ].join('\n');
}
