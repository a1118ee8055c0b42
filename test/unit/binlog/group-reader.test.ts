import { describe, expect, it } from 'vitest';
import { EVENT, EVENT_FLAG } from '../../../src/binlog/event-type.ts';
import {
  annotateRows,
  ANONYMOUS,
  BinlogBuilder,
  checkpoint,
  formatDescription,
  gtidList,
  INCIDENT,
  intvar,
  mariadbGtid,
  MYSQL,
  MYSQL_55,
  mysqlGtid,
  previousGtids,
  query,
  rotate,
  startEncryption,
  STOP,
  tableMap,
  THREAD,
  writeRows,
  xaPrepare,
  xid,
  type RawEvent,
} from '../../support/binlog-builder.ts';
import { readInPieces } from '../../support/binlog-reading.ts';
import { transactionPayload } from '../../support/payload-builder.ts';

const UUID = '5577bbaa-0402-11f1-b1b8-4ef0c4956feb';
const ROWS = [tableMap('shop', 't'), writeRows(20)];
const LOST = 'the source reports an incident: events may be missing here';

function mariadb(): BinlogBuilder {
  return new BinlogBuilder().between(gtidList('0-101-5'));
}

function mysql(): BinlogBuilder {
  return new BinlogBuilder({ version: MYSQL }).between(previousGtids([{ uuid: UUID, intervals: [[1, 6]] }]));
}

/** Expects the reader to find what the builder wrote, and no problem. */
function expectGroups(builder: BinlogBuilder): void {
  const { reading, heard } = readInPieces(builder.bytes);
  expect(heard.groups).toEqual(builder.groups);
  expect(reading).toMatchObject({ problems: [], wholeTo: builder.size, events: builder.events.length });
}

describe('a group of MariaDB', () => {
  it('ends with XID, COMMIT or ROLLBACK, not with the statements inside', () => {
    const events = [query('SAVEPOINT `a`'), query('insert into t values (1)'), query('ROLLBACK TO `a`')];
    const builder = mariadb()
      .group([mariadbGtid('0-101-6'), ...events, xid()], { gtid: '0-101-6', ending: 'commit' })
      .group([mariadbGtid('0-101-7'), ...events, query('COMMIT')], { gtid: '0-101-7', ending: 'commit' })
      .group([mariadbGtid('0-101-8'), ...events, query('ROLLBACK')], { gtid: '0-101-8', ending: 'rollback' });
    expectGroups(builder);
  });

  it('marked standalone ends with its statement', () => {
    const builder = mariadb();
    for (const n of [6, 7])
      builder.group([mariadbGtid(`0-101-${n}`, { standalone: true }), query('drop table t')], {
        gtid: `0-101-${n}`,
        ending: 'statement',
      });
    expectGroups(builder);
  });

  it('that is prepared ends with XA_PREPARE; its XA COMMIT is a group of its own', () => {
    const builder = mariadb()
      .group([mariadbGtid('0-101-6', { flags: 0x40 }), ...ROWS, xaPrepare('a')], {
        gtid: '0-101-6',
        threadId: null,
        ending: 'prepare',
      })
      .group([mariadbGtid('0-101-7', { standalone: true, flags: 0x80 }), query("XA COMMIT X'61',X'',1")], {
        gtid: '0-101-7',
        ending: 'statement',
      });
    expectGroups(builder);
  });

  it('of statements with their INTVARs and LOAD DATA events is one group', () => {
    const load = [EVENT.BEGIN_LOAD_QUERY, EVENT.APPEND_BLOCK, EVENT.EXECUTE_LOAD_QUERY];
    const events = load.map((type) => ({ type, body: Buffer.alloc(30) }));
    const builder = mariadb().group(
      [mariadbGtid('0-101-6'), intvar(1), query('insert into t values (null)'), ...events, xid()],
      { gtid: '0-101-6', ending: 'commit' },
    );
    expectGroups(builder);
  });

  it('has no thread when it holds only row events', () => {
    const events = [mariadbGtid('0-101-6'), annotateRows('insert into t values (1)'), ...ROWS, xid()];
    expectGroups(mariadb().group(events, { gtid: '0-101-6', threadId: null, ending: 'commit' }));
  });

  it('has the time and server of its first event', () => {
    const builder = mariadb().group([mariadbGtid('0-101-6'), ...ROWS, xid()], {
      gtid: '0-101-6',
      threadId: null,
      ending: 'commit',
    });
    const { bytes } = builder;
    const [, , , rows] = builder.events;
    bytes.writeUInt32LE(77, rows?.start ?? 0);
    bytes.writeUInt32LE(88, (rows?.start ?? 0) + 5);
    expect(readInPieces(bytes, undefined, { verifyChecksums: false }).heard.groups).toEqual(builder.groups);
  });
});

