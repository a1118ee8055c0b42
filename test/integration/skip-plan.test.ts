import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Incident } from '../../src/incident/incident.ts';
import { openArchive, type OpenArchive } from '../../src/operations/open-archive.ts';
import { makePlan } from '../../src/operations/plan.ts';
import { openPlanRanges } from '../../src/recovery/plan-ranges.ts';
import type { Plan } from '../../src/recovery/plan.ts';
import { replay } from '../../src/recovery/replay.ts';
import type { ServerConnection } from '../../src/server/connection.ts';
import { archiveToTheLastByte, repositoryBeside, silentLog } from '../support/archiver.ts';
import { pointOf, recordBackup } from '../support/recorded-backup.ts';
import { startPrimary, type TestServer } from '../support/servers.ts';

let primary: TestServer;
let archive: OpenArchive;

async function run(connection: ServerConnection, ...statements: string[]): Promise<void> {
  for (const statement of statements) await connection.query(statement);
}

/** Rows 0 to 999 of `shop.i`. */
const fill = `INSERT INTO shop.i SELECT seq FROM shop.numbers`;
const good = (n: number): string => `INSERT INTO shop.good VALUES (${n})`;
const inDomain = (domain: number): string => `SET gtid_domain_id = ${domain}`;

// Four kinds of incidents that are more than one group, each with good groups in between and in other domains.
beforeAll(async () => {
  primary = await startPrimary();
  const repository = repositoryBeside(primary);
  await using connection = await primary.connect();
  await using other = await primary.connect();
  await archiveToTheLastByte(primary, repository);
  await recordBackup(repository, 'empty', await pointOf(primary));
  await run(
    connection,
    'CREATE DATABASE shop',
    'CREATE TABLE shop.numbers (seq INT PRIMARY KEY)',
    `INSERT INTO shop.numbers VALUES ${Array.from({ length: 1000 }, (_, n) => `(${n})`).join()}`,
    'CREATE TABLE shop.i (id INT PRIMARY KEY)',
    'CREATE TABLE shop.good (id INT PRIMARY KEY)',
    'CREATE TABLE shop.a (id INT PRIMARY KEY, price INT)',
    'CREATE TABLE shop.late (id INT PRIMARY KEY)',
    fill,
  );
  await run(other, "XA START 'half'", 'DELETE FROM shop.numbers', "XA END 'half'", "XA PREPARE 'half'");
  const loop = ['DELETE FROM shop.i LIMIT 100', 'DELETE FROM shop.i LIMIT 100'];
  await run(connection, good(1), ...loop, inDomain(1), good(2), ...loop, 'FLUSH BINARY LOGS', ...loop, inDomain(0));
  await run(other, "XA COMMIT 'half'");
  const alter = ['SET binlog_alter_two_phase = 1', 'ALTER TABLE shop.a DROP COLUMN price', inDomain(1), good(3)];
  await run(connection, good(4), ...alter, inDomain(7), 'DROP TABLE shop.late');
  await archiveToTheLastByte(primary, repository);
  archive = await openArchive(repository, { log: silentLog });
});

afterAll(async () => {
  archive[Symbol.dispose]();
  await primary[Symbol.asyncDispose]();
});

function incident(kind: Incident['kind'], table: string): Incident {
  const found = archive.catalog.incidents({ kind }).find(({ objects }) => objects.some(({ name }) => name === table));
  if (found === undefined) throw new Error(`no ${kind} of ${table} was found`);
  return found;
}

async function planWithout(...incidents: Incident[]): Promise<Plan> {
  return await makePlan(archive, { kind: 'latest' }, { skip: incidents.map(({ id }) => id) });
}

/** Runs the plan on a new, empty server, and lets it answer. */
async function replayed(plan: Plan, ...questions: string[]): Promise<unknown[]> {
  await using scratch = await startPrimary({ serverId: 900, args: ['--skip-log-bin'] });
  await using target = await scratch.connect();
  const ranges = await openPlanRanges(archive.repository, plan);
  const { groups, gtidState } = await replay({ ...ranges, target, log: silentLog });
  expect({ groups, gtidState }).toEqual({ groups: plan.groups, gtidState: plan.target.resolved.gtidState });
  const answers: unknown[] = [];
  for (const question of questions) answers.push(Object.values((await target.query<object>(question))[0] ?? {})[0]);
  return answers;
}

