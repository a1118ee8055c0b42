import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openRepository, type ArchivedSegment, type Repository } from '../../src/archive/repository.ts';
import { openCatalog } from '../../src/catalog/catalog.ts';
import { exportLogs, type ExportedFile } from '../../src/operations/export.ts';
import { scan, type ScanResult } from '../../src/operations/scan.ts';
import { findProgram, runTool } from '../../src/platform/child-process.ts';
import { makeTempDirectory, type TempDirectory } from '../../src/platform/temp-dir.ts';
import { waitFor } from '../../src/platform/wait.ts';
import { replay } from '../../src/recovery/replay.ts';
import { startArchiveServer } from '../../src/server/archive-server.ts';
import type { ServerConnection } from '../../src/server/connection.ts';
import type { ServedIdentity, ServedRange } from '../../src/server/served-range.ts';
import { archiveToTheLastByte, repositoryBeside, segmentsOf, silentLog } from '../support/archiver.ts';
import { readInPieces, type Heard } from '../support/binlog-reading.ts';
import { checksums, cmpMasked } from '../support/compare.ts';
import { LONG_REASON, writeMariadbVariety, writeMysqlVariety } from '../support/log-variety.ts';
import { receivedFrom, servedSegments } from '../support/received-log.ts';
import { startMysql56, startPrimary, type TestServer } from '../support/servers.ts';
import { keyFile as newKeyFile } from '../support/stored-segment.ts';

interface Source {
  readonly name: string;
  readonly flavor: 'mariadb' | 'mysql';
  readonly args: readonly string[];
  /** What must be in the log, by the server's own names, or the test is not about it. */
  readonly holds: readonly string[];
  /** True: what lies on the server's disk is not what it sends; its archive is encrypted, too. */
  readonly encrypted?: boolean;
}

const KEY_FILE = 'KEYS';

const ROWS = ['Table_map', 'Xid', 'User var'];
const COMPRESSED = ['Query_compressed', 'Write_rows_compressed_v1'];
const MARIADB = [...ROWS, 'Annotate_rows', 'XA_prepare', 'Begin_load_query', 'Execute_load_query', ...COMPRESSED];

const SOURCES: readonly Source[] = [
  {
    name: 'MariaDB, its checksums and compression switched while it runs',
    flavor: 'mariadb',
    args: [],
    holds: MARIADB,
  },
  {
    name: 'MariaDB with log_bin_compress and without checksums',
    flavor: 'mariadb',
    args: ['--log-bin-compress=ON', '--log-bin-compress-min-len=10', '--binlog-checksum=NONE'],
    holds: [...MARIADB, 'Update_rows_compressed_v1', 'Delete_rows_compressed_v1'],
  },
  {
    name: 'MariaDB with an encrypted log',
    flavor: 'mariadb',
    encrypted: true,
    holds: [...MARIADB, 'Start_encryption'],
    args: [
      '--encrypt-binlog=ON',
      '--plugin-load-add=file_key_management',
      `--file-key-management-filename=${KEY_FILE}`,
    ],
  },
  {
    name: 'MySQL 5.6 with GTIDs and checksums',
    flavor: 'mysql',
    args: ['--binlog-checksum=CRC32'],
    holds: [...ROWS, 'Gtid'],
  },
  {
    name: 'MySQL 5.6 without GTIDs and checksums',
    flavor: 'mysql',
    args: ['--gtid-mode=OFF', '--skip-enforce-gtid-consistency', '--binlog-checksum=NONE'],
    holds: [...ROWS, 'Rows_query'],
  },
];

interface ServersEvent {
  readonly Pos: string;
  readonly Event_type: string;
  readonly End_log_pos: string;
}

async function start({ flavor, args }: Source, folder: TempDirectory): Promise<TestServer> {
  const keys = join(folder.path, 'keys');
  await writeFile(keys, `1;${randomBytes(32).toString('hex')}\n`);
  const given = args.map((arg) => arg.replace(KEY_FILE, keys));
  return flavor === 'mysql' ? await startMysql56({ args: given }) : await startPrimary({ args: given });
}

/** The log as the server's own tool fetches it. */
async function fetchRaw(server: TestServer, folder: string): Promise<void> {
  await mkdir(folder);
  await runTool({
    program: findProgram(['mariadb-binlog']),
    args: [
      '--no-defaults',
      `--socket=${server.socket}`,
      '--user=root',
      '--read-from-remote-server',
      '--raw',
      '--to-last-log',
      `--result-file=${folder}/`,
      'binlog.000001',
    ],
  });
}