describe('a group of MySQL', () => {
  it('goes from its GTID through BEGIN to the end of the transaction', () => {
    const builder = mysql()
      .group([mysqlGtid(`${UUID}:6`), query('BEGIN'), ...ROWS, xid()], { gtid: `${UUID}:6`, ending: 'commit' })
      .group([mysqlGtid(`${UUID}:7`), query('BEGIN'), ...ROWS, query('COMMIT')], {
        gtid: `${UUID}:7`,
        ending: 'commit',
      })
      .group([mysqlGtid(`${UUID}:8`), query('drop table t')], { gtid: `${UUID}:8`, ending: 'statement' });
    expectGroups(builder);
    expect(readInPieces(builder.bytes).reading.gtidEnd?.toString()).toBe(`${UUID}:1-8`);
  });

  it('without a GTID begins with the anonymous one', () => {
    const builder = new BinlogBuilder({ version: MYSQL })
      .between(previousGtids([]))
      .group([ANONYMOUS, query('BEGIN'), ...ROWS, xid()], { ending: 'commit' })
      .group([ANONYMOUS, query('drop table t')], { ending: 'statement' });
    expectGroups(builder);
    expect(readInPieces(builder.bytes).reading.gtidEnd?.toString()).toBe('');
  });

  it('of an XA transaction goes from XA START to XA_PREPARE, however long its name is', () => {
    const longest = `XA START X'${'61'.repeat(64)}',X'${'62'.repeat(64)}',1`;
    expect(longest.length).toBeGreaterThan(256);
    for (const start of ["XA START X'61',X'',1", longest]) {
      const events = [mysqlGtid(`${UUID}:6`), query(start), ...ROWS, query("XA END X'61',X'',1"), xaPrepare('a')];
      expectGroups(mysql().group(events, { gtid: `${UUID}:6`, ending: 'prepare' }));
    }
  });

  it('is committed, not prepared, by XA COMMIT ... ONE PHASE', () => {
    const events = [mysqlGtid(`${UUID}:6`), query("XA START X'61',X'',1"), ...ROWS, xaPrepare('a', { onePhase: true })];
    expectGroups(mysql().group(events, { gtid: `${UUID}:6`, ending: 'commit' }));
  });

  it('packed into a payload is whole with the payload', () => {
    const payload = transactionPayload([query('BEGIN'), ...ROWS, xid()]);
    const builder = new BinlogBuilder({ version: MYSQL })
      .between(previousGtids([]))
      .group([ANONYMOUS, payload], { ending: 'commit' });
    expectGroups(builder);
  });
});

describe('a file that goes on as the file of another server', () => {
  it('is reported where it does, and its GTID state is no longer known', () => {
    const builder = mariadb()
      .group([mariadbGtid('0-101-6'), ...ROWS, xid()], { gtid: '0-101-6', threadId: null, ending: 'commit' })
      .between(formatDescription(MYSQL, 'crc32'))
      .group([mysqlGtid(`${UUID}:6`), query('DROP TABLE t')], { gtid: `${UUID}:6`, ending: 'statement' });
    const { reading, heard } = readInPieces(builder.bytes);
    const problem = 'from here on it is the file of another server';
    expect(reading.problems).toEqual([{ kind: 'damage', offset: builder.groups[0]?.end, problem }]);
    expect(heard.groups).toMatchObject(builder.groups);
    expect(heard.states).toEqual(['0-101-5', null]);
    expect(reading.gtidEnd).toBeNull();
  });

  it('is in order in a relay log, which begins with what the replica is', () => {
    const builder = new BinlogBuilder({ relayLog: true })
      .between(gtidList('0-101-5'))
      .between(formatDescription(MYSQL, 'crc32'))
      .between(previousGtids([{ uuid: UUID, intervals: [[1, 6]] }]))
      .group([mysqlGtid(`${UUID}:6`), query('DROP TABLE t')], { gtid: `${UUID}:6`, ending: 'statement' });
    const { reading } = readInPieces(builder.bytes);
    expect(reading.problems).toEqual([]);
    expect(reading.gtidStart?.toString()).toBe(`${UUID}:1-5`);
    expect(reading.gtidEnd?.toString()).toBe(`${UUID}:1-6`);
  });
});