describe('an incident of several groups is left out whole', () => {
  it('a loop of deletes over two files, all halves of what was prepared or altered, and what a domain ends with', async () => {
    const whole = await planWithout();
    const loop = incident('mass-delete', 'i');
    expect(loop.loop).toMatchObject({ groups: 6, deleted: 600 });
    const skipped = [
      loop,
      incident('mass-delete', 'numbers'),
      incident('drop-column', 'a'),
      incident('drop-table', 'late'),
    ];
    const plan = await planWithout(...skipped);

    expect(whole.groups - plan.groups).toBe(6 + 2 + 2 + 1);
    expect(plan.skipped.map(({ id }) => id)).toEqual(skipped.map(({ id }) => id));
    expect(whole.target.resolved.gtidState).toMatch(/^0-\d+-\d+,1-\d+-\d+,7-\d+-\d+$/);
    expect(plan.target.resolved.gtidState).toMatch(/^0-\d+-\d+,1-\d+-\d+$/);
    const answers = await replayed(
      plan,
      'SELECT COUNT(*) FROM shop.i',
      'SELECT COUNT(*) FROM shop.numbers',
      'SELECT GROUP_CONCAT(id ORDER BY id) FROM shop.good',
      "SELECT COUNT(*) FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = 'shop' AND TABLE_NAME = 'a'",
      "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'shop' AND TABLE_NAME = 'late'",
    );
    expect(answers.map(String)).toEqual(['1000', '1000', '1,2,3,4', '2', '1']);
  });

  it('whichever of its files the loop is named in', async () => {
    const [later, earlier] = archive.catalog.incidents({ kind: 'mass-delete', table: 'i' });
    if (earlier === undefined || later === undefined) throw new Error('the loop has an incident in each file');
    expect((await planWithout(later)).segments).toEqual((await planWithout(earlier)).segments);
  });

  it('up to the target: what decides it behind that is not replayed anyway', async () => {
    const prepared = incident('mass-delete', 'numbers');
    const target = { kind: 'before-gtid', gtid: prepared.settledBy?.gtid ?? '' } as const;
    const plan = await makePlan(archive, target, { skip: [prepared.id] });
    const whole = await makePlan(archive, target);
    expect(whole.groups - plan.groups).toBe(1);
    expect(plan.skippedSegments).toMatchObject([{ file: prepared.file, from: prepared.start, to: prepared.end }]);
  });

  it('once, when it is named twice', async () => {
    const late = incident('drop-table', 'late');
    expect(await planWithout(late, late)).toEqual(await planWithout(late));
  });
});

describe('what cannot be left out', () => {
  it('is refused in words, with the way on', async () => {
    const late = incident('drop-table', 'late');
    const named = `incident ${late.id} (drop-table shop.late at ${late.time})`;
    const plan = makePlan(archive, { kind: 'before-incident', incident: late.id }, { skip: [late.id] });
    await expect(plan).rejects.toMatchObject({
      code: 'USAGE',
      message: `${named} is the target itself: a restore ends before it`,
    });
    const { file, start } = incident('drop-column', 'a');
    const target = { kind: 'before-coordinates', coordinates: `${file}:${start}` } as const;
    await expect(makePlan(archive, target, { skip: [late.id] })).rejects.toMatchObject({
      code: 'TARGET_UNREACHABLE',
      message: `${named} cannot be left out: it is behind the target, ${file}:${start}`,
      hint: `What is not replayed needs no --skip: run it again without --skip ${late.id}.`,
    });
    await expect(makePlan(archive, { kind: 'latest' }, { skip: ['inc-none'] })).rejects.toMatchObject({
      code: 'INCIDENT_UNKNOWN',
      message: "no incident 'inc-none' is known",
    });
  });

  it('is what every backup already holds', async () => {
    await recordBackup(archive.repository.path, 'full', await pointOf(primary));
    const late = incident('drop-table', 'late');
    const plan = await planWithout(late);
    expect(plan.backup.id).toBe('empty');
    const why = `it already holds what incident ${late.id} (drop-table shop.late at ${late.time}) did, which is to be left out`;
    expect(plan.candidates[0]).toMatchObject({ backup: 'full', usable: false, why, chosen: false });
    expect(plan.warnings).toContain(`backup full was passed over: ${why}`);
    expect((await planWithout()).backup.id).toBe('full');
  });
});