async function applyOnReplica(target: ServerConnection, o: { identity: ServedIdentity; ranges: ServedRange[] }) {
  const { ranges } = o;
  if (o.identity.flavor === 'mariadb') {
    await replay({ target, identity: { ...o.identity, gtidState: '' }, ranges, log: silentLog });
    return;
  }
  await using archive = await startArchiveServer({ identity: o.identity, ranges, log: silentLog });
  await target.query(
    `CHANGE MASTER TO MASTER_HOST = '${archive.host}', MASTER_PORT = ${archive.port}, MASTER_USER = '${archive.user}',
       MASTER_PASSWORD = '${archive.password}', MASTER_LOG_FILE = '${ranges[0]?.file ?? ''}', MASTER_LOG_POS = 4`,
  );
  await target.query('START SLAVE');
  const applied = async (): Promise<boolean> => {
    const [status] = await target.query('SHOW SLAVE STATUS');
    if (status?.['Last_SQL_Error'] !== '' || status['Last_IO_Error'] !== '') throw new Error(JSON.stringify(status));
    const { reached } = archive;
    if (reached === null || status['Relay_Master_Log_File'] !== reached.file) return false;
    return Number(status['Exec_Master_Log_Pos']) === reached.position;
  };
  await waitFor(applied, { timeoutMs: 30_000, what: 'the replica' });
  await target.query('STOP SLAVE');
}

/** What the SQL of `log-variety.ts` destroys; a DROP is logged after a CREATE OR REPLACE that failed. */
const LAST = ['truncate-table', 'drop-table', 'drop-database'];
const DESTROYED: Readonly<Record<Source['flavor'], readonly string[]>> = {
  mariadb: ['drop-column', 'replace-table', 'drop-table', 'mass-update', ...LAST],
  mysql: ['drop-table', ...LAST],
};

