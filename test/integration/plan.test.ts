import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compareCoordinates, fileNumber, type Coordinates } from '../../src/binlog/coordinates.ts';
import { listIncidents, showIncident } from '../../src/operations/incidents.ts';
import { openArchive, type OpenArchive } from '../../src/operations/open-archive.ts';
import { makePlan } from '../../src/operations/plan.ts';
import { isLastgoodError } from '../../src/platform/errors.ts';
import { formatSeconds } from '../../src/platform/time.ts';
import { listBinaryLogs } from '../../src/server/binary-logs.ts';
import { archiveUntilCurrent, primarySettings, repositoryBeside, silentLog } from '../support/archiver.ts';
import { pointOf, recordBackup } from '../support/recorded-backup.ts';
import { startMysql56, startPrimary, type TestServer } from '../support/servers.ts';

/** What the server itself says of its log: where each group begins and which GTID it has. */
interface ServerGroup extends Coordinates {
  readonly gtid: string;
  /** Of its first statement. */
  readonly text: string;
}

interface EventRow {
  Log_name: string;
  Pos: string | number;
  Event_type: string;
  Info: string;
}

async function readServerGroups(server: TestServer): Promise<ServerGroup[]> {
  await using connection = await server.connect();
  const groups: ServerGroup[] = [];
  for (const { file } of await listBinaryLogs(connection)) {
    const rows = await connection.query<EventRow>(`SHOW BINLOG EVENTS IN '${file}'`);
    for (const [index, { Pos, Event_type, Info }] of rows.entries()) {
      if (Event_type !== 'Gtid') continue;
      const gtid = /(?:GTID |GTID_NEXT= ')([^ ']+)/.exec(Info)?.[1] ?? '';
      const text = `${Info} ${rows[index + 1]?.Info ?? ''}`;
      groups.push({ file, position: Number(Pos), gtid, text });
    }
  }
  return groups;
}

/** Three transactions, each at its own second from `time` on. */
async function writeOrders(server: TestServer, time: number): Promise<void> {
  await using connection = await server.connect();
  for (let n = 0; n < 3; n += 1) {
    await connection.query(`SET TIMESTAMP = ${time + n}`);
    await connection.query('INSERT INTO shop.orders (note) VALUES (?), (?)', ['one', 'two']);
  }
}

async function run(server: TestServer, ...statements: string[]): Promise<void> {
  await using connection = await server.connect();
  for (const statement of statements) await connection.query(statement);
}

/** An hour ago; the story's "ten o'clock". */
const TEN = Math.floor(Date.now() / 60_000) * 60 - 3600;
const tenPast = (seconds: number): string => formatSeconds(TEN + seconds);