describe('a group of a source without GTIDs', () => {
  const source = (): BinlogBuilder => new BinlogBuilder({ version: MYSQL_55, checksum: 'none' });

  it('goes from BEGIN to COMMIT, ROLLBACK or XID, also for tables without transactions', () => {
    const builder = source();
    for (const [last, ending] of [
      [query('COMMIT'), 'commit'],
      [query('ROLLBACK'), 'rollback'],
      [xid(), 'commit'],
    ] as const)
      builder.group([query('BEGIN'), ...ROWS, last], { ending });
    expectGroups(builder);
  });

  it('takes in what stands before its statement', () => {
    const rand = { type: EVENT.RAND, body: Buffer.alloc(16) };
    const variable = { type: EVENT.USER_VAR, body: Buffer.alloc(20) };
    const builder = source()
      .group([intvar(5), rand, variable, query('insert into t values (null)')], { ending: 'statement' })
      .group([query('drop table t')], { ending: 'statement' });
    expectGroups(builder);
  });

  it('of LOAD DATA ends with the event that executes it', () => {
    const load = [EVENT.BEGIN_LOAD_QUERY, EVENT.APPEND_BLOCK, EVENT.EXECUTE_LOAD_QUERY];
    const events = load.map((type) => ({ type, body: Buffer.alloc(40) }));
    const builder = source()
      .group(events, { threadId: 0, ending: 'statement' })
      .group([query('drop table t')], { ending: 'statement' });
    expectGroups(builder);
  });
});