describe.each(SOURCES)('the archive of $name', (source) => {
  const { flavor } = source;
  let folder: TempDirectory;
  let server: TestServer;
  let connection: ServerConnection;
  let repository: Repository;
  let segments: readonly ArchivedSegment[];
  let files: ExportedFile[];
  let scanned: ScanResult;

  beforeAll(async () => {
    folder = await makeTempDirectory('lastgood-test-');
    server = await start(source, folder);
    connection = await server.connect();
    await (flavor === 'mysql' ? writeMysqlVariety(server) : writeMariadbVariety(server));
    const keyFile = source.encrypted === true ? await newKeyFile(folder.path) : null;
    await archiveToTheLastByte(server, repositoryBeside(server), {
      keyFile,
      archive: { sync: 'group', semiSync: false, compression: 'zstd' },
    });
    repository = await openRepository(repositoryBeside(server), { keyFile });
    const [lineage] = await repository.lineages();
    segments = await repository.segments(lineage?.id ?? '');
    ({ files } = await exportLogs({
      repository,
      ...{ name: 'shop', lineage: null, from: null, to: null, out: join(folder.path, 'out') },
      signal: new AbortController().signal,
    }));
    scanned = await scan({ paths: files.map(({ path }) => path), verifyChecksums: true });
  });

  afterAll(async () => {
    await connection.close();
    await server[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  it('is stored compressed, and encrypted where its server keeps it so', () => {
    const forms = new Set(segments.map(({ path }) => path.replace(/^.*\.\d{6}/, '')));
    // The open one stays plain until it is sealed.
    expect([...forms].sort()).toEqual(['', source.encrypted === true ? '.enc' : '.zst']);
  });

  it('is what the server has, byte for byte', async () => {
    const raw = join(folder.path, 'raw');
    if (source.encrypted === true) await fetchRaw(server, raw);
    const logs = await connection.query<{ Log_name: string; File_size: string }>('SHOW BINARY LOGS');
    expect(files.map(({ file, bytes }) => [file, bytes])).toEqual(
      logs.map(({ Log_name, File_size }) => [Log_name, Number(File_size)]),
    );
    for (const { file, path } of files) {
      const original = source.encrypted === true ? `${raw}/${file}` : join(server.datadir, file);
      expect(await cmpMasked(path, original)).toBeNull();
      expect((await cmpMasked(path, join(server.datadir, file))) === null).toBe(source.encrypted !== true);
    }
  });

  it('has its groups where the server says', async () => {
    expect(scanned.files.map(({ problems }) => problems)).toEqual(files.map(() => []));
    const types = new Set<string>();
    for (const [index, { file, path }] of files.entries()) {
      const events = await connection.query<ServersEvent>(`SHOW BINLOG EVENTS IN '${file}'`);
      for (const { Event_type: type } of events) types.add(type);
      const { reading, heard } = readInPieces(await readFile(path), [777]);
      expect(reading.events).toBe(events.length);
      expectGroups(heard, events);
      expect(scanned.files[index]).toMatchObject({ groups: heard.groups.length, events: events.length });
      const manifest = segments[index]?.manifest;
      if (manifest !== null) expect(manifest).toMatchObject({ groups: heard.groups.length, events: events.length });
    }
    expect([...types]).toEqual(expect.arrayContaining([...source.holds]));
  });

  it('ends with the GTIDs that the server has', async () => {
    const variable = flavor === 'mysql' ? '@@GLOBAL.gtid_executed' : '@@GLOBAL.gtid_binlog_pos';
    const [row] = await connection.query<{ state: string }>(`SELECT ${variable} AS state`);
    const end = scanned.files.at(-1)?.gtidEnd ?? null;
    expect(end).toBe(row?.state === '' ? null : row?.state);
  });

  it('has the incidents that its SQL made, as a scan finds them and in its catalog', async () => {
    const found = scanned.incidents.map(({ kind, suspicious }) => (suspicious ? `${kind}?` : kind));
    expect(found).toEqual(DESTROYED[flavor]);
    expect(scanned.incidents.every(({ state }) => state === 'effective')).toBe(true);
    const truncate = scanned.incidents.find(({ kind }) => kind === 'truncate-table');
    expect(truncate).toMatchObject({ state: 'effective', objects: [{ schema: 'shop', name: 'item' }] });
    expect(truncate?.statement).toContain(LONG_REASON.slice(0, 100));
    using catalog = openCatalog(repository.catalogPath);
    const places = scanned.incidents.map(({ kind, file, start, end, gtid }) => ({ kind, file, start, end, gtid }));
    expect(catalog.incidents({ all: true }).toReversed()).toMatchObject(places);
    if (source.encrypted === true) return; // a scan has no key
    const [segment] = segments;
    const asStored = await scan({ paths: [dirname(segment?.path ?? '')], verifyChecksums: true });
    expect(asStored.incidents).toEqual(scanned.incidents);
  });

  it('gives a replica the same tables', async () => {
    const gtidArgs = source.args.filter((arg) => arg.includes('gtid'));
    await using target = await start({ ...source, args: [...gtidArgs, '--server-id=900'] }, folder);
    await using applied = await target.connect();
    await applyOnReplica(applied, {
      identity: await identityOf(connection),
      ranges: await servedSegments(segments),
    });
    expect(await checksums(applied)).toEqual(await checksums(connection));
  });

  it('is sent by the archive server to our own client, byte for byte', async () => {
    const received = await receivedFrom(await servedSegments(segments), await identityOf(connection));
    expect([...received.keys()]).toEqual(files.map(({ file }) => file));
    for (const { file, path } of files) expect(received.get(file)?.equals(await readFile(path))).toBe(true);
  });
});

describe.each([
  ['MariaDB', startPrimary],
  ['MySQL 5.6', startMysql56],
])('a source that lost events itself, %s', (_, startSource) => {
  it('is archived with the INCIDENT that it wrote, and the ledger says where', async () => {
    const small = ['--max-binlog-stmt-cache-size=4096', '--binlog-stmt-cache-size=4096'];
    await using server = await startSource({ args: small });
    await using connection = await server.connect();
    await connection.query('CREATE DATABASE shop');
    await connection.query('CREATE TABLE shop.item (id INT AUTO_INCREMENT PRIMARY KEY, name TEXT) ENGINE=MyISAM');
    const rows = Array.from({ length: 300 }, () => "(REPEAT('x', 200))").join();
    // The rows that fit are in the table, and cannot be taken back; in the log there is no room for them.
    await expect(connection.query(`INSERT INTO shop.item (name) VALUES ${rows}`)).rejects.toThrow('stmt_cache_size');
    await connection.query("INSERT INTO shop.item (name) VALUES ('after it')");
    await archiveToTheLastByte(server, repositoryBeside(server));

    const events = await connection.query<ServersEvent>("SHOW BINLOG EVENTS IN 'binlog.000001'");
    const incident = events.find(({ Event_type: type }) => type === 'Incident');
    const repository = await openRepository(repositoryBeside(server));
    expect(await repository.ledger.entries()).toMatchObject([
      {
        kind: 'source-incident',
        from: `binlog.000001:${incident?.Pos ?? 0}`,
        to: `binlog.000001:${incident?.End_log_pos ?? 0}`,
      },
    ]);
    const [segment] = await segmentsOf(repositoryBeside(server));
    if (segment === undefined) throw new Error('nothing is archived');
    const received = await receivedFrom(await servedSegments([segment]), await identityOf(connection));
    const { reading } = readInPieces(received.get(segment.file) ?? Buffer.alloc(0));
    expect(reading.problems).toMatchObject([{ kind: 'source-incident', offset: Number(incident?.Pos) }]);
    expect(reading.events).toBe(events.length);
  });
});

async function identityOf(connection: ServerConnection): Promise<ServedIdentity> {
  const { flavor, version } = connection;
  const identity = { flavor, serverVersion: version, serverId: 101, gtidState: '' };
  if (flavor === 'mariadb') return identity;
  const [row] = await connection.query<{ mode: string }>('SELECT @@GLOBAL.gtid_mode AS mode');
  return { ...identity, gtidMode: row?.mode ?? '' };
}

/** With GTIDs a group begins at each; without them each ends where some event does, and none is in two. */
function expectGroups({ groups }: Heard, events: readonly ServersEvent[]): void {
  const gtids = events.filter(({ Event_type: type }) => type === 'Gtid').map(({ Pos }) => Number(Pos));
  if (gtids.length > 0) expect(groups.map(({ start }) => start)).toEqual(gtids);
  const ends = events.map(({ End_log_pos: end }) => Number(end));
  let before = 0;
  for (const { start, end, events: count } of groups) {
    expect(start).toBeGreaterThanOrEqual(before);
    expect(ends).toContain(end);
    expect(events.filter(({ Pos }) => start <= Number(Pos) && Number(Pos) < end)).toHaveLength(count);
    before = end;
  }
}
