import { describe, expect, it } from 'vitest';
import { findAppliedPlace } from '../../../src/recovery/applied-place.ts';
import { BinlogBuilder, mariadbGtid, query, THREAD, xid } from '../../support/binlog-builder.ts';
import { servedBytes } from '../../support/served-bytes.ts';

const parts = (gtid: string) => ({ gtid, threadId: THREAD, ending: 'commit' }) as const;

function commit(log: BinlogBuilder, gtid: string, options: { transactional?: boolean; text?: string } = {}): void {
  const { transactional = true, text = 'INSERT INTO shop.t VALUES (1)' } = options;
  log.group([mariadbGtid(gtid, { transactional }), query(text), xid()], parts(gtid));
}

function ddl(log: BinlogBuilder, gtid: string): void {
  log.group([mariadbGtid(gtid, { standalone: true }), query('ALTER TABLE shop.t ADD INDEX (a)')], {
    ...parts(gtid),
    ending: 'statement',
  });
}

/** Two domains in two files. */
function ranges() {
  const [first, second] = [new BinlogBuilder(), new BinlogBuilder()];
  commit(first, '0-101-11');
  commit(first, '5-101-1');
  commit(first, '0-101-12');
  ddl(second, '0-101-13');
  commit(second, '0-101-14', { transactional: false });
  commit(second, '5-101-2', { text: 'CREATE TABLE shop.u AS SELECT 1' });
  commit(second, '0-101-15');
  return [servedBytes('binlog.000001', first.bytes), servedBytes('binlog.000002', second.bytes)];
}

const find = async (state: string) => await findAppliedPlace(ranges(), { before: '0-101-10', state });

describe('the place of a server in its plan', () => {
  it('is the start for one that has applied nothing', async () => {
    expect(await find('0-101-10')).toEqual({ groups: 0, gtidState: '0-101-10', halves: null, temporaryTables: false });
  });

  it.each([
    ['0-101-11', 1, null],
    ['0-101-11,5-101-1', 2, null],
    ['0-101-12,5-101-1', 3, '0-101-13'], // a definition comes next, also over the border of a file
    ['0-101-13,5-101-1', 4, '0-101-14'], // tables without transactions
    ['0-101-14,5-101-1', 5, '5-101-2'], // a definition inside a transaction
    ['0-101-14,5-101-2', 6, null],
    ['0-101-15,5-101-2', 7, null],
  ])('%s is behind %i groups, and what comes next may be done by half: %s', async (state, groups, halves) => {
    expect(await find(state)).toMatchObject({ groups, halves });
  });

  it.each(['0-101-12', '0-2-11', '0-101-16,5-101-2', '7-1-1'])('%s is none', async (state) => {
    expect(await find(state)).toBeNull();
  });

  it('tells of temporary tables before it, and not of those behind it', async () => {
    const log = new BinlogBuilder();
    commit(log, '0-101-11');
    log.group(
      [
        mariadbGtid('0-101-12', { standalone: true }),
        { ...query('CREATE TEMPORARY TABLE shop.x (a INT)'), flags: THREAD_SPECIFIC },
      ],
      { ...parts('0-101-12'), ending: 'statement' },
    );
    const log1 = [servedBytes('binlog.000001', log.bytes)];
    const at = async (state: string) => await findAppliedPlace(log1, { before: '0-101-10', state });
    expect(await at('0-101-11')).toMatchObject({ temporaryTables: false, halves: '0-101-12' });
    expect(await at('0-101-12')).toMatchObject({ temporaryTables: true });
  });

  it('refuses a file that ends too early', async () => {
    const [first, second] = ranges();
    if (first === undefined || second === undefined) throw new Error('no log');
    const short = [{ ...first, to: first.to + 100 }, second];
    await expect(findAppliedPlace(short, { before: '0-101-10', state: '0-101-15,5-101-2' })).rejects.toMatchObject({
      code: 'ARCHIVE_DAMAGED',
    });
  });
});

/** Source: MariaDB 10.11 sql/log_event.h, LOG_EVENT_THREAD_SPECIFIC_F. */
const THREAD_SPECIFIC = 0x4;
