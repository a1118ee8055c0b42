import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { isLastgoodError } from '../../../../src/platform/errors.ts';
import { BINLOG_FIXTURES_ABSENT, binlogFixture } from '../../../support/fixture-paths.ts';
import { readInPieces } from '../../../support/binlog-reading.ts';
import { translateBytes } from '../../../support/translated-log.ts';

/** Up to the last whole group: some of these files are cut off. */
function wholePart(name: string): Buffer {
  const bytes = readFileSync(binlogFixture(name));
  return bytes.subarray(0, readInPieces(bytes).reading.wholeTo);
}

describe.skipIf(BINLOG_FIXTURES_ABSENT)('the statements of real files', () => {
  it.each([
    'mariadb/10.0.11-large.000001',
    'mariadb/10.5.15-annotate.000001',
    'mysql/5.7.20-checksum-none.000001',
    'mysql/8.0.22-json-partial-update.000001',
    'mysql/8.0.26-gtid-invisible-columns.000001',
    'mysql/8.0.28-gtid-enum-set.000001',
    'mysql/8.0.32-transaction-payload.000001',
    'mysql/9.6.0-gtid-tagged.000001',
  ])('of %s can all be told, and every transaction that begins ends', async (name) => {
    const statements = (await translateBytes(wholePart(name))).map(({ sql }) => sql.toString('latin1'));

    const begun = statements.filter((sql) => sql === 'START TRANSACTION');
    const ended = statements.filter((sql) => sql === 'COMMIT' || sql === 'ROLLBACK');
    expect(statements.length).toBeGreaterThan(0);
    expect(ended).toHaveLength(begun.length);
  });

  it('stop at the INCIDENT of MySQL 5.1', async () => {
    const error: unknown = await translateBytes(wholePart('mysql/5.1.30-incident-event.000001')).catch(
      (e: unknown) => e,
    );
    expect(isLastgoodError(error, 'TOOL_FAILED')).toBe(true);
    expect(error).toHaveProperty('message', expect.stringContaining('events may be missing here'));
  });
});