describe('between groups', () => {
  it('stand the events of the file itself', () => {
    const unknown: RawEvent = { type: 200, body: Buffer.alloc(5), flags: EVENT_FLAG.IGNORABLE };
    const builder = mariadb().between(checkpoint('binlog.000001')).between(unknown);
    builder.group([mariadbGtid('0-101-6', { standalone: true }), query('drop table t')], {
      gtid: '0-101-6',
      ending: 'statement',
    });
    expectGroups(builder.between(unknown).between(STOP));
    expect(readInPieces(builder.bytes).reading.end).toBe('stop');
  });

  it.each([
    ['MariaDB', mariadb, mariadbGtid('0-101-6', { standalone: true }), '0-101-6'],
    ['MySQL', mysql, mysqlGtid(`${UUID}:6`), `${UUID}:6`],
    ['MySQL without GTIDs', () => new BinlogBuilder({ version: MYSQL_55, checksum: 'none' }), null, null],
  ])('stand events that only their server knows, in a log of %s, and inside groups too', (_, start, first, gtid) => {
    const unknown: RawEvent = { type: 100, body: Buffer.alloc(700) };
    const builder = start().between(unknown);
    const events = first === null ? [query('drop table t')] : [first, unknown, query('drop table t')];
    builder.group(events, { gtid, ending: 'statement' });
    builder.between(unknown).between(unknown);
    expectGroups(builder);
    expect(readInPieces(builder.bytes).heard.torn).toEqual([]);
  });

  it.each([20, 21, 22, 99, 172])('what cannot be read in a group is told, and damages nothing: type %i', (type) => {
    const rows: RawEvent = { type, body: Buffer.alloc(40) };
    const first = mariadbGtid('0-101-6', { standalone: true });
    const builder = mariadb().group([first, rows, query('drop table t')], { gtid: '0-101-6', ending: 'statement' });
    const { reading, heard } = readInPieces(builder.bytes);
    const offset = builder.events.at(-2)?.start ?? 0;
    const problem = `an event of type ${type} inside a transaction group cannot be read`;
    expect(reading.problems).toEqual([{ kind: 'unknown-type', offset, problem }]);
    expect(heard.unread).toEqual([offset]);
    const ignorable = { ...rows, flags: EVENT_FLAG.IGNORABLE };
    const passed = mariadb().group([first, ignorable, query('drop table t')], { gtid: '0-101-6', ending: 'statement' });
    expect(readInPieces(passed.bytes).reading.problems).toEqual([]);
  });

  it('a ROTATE of the file ends it, one made for a stream does not', () => {
    expect(readInPieces(mariadb().between(rotate('binlog.000002')).bytes).reading.end).toBe('rotate');
    const artificial = { ...rotate('binlog.000002'), flags: EVENT_FLAG.ARTIFICIAL };
    expect(readInPieces(mariadb().between(artificial).bytes).reading.end).toBe('open');
  });

  it('an incident that the source reports is passed on and damages nothing', () => {
    const builder = mariadb().between(INCIDENT).between(rotate('binlog.000002'));
    const { reading } = readInPieces(builder.bytes);
    expect(reading.problems).toEqual([{ kind: 'source-incident', offset: builder.events[2]?.start, problem: LOST }]);
    expect(reading).toMatchObject({ wholeTo: builder.size, end: 'rotate' });
  });

  it('an incident with a GTID of its own is a group, and its GTID is executed', () => {
    const builder = mysql()
      .group([mysqlGtid(`${UUID}:6`), INCIDENT], { gtid: `${UUID}:6`, threadId: null, ending: 'statement' })
      .group([mysqlGtid(`${UUID}:7`), query('drop table t')], { gtid: `${UUID}:7`, ending: 'statement' });
    const { reading, heard } = readInPieces(builder.bytes);
    expect(heard).toMatchObject({ groups: builder.groups, torn: [] });
    expect(reading.gtidEnd?.toString()).toBe(`${UUID}:1-7`);
    expect(reading.problems.map(({ kind }) => kind)).toEqual(['source-incident']);
  });

  it('no cut may be made at an incident inside a transaction', () => {
    const builder = mariadb().unfinished([mariadbGtid('0-101-6'), ...ROWS, INCIDENT]);
    expect(readInPieces(builder.bytes).reading.wholeTo).toBe(builder.boundaryBefore(builder.size));
  });
});

describe('an encrypted MariaDB file', () => {
  it('is read to the end in the plain text of a stream', () => {
    const builder = mariadb().between(startEncryption({ inStream: true }));
    builder.group([mariadbGtid('0-101-6', { standalone: true }), query('drop table t')], {
      gtid: '0-101-6',
      ending: 'statement',
    });
    expectGroups(builder);
  });

  it('cannot be read on disk behind the event that says so', () => {
    const builder = mariadb().between(startEncryption({ inStream: false }));
    const { start } = builder.events.at(-1) ?? {};
    const bytes = Buffer.concat([builder.bytes, Buffer.alloc(400, 0x99)]);
    const { reading } = readInPieces(bytes, [60]);
    expect(reading.problems).toEqual([
      {
        kind: 'unreadable',
        offset: start,
        problem: 'the file is encrypted by its server: it cannot be read without the key',
      },
    ]);
    expect(reading.end).toBe('torn');
  });
});

describe('a group that never ends', () => {
  it('is told as torn when the next one begins, and counts for nothing', () => {
    const builder = mariadb().unfinished([mariadbGtid('0-101-6'), ...ROWS]);
    const end = builder.size;
    builder.group([mariadbGtid('0-101-6'), ...ROWS, xid()], { gtid: '0-101-6', threadId: null, ending: 'commit' });
    const { reading, heard } = readInPieces(builder.bytes);
    expect(heard.torn).toEqual([{ start: builder.events[2]?.start, end }]);
    expect(heard.groups).toEqual(builder.groups);
    expect(reading.events).toBe(2 + 4);
  });

  it('does not change the GTID state', () => {
    const builder = mariadb()
      .unfinished([mariadbGtid('0-101-6'), ...ROWS])
      .between(rotate('binlog.000002'));
    expect(readInPieces(builder.bytes).reading.gtidEnd?.toString()).toBe('0-101-5');
  });
});

