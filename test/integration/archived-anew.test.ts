import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BackupRecord } from '../../src/archive/backup-record.ts';
import type { Lineage } from '../../src/archive/lineage.ts';
import { diagnose } from '../../src/operations/doctor.ts';
import { listIncidents, showIncident } from '../../src/operations/incidents.ts';
import { listBackups } from '../../src/operations/lists.ts';
import { openArchive, rebuildArchiveCatalog, type OpenArchive } from '../../src/operations/open-archive.ts';
import { pinById } from '../../src/operations/pins.ts';
import { makePlan } from '../../src/operations/plan.ts';
import { readStatus, type Status } from '../../src/operations/status.ts';
import { MASS_DEFAULTS } from '../../src/operations/mass-threshold.ts';
import { startAlertListener, type AlertListener } from '../support/alert-listener.ts';
import { archiveUntilCurrent, primarySettings, silentLog } from '../support/archiver.ts';
import { newRepository, openLineages, PLAIN, run } from '../support/lineages.ts';
import { pointOf, recordBackup } from '../support/recorded-backup.ts';
import { startPrimary, type TestServer } from '../support/servers.ts';

/**
 * A primary with a backup and a DROP; then another server is archived under its name as a history of its own, and then the old
 * primary again, from its first file on.
 */
describe('the old primary is archived anew after another server', () => {
  let old: TestServer;
  let other: TestServer;
  let path: string;
  let backup: BackupRecord;
  /** As it was listed before anything else was archived. */
  let incident: string;
  /** Ids that the webhook was told of, before and after the old primary was archived anew. */
  let told: string[];
  let toldAnew: string[];
  let between: Status;
  let archive: OpenArchive;
  let lineages: readonly Lineage[];

  beforeAll(async () => {
    [old, other] = await Promise.all([startPrimary(), startPrimary({ serverId: 202 })]);
    path = newRepository(old);
    await run(old, 'CREATE DATABASE shop', 'CREATE TABLE shop.orders (id INT PRIMARY KEY)');
    await using listener = await startAlertListener();
    const alerts = { webhook: listener.url, command: null, mass: MASS_DEFAULTS, rules: [] };
    await archiveUntilCurrent(old, path, { ...PLAIN, alerts });
    backup = await recordBackup(path, 'first', await pointOf(old));
    await run(old, 'INSERT INTO shop.orders VALUES (1)', 'DROP TABLE shop.orders');
    await archiveUntilCurrent(old, path, { ...PLAIN, alerts });
    told = idsIn(listener);
    using first = await openArchive(path, { log: silentLog });
    incident = listIncidents(first).at(0)?.id ?? '';
    await run(other, 'CREATE DATABASE x');
    await archiveUntilCurrent(other, path, { ...PLAIN, newLineage: true, alerts });
    using second = await openArchive(path, { log: silentLog });
    between = await readStatus(second, { primary: primarySettings(other) });
    await run(old, 'DROP DATABASE shop'); // the first copy does not have it
    await archiveUntilCurrent(old, path, { ...PLAIN, newLineage: true, alerts });
    await rebuildArchiveCatalog(path, { log: silentLog });
    await archiveUntilCurrent(old, path, { ...PLAIN, alerts });
    toldAnew = idsIn(listener).slice(told.length);
    archive = await openArchive(path, { log: silentLog });
    ({ lineages } = await openLineages(path));
  });

  afterAll(async () => {
    archive[Symbol.dispose]();
    await Promise.all([old[Symbol.asyncDispose](), other[Symbol.asyncDispose]()]);
  });

  it('keeps every id reachable: the backup is a start in both lineages that hold its file', async () => {
    expect(lineages.map(({ serverId, handOver }) => [serverId, handOver])).toEqual([
      [101, null],
      [202, null],
      [101, null],
    ]);
    const found = archive.catalog.incidents({ kind: 'drop-table' });
    expect(found).toHaveLength(2);
    for (const { id, lineage } of found) {
      const made = await makePlan(archive, { kind: 'before-incident', incident: id }, { name: 'shop' });
      expect(made).toMatchObject({ backup: { id: 'first', primary: { lineage } }, groups: 1, reachable: true });
      expect(made.target.resolved.lineage).toBe(lineage);
      const pin = await pinById(archive, id, { reason: 'test', by: 'user', at: new Date() });
      expect(new Set(pin.segments.map((segment) => segment.lineage))).toEqual(new Set([lineage]));
    }
  });

  it('lists the incident once, under the id that it had, and the backup in the lineage that it was taken in', async () => {
    expect(listIncidents(archive, { kind: 'drop-table' }).map(({ id }) => id)).toEqual([incident]);
    expect(listIncidents(archive, { all: true }).filter(({ kind }) => kind === 'drop-table')).toHaveLength(1);
    const [first] = lineages;
    const stored = await readFile(join(archive.repository.backupFolder(backup.id), 'backup.json'), 'utf8');
    expect(stored).toContain(first?.id);
    expect(await listBackups(archive)).toMatchObject([{ id: 'first', usable: true, primary: { lineage: first?.id } }]);
  });

  it('alerts of each incident once, under the id that it is listed with, and shows it under that', async () => {
    const [dropped, table] = listIncidents(archive);
    expect([table?.id, told, toldAnew]).toEqual([incident, [incident], [dropped?.id]]);
    for (const { id } of archive.catalog.incidents({ kind: 'drop-table' }))
      expect(await showIncident(archive, id, { live: null, log: silentLog })).toMatchObject({
        incident: { id: incident, lineage: lineages[0]?.id },
        commands: expect.arrayContaining([expect.stringContaining(incident)]) as unknown,
      });
  });

  it('says while only the other server is archived that earlier targets can be reached', () => {
    expect(between.window.from).toBeNull();
    expect(between.findings).toMatchObject([
      {
        check: 'recovery window',
        found: `no backup can be restored and brought to the archive's end: only earlier targets can be reached, from backup first at ${lineages[0]?.id ?? ''}/${backup.primary.coordinates}`,
      },
      ...[{ check: 'archiver' }, { check: 'rehearsal' }],
      { severity: 'error', check: 'break', fix: expect.stringContaining('Take a backup now') as string },
    ]);
  });

  it('has its window back, and status and doctor say the same of each break', async () => {
    const { window, findings } = await readStatus(archive, { primary: primarySettings(old) });
    expect(window).toMatchObject({ fromGtid: backup.primary.gtid, toGtid: (await pointOf(old)).gtid });
    const breaks = findings.filter(({ check }) => check === 'break');
    const told = `Nothing to do: backup first stands in lineage ${lineages[2]?.id ?? ''}, behind it. Only restores that start before it meet this place.`;
    expect(breaks.map(({ severity, fix }) => [severity, fix])).toEqual([
      ['info', told],
      ['info', told],
    ]);
    const settings = {
      ...{ repositoryPath: path, keyFile: null, primary: primarySettings(old), replica: null },
      archive: { sync: 'group' as const, semiSync: false, compression: 'none' as const },
    };
    const diagnosis = await diagnose({ settings, log: silentLog });
    expect(diagnosis.findings.filter(({ check }) => check === 'break')).toEqual(breaks);
  });
});

/** Of one incident, or of many told together. */
function idsIn({ received }: AlertListener): string[] {
  return received.flatMap(({ message: { incident, summary } }) =>
    incident === null ? (summary?.ids ?? []) : [incident.id],
  );
}
