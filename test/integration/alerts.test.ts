import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { AlertSettings } from '../../src/operations/alerts/alert-settings.ts';
import { openArchive } from '../../src/operations/open-archive.ts';
import { pinById, unpinById } from '../../src/operations/pins.ts';
import { readStatus } from '../../src/operations/status.ts';
import { openRepository } from '../../src/archive/repository.ts';
import { Catalog, openCatalog } from '../../src/catalog/catalog.ts';
import { readAlertRecord } from '../../src/archive/alert-record.ts';
import { LastgoodError } from '../../src/platform/errors.ts';
import { waitFor } from '../../src/platform/wait.ts';
import type { ServerConnection } from '../../src/server/connection.ts';
import type { ArchiverOrders } from '../support/alerting-archiver.ts';
import { startAlertListener, type AlertListener } from '../support/alert-listener.ts';
import {
  archiveUntilCurrent,
  primarySettings,
  repositoryBeside,
  silentLog,
  startArchiver,
  type RunningArchiver,
} from '../support/archiver.ts';
import { holdSyncs } from '../support/held-syncs.ts';
import { pointOf, recordBackup } from '../support/recorded-backup.ts';
import { MASS_DEFAULTS } from '../../src/operations/mass-threshold.ts';
import { startPrimary, type TestServer } from '../support/servers.ts';

const RUNNER = join(import.meta.dirname, '../support/alerting-archiver.ts');
/** "It is done when": from the DROP's return at the client to the request's arrival. */
const A_SECOND = 1000;