describe('a GTID event that cannot be right', () => {
  it.each([
    ['of a MySQL server in a MariaDB file', mariadb(), mysqlGtid(`${UUID}:6`)],
    ['of a MariaDB server in a MySQL file', mysql(), mariadbGtid('0-101-6')],
    ['cut short in a MariaDB file', mariadb(), { type: EVENT.MARIADB_GTID, body: Buffer.alloc(12) }],
    ['cut short in a MySQL file', mysql(), { type: EVENT.GTID, body: Buffer.alloc(24) }],
    ['of MySQL 8.3, empty', mysql(), { type: EVENT.GTID_TAGGED, body: Buffer.alloc(0) }],
  ] as const)('is damage: %s', (_, builder, event) => {
    const at = builder.size;
    const before = readInPieces(builder.bytes).reading.gtidEnd?.toString();
    builder.group([event, query('drop table t')], { gtid: null, ending: 'statement' });
    const { reading, heard } = readInPieces(builder.bytes);
    expect(reading.problems).toEqual([{ kind: 'damage', offset: at, problem: 'the GTID cannot be read' }]);
    expect(heard.groups).toEqual(builder.groups);
    expect(reading.gtidEnd?.toString()).toBe(before);
  });

  it.each([
    ['empty', { type: EVENT.GTID_LIST, body: Buffer.alloc(3) }],
    ['shorter than its count', { type: EVENT.GTID_LIST, body: Buffer.from([1, 0, 0, 0, 0]) }],
    ['of the other flavor', previousGtids([])],
  ])('is damage in a list of them: %s', (_, event) => {
    const builder = new BinlogBuilder().between(event);
    const { reading } = readInPieces(builder.bytes);
    const problem = 'the GTID state of the file cannot be read';
    expect(reading.problems).toEqual([{ kind: 'damage', offset: builder.events[1]?.start, problem }]);
    expect(reading.gtidStart).toBeNull();
  });
});

describe('the GTID state at the start of a file', () => {
  it('is read though the list has flags above its count', () => {
    const list = gtidList('0-101-5');
    list.body.writeUInt32LE(0x80000001, 0);
    const { reading } = readInPieces(new BinlogBuilder().between(list).bytes);
    expect(reading).toMatchObject({ problems: [] });
    expect(reading.gtidStart?.toString()).toBe('0-101-5');
  });

  it('is what the first list says, whatever comes later', () => {
    const { reading } = readInPieces(mariadb().between(gtidList('0-101-99')).bytes);
    expect([reading.gtidStart?.toString(), reading.gtidEnd?.toString()]).toEqual(['0-101-5', '0-101-5']);
  });
});

describe('a QUERY event that contradicts itself', () => {
  it('is told of as not understood, and still ends its group', () => {
    const broken = query('drop table t');
    broken.body.writeUInt8(255, 8);
    const builder = mariadb();
    builder.group([mariadbGtid('0-101-6', { standalone: true }), broken], {
      gtid: '0-101-6',
      threadId: null,
      ending: 'statement',
    });
    const { reading, heard } = readInPieces(builder.bytes);
    expect(heard.groups).toEqual(builder.groups);
    expect(reading.problems).toEqual([
      {
        kind: 'not-understood',
        offset: builder.eventAt(builder.size - 1).start,
        problem: 'the QUERY event contradicts itself',
      },
    ]);
  });
});

describe('statements', () => {
  it('are handed over without BEGIN, COMMIT and ROLLBACK, in any case of letters', () => {
    const builder = new BinlogBuilder({ version: MYSQL_55, checksum: 'none' })
      .group([query('begin'), query('insert into t values (1)'), query('commit')], { ending: 'commit' })
      .group([query('BEGIN'), query('begin2'), query('Rollback')], { ending: 'rollback' });
    const { heard } = readInPieces(builder.bytes);
    expect(heard.statements.map(({ text }) => text)).toEqual(['insert into t values (1)', 'begin2']);
    expect(heard.groups).toEqual(builder.groups);
  });

  it('name the thread of the first one', () => {
    const builder = mariadb().group(
      [
        mariadbGtid('0-101-6'),
        query('insert into t values (1)'),
        query('insert into t values (2)', { threadId: 9 }),
        xid(),
      ],
      { gtid: '0-101-6', threadId: THREAD, ending: 'commit' },
    );
    expectGroups(builder);
  });
});
