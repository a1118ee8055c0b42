import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { scan } from '../../src/operations/scan.ts';
import { BINLOG_FIXTURES, BINLOG_FIXTURES_ABSENT, binlogFixture } from '../support/fixture-paths.ts';

/** Every file of the folder that is a log by its name. */
function realFiles(): string[] {
  if (BINLOG_FIXTURES_ABSENT) return [];
  const names = readdirSync(BINLOG_FIXTURES, { recursive: true, encoding: 'utf8' });
  return names.filter((name) => /\.\d{6}$/.test(name)).sort();
}

describe.skipIf(BINLOG_FIXTURES_ABSENT)('real binary logs of many server versions', () => {
  it.each(realFiles())('%s is read to its end', async (name) => {
    const { files } = await scan({ paths: [binlogFixture(name)], verifyChecksums: true });
    expect(files).toHaveLength(1);
    expect(files[0]?.end).not.toBe('torn');
    const problems = files[0]?.problems.map(({ problem }) => problem);
    const reported = ['the source reports an incident: events may be missing here'];
    expect(problems).toEqual(name.includes('incident-event') ? reported : []);
  });

  it('has a DROP TABLE and a DROP VIEW of MySQL 5.7 that failed for one object and dropped the other', async () => {
    const path = join(BINLOG_FIXTURES, 'mysql/5.7.22-atomic-ddl-rollback.000001');
    const { incidents } = await scan({ paths: [path], verifyChecksums: true });
    expect(incidents).toMatchObject([
      {
        kind: 'drop-table',
        state: 'effective',
        objects: [{ name: 't1' }, { name: 't2' }],
        start: 316,
        end: 501,
        gtid: 'a0205340-db2c-11e7-babd-340286faf52d:2',
        lastGood: { gtid: 'a0205340-db2c-11e7-babd-340286faf52d:1', end: 316 },
      },
      {
        kind: 'drop-view',
        state: 'effective',
        objects: [{ name: 'v1' }, { name: 'v2' }],
        start: 752,
        end: 907,
        lastGood: { gtid: 'a0205340-db2c-11e7-babd-340286faf52d:3', end: 752 },
      },
    ]);
  });

  it('has ten DROP TABLE statements in a log of MariaDB 10.0', async () => {
    const { incidents } = await scan({ paths: [binlogFixture('mariadb/10.0.11-large.000001')], verifyChecksums: true });
    expect(incidents.map(({ kind, gtid }) => `${kind} ${gtid ?? ''}`)).toEqual(
      [2, 6, 10, 15, 20, 25, 30, 35, 40, 46].map((sequence) => `drop-table 0-1-${sequence}`),
    );
  });
});