describe.each([
  { flavor: 'MariaDB', start: startPrimary },
  { flavor: 'MySQL 5.6', start: startMysql56 },
])('a plan for $flavor', ({ start }) => {
  let server: TestServer;
  let archive: OpenArchive;
  let groups: ServerGroup[];
  let backup: Awaited<ReturnType<typeof pointOf>>;

  // Times 10:00:00 to 02, then the backup, 10:00:10 to 12, next file, 10:00:20 to 22, DROP at 10:00:30, 10:00:40 elsewhere.
  beforeAll(async () => {
    server = await start();
    const repository = repositoryBeside(server);
    await run(
      server,
      `SET TIMESTAMP = ${TEN - 10}`,
      'CREATE DATABASE shop',
      'CREATE TABLE shop.orders (id INT AUTO_INCREMENT PRIMARY KEY, note VARCHAR(20))',
      'CREATE DATABASE crm',
      'CREATE TABLE crm.people (id INT PRIMARY KEY)',
    );
    await writeOrders(server, TEN);
    await archiveUntilCurrent(server, repository);
    backup = await pointOf(server);
    await recordBackup(repository, 'after-first-orders', backup);
    await writeOrders(server, TEN + 10);
    await run(server, 'FLUSH LOGS');
    await writeOrders(server, TEN + 20);
    await run(server, `SET TIMESTAMP = ${TEN + 30}`, 'DROP DATABASE shop');
    await run(server, `SET TIMESTAMP = ${TEN + 40}`, 'INSERT INTO crm.people VALUES (1)');
    await archiveUntilCurrent(server, repository);
    groups = await readServerGroups(server);
    archive = await openArchive(repository, { log: silentLog });
  });

  afterAll(async () => {
    archive[Symbol.dispose]();
    await server[Symbol.asyncDispose]();
  });

  function groupWith(text: string): ServerGroup {
    const found = groups.find((group) => group.text.includes(text));
    if (found === undefined) throw new Error(`the server's log has no '${text}'`);
    return found;
  }

  function groupsBetween(from: Coordinates, to: Coordinates): number {
    return groups.filter((group) => compareCoordinates(group, from) >= 0 && compareCoordinates(group, to) < 0).length;
  }

  it('cuts exactly where the server says that the DROP begins', async () => {
    const [incident] = listIncidents(archive, { schema: 'shop' });
    const plan = await makePlan(archive, { kind: 'before-incident', incident: incident?.id ?? '' });
    const drop = groupWith('DROP DATABASE');
    const { file, position } = plan.target.resolved;
    expect({ file, position }).toEqual({ file: drop.file, position: drop.position });
    expect(plan.target.resolved.time).toBe(tenPast(22));
    expect(plan.target.resolved.between).toContain('DROP DATABASE shop');
    expect(plan.groups).toBe(groupsBetween(backup.coordinates, drop));
    expect(plan.groups).toBe(6);
  });

  it('names what the two groups beside the cut did', async () => {
    const plan = await makePlan(archive, { kind: 'before-gtid', gtid: groupWith('DROP DATABASE').gtid });
    const { gtid, between } = plan.target.resolved;
    expect(between).toBe(
      `between ${gtid} (${tenPast(22)}), a commit on shop.orders, and ${groupWith('DROP DATABASE').gtid} (${tenPast(30)}), DROP DATABASE shop`,
    );
  });

  it('leaves one group out, and ends with the GTIDs of a server that never saw it', async () => {
    const [incident] = listIncidents(archive, { schema: 'shop' });
    const whole = await makePlan(archive, { kind: 'latest' });
    const plan = await makePlan(archive, { kind: 'latest' }, { skip: [incident?.id ?? ''] });
    const drop = groupWith('DROP DATABASE');
    const { file } = drop;
    expect(plan.groups).toBe(whole.groups - 1);
    expect(plan.skippedSegments).toMatchObject([{ file, from: drop.position, to: incident?.end }]);
    expect(plan.segments.slice(-2)).toMatchObject([
      { file, from: 4, to: drop.position },
      { file, from: incident?.end, to: whole.target.resolved.position },
    ]);
    const { gtidState } = whole.target.resolved;
    const number = Number(drop.gtid.replace(/.*[:-]/, ''));
    const holes = gtidState?.replace(`1-${number + 1}`, `1-${number - 1}:${number + 1}`);
    expect(plan.target.resolved.gtidState).toBe(start === startMysql56 ? holes : gtidState);
    expect(plan.target.resolved.gtid).toBe(whole.target.resolved.gtid);
  });

  it('takes whole files up to the size that the server lists', async () => {
    const plan = await makePlan(archive, { kind: 'before-gtid', gtid: groupWith('DROP DATABASE').gtid });
    await using connection = await server.connect();
    const sizes = new Map((await listBinaryLogs(connection)).map(({ file, bytes }) => [file, bytes]));
    const first = backup.coordinates;
    const last = plan.target.resolved;
    expect(fileNumber(last.file)).toBe(fileNumber(first.file) + 1);
    expect(plan.segments.map(({ file, from, to }) => ({ file, from, to }))).toEqual([
      { file: first.file, from: first.position, to: sizes.get(first.file) },
      { file: last.file, from: 4, to: last.position },
    ]);
  });

  it('gives one cut for all ways to name it', async () => {
    const drop = groupWith('DROP DATABASE');
    const before = groups[groups.indexOf(drop) - 1];
    const named = await Promise.all([
      makePlan(archive, { kind: 'before-gtid', gtid: drop.gtid }),
      makePlan(archive, { kind: 'after-gtid', gtid: before?.gtid ?? '' }),
      makePlan(archive, { kind: 'before-coordinates', coordinates: `${drop.file}:${drop.position}` }),
      makePlan(archive, { kind: 'at', time: tenPast(25) }),
    ]);
    const cuts = named.map(({ target, groups: count }) => ({ ...target.resolved, count }));
    expect(cuts).toEqual(Array.from(cuts, () => cuts[0]));
    expect(cuts[0]).toMatchObject({ file: drop.file, position: drop.position, gtid: before?.gtid });
  });

  it('knows the GTID state at the cut as the server does', async () => {
    const plan = await makePlan(archive, { kind: 'latest' });
    expect(plan.target.resolved.gtidState).toBe((await pointOf(server)).gtid);
    expect(plan.groups).toBe(groupsBetween(backup.coordinates, (await pointOf(server)).coordinates));
    expect(plan.warnings.join()).toContain(`drop-database shop at ${tenPast(30)}) is before the target`);
  });

  it('accepts a time after the last transaction only when the primary says that nothing is missing', async () => {
    const target = { kind: 'at', time: tenPast(60) } as const;
    await expect(makePlan(archive, target)).rejects.toThrow(`ends at ${tenPast(40)}, ${tenPast(60)} is later`);
    const plan = await makePlan(archive, target, { primary: primarySettings(server) });
    expect(plan.target.resolved.gtid).toBe(groups.at(-1)?.gtid);
    const future = { kind: 'at', time: new Date(Date.now() + 60_000).toISOString() } as const;
    await expect(makePlan(archive, future, { primary: primarySettings(server) })).rejects.toThrow('is later');
  });

  it('refuses what lies before the only backup', async () => {
    const target = { kind: 'at', time: tenPast(1) } as const;
    await expect(makePlan(archive, target)).rejects.toSatisfy((error) => isLastgoodError(error, 'BACKUP_MISSING'));
  });

  it('shows an incident with the transactions around it', async () => {
    const [incident] = listIncidents(archive);
    const { before, after } = await showIncident(archive, incident?.id ?? '', { live: null, log: silentLog });
    const index = groups.indexOf(groupWith('DROP DATABASE'));
    expect(before?.gtid).toBe(groups[index - 1]?.gtid);
    expect(after?.gtid).toBe(groups[index + 1]?.gtid);
    expect(incident?.lastGood).toEqual({
      gtid: before?.gtid,
      file: before?.file,
      end: before?.end,
      time: before?.time,
    });
  });
});