describe('alerts of an archiver on a real server', () => {
  let server: TestServer;
  let connection: ServerConnection;
  let repository: string;
  let listener: AlertListener;
  let tables = 0;

  const settings = (o: Partial<AlertSettings> = {}): AlertSettings => ({
    command: null,
    webhook: listener.url,
    mass: MASS_DEFAULTS,
    rules: [],
    ...o,
  });

  /** An archiver that has all the source has. */
  const archiver = async (alerts = settings()): Promise<RunningArchiver> => {
    const running = startArchiver(server, repository, { alerts });
    await archived();
    return running;
  };

  const archived = async (): Promise<void> => {
    const { coordinates } = await pointOf(server);
    const reached = async (): Promise<boolean> => {
      const opened = await openRepository(repository).catch(() => null); // before the archiver's first steps
      if (opened === null) return false;
      using catalog = openCatalog(opened.catalogPath);
      const last = catalog
        .lineages()
        .flatMap(({ id }) => catalog.segments(id))
        .at(-1)?.digest;
      return last !== undefined && last.file === coordinates.file && last.indexedTo >= coordinates.position;
    };
    await waitFor(reached, { timeoutMs: 20_000, what: 'the archive to reach the source' });
  };

  const makeTable = async (): Promise<string> => {
    const name = `shop.t${(tables += 1)}`;
    await connection.query(`CREATE TABLE ${name} (id INT)`);
    return name;
  };

  const drop = async (): Promise<{ name: string; at: number }> => {
    const name = await makeTable();
    await connection.query(`DROP TABLE ${name}`);
    return { name, at: performance.now() };
  };

  const named = (): string[] =>
    listener.received.map(({ message: { incident } }) => `shop.${incident?.objects[0]?.name ?? ''}`);

  beforeAll(async () => {
    server = await startPrimary();
    connection = await server.connect();
    await connection.query('CREATE DATABASE shop');
  });

  afterAll(async () => {
    await connection[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });

  beforeEach(async () => {
    repository = repositoryBeside(server);
    await rm(repository, { recursive: true, force: true });
    await connection.query('RESET MASTER');
    await makeTable();
    listener = await startAlertListener();
    return async () => {
      await listener[Symbol.asyncDispose]();
    };
  });

  it('one arrives within a second of the DROP, once, and says how to bring the table back', async () => {
    await using _running = await archiver();
    const { name, at } = await drop();
    const [alert] = await listener.until(1);
    expect((alert?.at ?? Infinity) - at).toBeLessThan(A_SECOND);
    const { text, incident, recovery, primary } = alert?.message ?? {};
    const id = incident?.id ?? '';
    expect(text).toContain(`drop-table ${name} took effect on shop`);
    expect(text).toContain(`recovery: lastgood plan --before ${id}`);
    expect(text).toContain('NO RESTORE CAN REACH THE MOMENT BEFORE IT: there is no backup at all');
    expect(recovery).toMatchObject({ reachable: false, pinned: false, plan: `lastgood plan --before ${id}` });
    expect({ primary, key: alert?.idempotencyKey }).toEqual({ primary: 'shop', key: `${id}-effective` });
    await drop();
    await listener.until(2);
    expect(new Set(named()).size).toBe(2);
  });

  it('pins the backup and the files that bring it back, and says so', async () => {
    await archiveUntilCurrent(server, repository);
    const backup = await recordBackup(repository, 'backup-1', await pointOf(server));
    await connection.query('FLUSH BINARY LOGS');
    await using _running = await archiver();
    await drop();
    const [alert] = await listener.until(1);
    expect(alert?.message.recovery).toMatchObject({ reachable: true, pinned: true, backup: { id: backup.id } });
    expect(alert?.message.text).toContain('backup: backup-1 of ');
    const { pins } = await openRepository(repository);
    const lineage = backup.primary.lineage ?? '';
    expect(await pins.held()).toMatchObject([
      {
        id: alert?.message.incident?.id,
        backup: 'backup-1',
        by: 'archiver',
        segments: [{ lineage, from: 'binlog.000001', to: 'binlog.000002' }],
      },
    ]);
  });

  it('a person pins an incident or a backup, and lets go of either', async () => {
    await archiveUntilCurrent(server, repository);
    await recordBackup(repository, 'backup-1', await pointOf(server));
    await drop();
    await archiveUntilCurrent(server, repository);
    using archive = await openArchive(repository, { log: silentLog });
    const [incident] = archive.catalog.incidents();
    const id = incident?.id ?? '';
    const why = { reason: 'ticket 4711', by: 'user' as const, at: new Date() };
    const pin = await pinById(archive, id, why);
    expect(pin).toMatchObject({ id, incident: id, backup: 'backup-1', by: 'user', reason: 'ticket 4711' });
    expect(await pinById(archive, 'backup-1', why)).toMatchObject({ incident: null, backup: 'backup-1' });
    expect(await unpinById(archive, id, new Date())).toEqual(pin);
    const { pins } = await readStatus(archive, { primary: primarySettings(server) });
    expect(pins.map((held) => held.id)).toEqual(['backup-1']);
    await expect(unpinById(archive, id, new Date())).rejects.toMatchObject({ code: 'PIN_UNKNOWN' });
    await expect(pinById(archive, 'inc-0', why)).rejects.toMatchObject({ code: 'INCIDENT_UNKNOWN' });
    await expect(pinById(archive, 'backup-2', why)).rejects.toMatchObject({ code: 'BACKUP_MISSING' });
  });

  it('come again until they are taken, and block nothing meanwhile', { timeout: 60_000 }, async () => {
    await using _running = await archiver();
    listener.answer((response) => response.writeHead(500).end());
    const { name } = await drop();
    await listener.until(2);
    await archived(); // goes on archiving
    const record = (await openRepository(repository)).alertRecordPath('shop');
    expect((await readAlertRecord(record)).filter(({ kind }) => kind === 'failed')).toMatchObject([
      { channel: 'webhook', why: expect.stringContaining('answered 500') as string },
    ]);
    {
      using archive = await openArchive(repository, { log: silentLog });
      const { findings } = await readStatus(archive, { primary: primarySettings(server) });
      expect(findings.filter(({ check }) => check === 'alerts')).toMatchObject([
        { severity: 'error', object: 'webhook' },
      ]);
    }
    await listener.down();
    listener.answer((response) => response.end());
    await drop();
    await listener.up();
    const before = listener.received.length;
    await listener.until(before + 2);
    expect(named().slice(0, before)).toEqual(Array(before).fill(name));
    expect(new Set(named()).size).toBe(2);
  });

  it('a listener that never answers does not stall archiving', async () => {
    await using _running = await archiver();
    const held: ServerResponse[] = [];
    listener.answer((response) => held.push(response));
    for (let count = 0; count < 5; count += 1) await drop();
    await archived();
    expect((await listener.until(1)).length).toBe(1); // one attempt, still on its way
    listener.answer((response) => response.end());
    held[0]?.end();
    await listener.until(5);
    expect(new Set(named()).size).toBe(5);
  });

  it('stay out for what the rules keep quiet', async () => {
    const rules = [{ kinds: ['truncate-table' as const], schemas: ['stag*'], tables: null, alert: false }];
    await using _running = await archiver(settings({ rules }));
    await connection.query('CREATE DATABASE staging');
    await connection.query('CREATE TABLE staging.a (id INT)');
    await connection.query('TRUNCATE staging.a');
    await connection.query('DROP DATABASE staging');
    await listener.until(1);
    expect(listener.received.map(({ message }) => message.incident?.kind)).toEqual(['drop-database']);
  });

  it('the command gets the incident on stdin, and nothing that a client chose in its environment', async () => {
    const out = join(server.directory, 'alert.txt');
    await rm(out, { force: true });
    const command = `cat > '${out}.part'; env >> '${out}.part'; mv '${out}.part' '${out}'`;
    await using _running = await archiver(settings({ webhook: null, command }));
    await connection.query('CREATE TABLE shop.`$(touch pwned); x` (id INT)');
    await connection.query('DROP TABLE shop.`$(touch pwned); x`');
    const read = async (): Promise<string | false> => await readFile(out, 'utf8').catch(() => false as const);
    const written = await waitFor(read, { timeoutMs: 10_000, what: 'the command to be run' });
    const [document = '', ...environment] = written.split('\n');
    const { incident } = JSON.parse(document) as { incident: { id: string; statement: string } };
    expect(incident.statement).toContain('touch pwned');
    expect(environment).toContain(`LASTGOOD_INCIDENT_ID=${incident.id}`);
    expect(environment.filter((line) => line.includes('pwned'))).toEqual([]);
  });

  it('a pending DROP alerts, and once more when it takes effect', async () => {
    await using _running = await archiver();
    await connection.query('CREATE TABLE shop.x (id INT PRIMARY KEY) ENGINE=InnoDB');
    await connection.query('INSERT INTO shop.x SELECT seq FROM shop.seq_1_to_20000');
    await connection.query("XA START 'a'");
    await connection.query('DELETE FROM shop.x');
    await connection.query("XA END 'a'");
    await connection.query("XA PREPARE 'a'");
    const [pending] = await listener.until(1);
    await connection.query("XA COMMIT 'a'");
    const [, effective] = await listener.until(2);
    expect(pending?.message.text).toContain('is prepared, and not committed yet');
    expect(effective?.message.incident).toMatchObject({ id: pending?.message.incident?.id, state: 'effective' });
  });

  it('an old log that is archived first makes one alert', async () => {
    await connection.query('SET timestamp = UNIX_TIMESTAMP() - 86400');
    for (let count = 0; count < 5; count += 1) await drop();
    await connection.query('SET timestamp = DEFAULT');
    const { name } = await drop();
    await using _running = await archiver();
    await listener.until(1);
    expect(named()).toEqual([name]);
    await _running.stop();
    const [, together] = await listener.until(2);
    expect(together?.message.summary).toMatchObject({ incidents: 5, kinds: { 'drop-table': 5 } });
    await using _again = await archiver();
    await drop();
    expect(await listener.until(3)).toHaveLength(3);
  });

  it('one comes also of what the catalog had no room for when its segment was sealed', async () => {
    const { name } = await drop();
    await connection.query('FLUSH BINARY LOGS');
    const full = new LastgoodError('STORAGE_FAILED', 'cannot write the catalog', { details: { full: true } });
    using record = vi.spyOn(Catalog.prototype, 'record').mockImplementationOnce(() => {
      throw full;
    });
    const archive = { sync: 'group', semiSync: false, compression: 'zstd' } as const;
    using syncs = await holdSyncs(); // so that the seal is what the catalog is told of first
    await using _running = startArchiver(server, repository, { alerts: settings(), archive });
    await waitFor(() => record.mock.calls.length > 0, { timeoutMs: 20_000, what: 'the seal' });
    syncs.release();
    await listener.until(1);
    expect(named()).toEqual([name]);
  });

  /** Starts an archiver of its own process; killed with SIGKILL when disposed of. */
  const process_ = (): AsyncDisposable & { kill(): Promise<void> } => {
    const orders: ArchiverOrders = { repositoryPath: repository, primary: primarySettings(server), alerts: settings() };
    const child = spawn(process.execPath, ['--import', 'tsx', RUNNER], {
      env: { ...process.env, LASTGOOD_TEST_ORDERS: JSON.stringify(orders) },
      stdio: ['ignore', 'ignore', 'ignore'],
    });
    const exited = once(child, 'exit');
    const kill = async (): Promise<void> => {
      child.kill('SIGKILL');
      await exited;
    };
    return { kill, [Symbol.asyncDispose]: kill };
  };

  it('come once, also when the archiver is killed between the DROP and the delivery', { timeout: 60_000 }, async () => {
    await archiveUntilCurrent(server, repository, { alerts: settings() });
    await using first = process_();
    await archived();
    await listener.down();
    const failed = async (): Promise<boolean> => {
      const path = (await openRepository(repository)).alertRecordPath('shop');
      return (await readAlertRecord(path)).some(({ kind }) => kind === 'failed');
    };
    const one = await drop();
    await waitFor(failed, { timeoutMs: 20_000, what: 'an attempt in vain' });
    await first.kill();
    const two = await drop(); // nobody runs
    await connection.query('FLUSH BINARY LOGS');
    await listener.up();
    await using second = process_();
    listener.answer((response) => {
      if (listener.received.length === 1) response.end();
      else void second.kill(); // before the answer: nobody can know that the second one has arrived
    });
    await listener.until(2);
    await second.kill();
    listener.answer((response) => response.end());
    await using _third = await archiver();
    const three = await drop();
    await listener.until(4);
    expect(named()).toEqual([one.name, two.name, two.name, three.name]);
    const [, before, again] = listener.received;
    expect(again?.idempotencyKey).toBe(before?.idempotencyKey);
  });
});
