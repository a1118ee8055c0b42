import { describe, expect, it } from 'vitest';
import type { FormatDescription } from '../../../src/binlog/format-description.ts';
import type { Group, QueryEvent } from '../../../src/binlog/group.ts';
import { GtidPosition, parseMariadbGtid } from '../../../src/binlog/mariadb-gtid.ts';
import { GtidSet, parseMysqlGtid } from '../../../src/binlog/mysql-gtid.ts';
import { IncidentFinder } from '../../../src/incident/finder.ts';
import { EVERY_ALTER, type Settlement } from '../../../src/incident/settlement.ts';
import { incidentId, type Incident, type LastGood } from '../../../src/incident/incident.ts';
import { aQuery } from './statements.ts';

const TEN_O_CLOCK = 1_795_341_600; // 2026-11-22T10:00:00Z

const FORMAT: FormatDescription = {
  serverVersion: '10.11.19-MariaDB-log',
  flavor: 'mariadb',
  time: TEN_O_CLOCK,
  createdAt: 0,
  checksum: 'crc32',
  checksumAware: true,
  serverId: 7,
  length: 252,
  relayLog: false,
};

function aGroup(overrides: Partial<Group> = {}): Group {
  return {
    start: 1234,
    end: 1333,
    gtid: parseMariadbGtid('0-1-4711'),
    time: TEN_O_CLOCK,
    serverId: 1,
    threadId: 37,
    events: 2,
    ending: 'statement',
    ...overrides,
  };
}

/** A finder in `binlog.000003`, and what it found. */
function aFinder(options: { lineage?: string | null; last?: LastGood | null } = {}): {
  finder: IncidentFinder;
  incidents: Incident[];
  settlements: Settlement[];
} {
  const incidents: Incident[] = [];
  const settlements: Settlement[] = [];
  const finder = new IncidentFinder({
    lineage: null,
    ...options,
    found: (incident) => incidents.push(incident),
    settled: (settlement) => settlements.push(settlement),
  });
  finder.enterFile('binlog.000003', FORMAT);
  return { finder, incidents, settlements };
}

/** The one incident that a destructive statement in a group gives. */
function incidentOf(query: QueryEvent, group: Partial<Group> = {}): Incident | undefined {
  const { finder, incidents } = aFinder();
  finder.query(query);
  finder.group(aGroup(group), null);
  return incidents[0];
}

describe('IncidentFinder', () => {
  it('gives the whole group of a destructive statement, as the contract shows it', () => {
    const { finder, incidents } = aFinder({ lineage: 'shop-1a2b' });
    finder.group(aGroup({ start: 900, end: 1234, gtid: parseMariadbGtid('0-1-4710'), time: TEN_O_CLOCK - 2 }), null);
    finder.query(aQuery('DROP DATABASE shop', { time: TEN_O_CLOCK + 1 }));
    finder.group(aGroup(), null);
    expect(incidents).toEqual([
      {
        id: incidentId({ lineage: 'shop-1a2b', file: 'binlog.000003', start: 1234 }),
        kind: 'drop-database',
        state: 'effective',
        suspicious: false,
        objects: [{ schema: 'shop', name: null, type: 'database' }],
        statement: 'DROP DATABASE shop',
        rows: { deleted: 0, updated: 0 },
        gtid: '0-1-4711',
        lineage: 'shop-1a2b',
        file: 'binlog.000003',
        start: 1234,
        end: 1333,
        time: '2026-11-22T10:00:01Z',
        threadId: 37,
        serverId: 1,
        lastGood: { gtid: '0-1-4710', file: 'binlog.000003', end: 1234, time: '2026-11-22T09:59:58Z' },
        awaits: null,
        settledBy: null,
      },
    ]);
  });

  it('is silent about groups without destruction', () => {
    const { finder, incidents } = aFinder();
    finder.query(aQuery('INSERT INTO a VALUES (1)'));
    finder.group(aGroup(), null);
    expect(incidents).toEqual([]);
  });

  it('names the last group of the file before when the incident is the first of its file', () => {
    const { finder, incidents } = aFinder();
    finder.group(aGroup({ start: 900, end: 990, gtid: parseMysqlGtid(`${UUID}:5`) }), null);
    finder.enterFile('binlog.000004', FORMAT);
    finder.query(aQuery('TRUNCATE a'));
    finder.group(aGroup({ start: 400, end: 500 }), null);
    expect(incidents[0]?.lastGood).toEqual({
      gtid: `${UUID}:5`,
      file: 'binlog.000003',
      end: 990,
      time: '2026-11-22T10:00:00Z',
    });
    expect(incidents[0]?.file).toBe('binlog.000004');
  });

  it('makes an incident the last good group of the next: a restore before the second contains the first', () => {
    const { finder, incidents } = aFinder();
    for (const start of [100, 200]) {
      finder.query(aQuery('TRUNCATE a'));
      finder.group(aGroup({ start, end: start + 100 }), null);
    }
    expect(incidents[1]?.lastGood?.end).toBe(200);
  });

  it('keeps the last good group of another group that was torn', () => {
    const { finder, incidents } = aFinder();
    finder.group(aGroup({ start: 100, end: 200 }), null);
    finder.torn(200, 250);
    finder.enterFile('binlog.000004', FORMAT);
    finder.query(aQuery('TRUNCATE a'));
    finder.group(aGroup({ start: 300, end: 400 }), null);
    expect(incidents[0]?.lastGood).toMatchObject({ file: 'binlog.000003', end: 200 });
  });

  it('takes what the caller knows of the log before the first group', () => {
    const last: LastGood = { gtid: '0-1-3', file: 'binlog.000002', end: 555, time: '2026-11-22T09:00:00Z' };
    const { finder, incidents } = aFinder({ last });
    finder.query(aQuery('TRUNCATE a'));
    finder.group(aGroup(), null);
    expect(incidents[0]?.lastGood).toEqual(last);
  });

  it.each([
    ['a position of one domain', GtidPosition.parse('0-1-4710'), '0-1-4710'],
    ['a position of two domains', GtidPosition.parse('0-1-4710,1-1-5'), null],
    ['an empty position', GtidPosition.parse(''), null],
    ['a set', GtidSet.parse('3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5'), null],
    ['nothing', null, null],
  ])('cuts at the start of the first group ever seen, and names its GTID only from %s', (_title, before, gtid) => {
    const { finder, incidents } = aFinder();
    finder.query(aQuery('TRUNCATE a'));
    finder.group(aGroup(), before);
    expect(incidents[0]?.lastGood).toEqual({ gtid, file: 'binlog.000003', end: 1234, time: null });
  });

  it('makes one incident of a group with several destructive statements', () => {
    const { finder, incidents } = aFinder();
    for (const statement of ['DROP TABLE a, b', 'DROP TABLE b, c']) finder.query(aQuery(statement));
    finder.group(aGroup(), null);
    expect(incidents).toHaveLength(1);
    expect(incidents[0]?.objects.map(({ name }) => name)).toEqual(['a', 'b', 'c']);
  });

  it('redacts the statement', () => {
    const incident = incidentOf(aQuery("SET STATEMENT x=PASSWORD('pw') FOR DROP TABLE a"));
    expect(incident?.statement).toBe("SET STATEMENT x=PASSWORD('***') FOR DROP TABLE a");
  });

  it('reads executable comments as the version of the file does', () => {
    const { finder, incidents } = aFinder();
    const statement = aQuery('/*!80000 DROP TABLE a */');
    finder.query(statement);
    finder.group(aGroup(), null);
    finder.enterFile('binlog.000004', { ...FORMAT, flavor: 'mysql', serverVersion: '8.0.32' });
    finder.query(statement);
    finder.group(aGroup(), null);
    expect(incidents.map(({ file }) => file)).toEqual(['binlog.000004']);
  });

  it('has null for a GTID where the source writes none', () => {
    expect(incidentOf(aQuery('TRUNCATE a'), { gtid: null })?.gtid).toBeNull();
  });
});

const UUID = '3e11fa47-71ca-11e1-9e33-c80aa9429562';

describe('the state of an incident', () => {
  it.each([
    ['effective', 'DROP TABLE `a` /* generated by server */', 0, 'statement'],
    ['effective', 'DROP TABLE `a`,`nosuch` /* generated by server */', 1051, 'statement'],
    ['unknown', 'TRUNCATE a', 1317, 'statement'],
    ['unknown', 'DROP DATABASE a', 1010, 'statement'],
    ['unknown', 'DROP TABLE a', 0, 'rollback'],
    ['effective', 'DROP TABLE a', 0, 'commit'],
    ['pending', 'DROP TABLE a', 0, 'prepare'],
    ['effective', 'DROP TABLE IF EXISTS `a`/* Generated to handle failed CREATE OR REPLACE */', 0, 'rollback'],
    ['no-op', 'TRUNCATE TABLE `a`.`m` /* generated by server for memory table after a restart */', 0, 'statement'],
  ] as const)('is %s: %j with error %i in a group that ends with %s', (state, statement, errorCode, ending) => {
    expect(incidentOf(aQuery(statement, { errorCode }), { ending })?.state).toBe(state);
  });

  it('is rolled back when the source crashed in the group; its server id is that of the file', () => {
    const { finder, incidents } = aFinder();
    finder.query(aQuery('DROP TABLE a'));
    finder.torn(1234, 1300);
    expect(incidents).toMatchObject([{ state: 'rolled-back', start: 1234, end: 1300, gtid: null, serverId: 7 }]);
  });

  it('is unknown when the end of its group is missing', () => {
    const { finder, incidents } = aFinder();
    finder.query(aQuery('DROP TABLE a'));
    finder.torn(1234, 1300, true);
    expect(incidents).toMatchObject([{ state: 'unknown', start: 1234, end: 1300, gtid: null }]);
  });

  it('of a torn group does not reach into the next group', () => {
    const { finder, incidents } = aFinder();
    finder.query(aQuery('DROP TABLE a'));
    finder.torn(1234, 1300);
    finder.group(aGroup(), null);
    expect(incidents).toHaveLength(1);
  });
});

const XID = "XA X'616263',X'',1";

describe('what takes two groups', () => {
  const prepared = { ending: 'prepare', phase: { step: 'begun', key: XID }, transactional: true } as const;
  const committed = { start: 2000, end: 2100, phase: { step: 'commit', key: XID } } as const;

  it('is pending with its first group, and settled by its second', () => {
    const { finder, incidents, settlements } = aFinder();
    finder.query(aQuery('TRUNCATE a'));
    finder.group(aGroup(prepared), null);
    finder.query(aQuery(`XA COMMIT X'616263',X'',1`));
    finder.group(aGroup({ ...committed, gtid: parseMariadbGtid('0-1-4712') }), null);
    expect(incidents).toMatchObject([{ state: 'pending', awaits: XID, start: 1234, settledBy: null }]);
    const time = '2026-11-22T10:00:00Z';
    expect(settlements).toEqual([
      { key: XID, state: 'effective', file: 'binlog.000003', start: 2000, end: 2100, gtid: '0-1-4712', time },
    ]);
  });

  it('is told of when its first group stood in an earlier file, and not when that was harmless', () => {
    const { finder, incidents, settlements } = aFinder();
    finder.query(aQuery('INSERT INTO a VALUES (1)'));
    finder.group(aGroup(prepared), null);
    finder.group(aGroup(committed), null);
    expect(settlements).toEqual([]);
    finder.group(aGroup({ ...committed, phase: { step: 'rollback', key: "XA X'62',X'',1" } }), null);
    expect(settlements).toMatchObject([{ key: "XA X'62',X'',1", state: 'rolled-back' }]);
    expect(incidents).toEqual([]);
  });

  it('is one incident when its second group has the text again, and also when the first was never seen', () => {
    const key = 'ALTER 0-4711';
    const { finder, incidents, settlements } = aFinder();
    for (const step of ['begun', 'commit'] as const) {
      finder.query(aQuery('TRUNCATE a'));
      finder.group(aGroup({ phase: { step, key } }), null);
    }
    expect(incidents).toMatchObject([{ state: 'pending', awaits: key }]);
    expect(settlements).toMatchObject([{ key, state: 'effective' }]);
    finder.query(aQuery('TRUNCATE b'));
    finder.group(aGroup({ start: 2000, phase: { step: 'commit', key: 'ALTER 0-3' } }), null);
    expect(incidents.at(-1)).toMatchObject({ state: 'effective', awaits: null, start: 2000 });
    expect(settlements.at(-1)).toMatchObject({ key: 'ALTER 0-3', start: 2000 });
  });

  it('ends with a new start of the server when it is an ALTER', () => {
    const { finder, settlements } = aFinder();
    finder.enterFile('binlog.000004', { ...FORMAT, createdAt: TEN_O_CLOCK });
    const place = { file: 'binlog.000004', start: 4, end: 256, gtid: null };
    expect(settlements).toMatchObject([{ key: EVERY_ALTER, state: 'rolled-back', ...place }]);
    finder.enterFile('relay.000004', { ...FORMAT, createdAt: TEN_O_CLOCK, relayLog: true });
    finder.enterFile('binlog.000005', { ...FORMAT, createdAt: TEN_O_CLOCK, flavor: 'mysql', serverVersion: '8.4.0' });
    expect(settlements).toHaveLength(1);
  });

  it('needs no memory for what never ends', () => {
    const { finder, settlements } = aFinder();
    const keys = Array.from({ length: 20_000 }, (_, index) => `XA X'${index.toString(16)}',X'',1`);
    for (const key of keys) finder.group(aGroup({ ...prepared, phase: { step: 'begun', key } }), null);
    for (const key of keys) finder.group(aGroup({ phase: { step: 'commit', key } }), null);
    expect(settlements.map(({ key }) => key)).toEqual(keys.slice(0, 10_000));
  });
});

describe('a group of several parts', () => {
  it('is of the gravest kind, with its statement and the objects of all', () => {
    const { finder, incidents } = aFinder();
    for (const statement of ['TRUNCATE a', 'DROP TABLE b']) finder.query(aQuery(statement));
    finder.group(aGroup({ ending: 'commit' }), null);
    expect(incidents).toMatchObject([{ kind: 'drop-table', statement: 'DROP TABLE b' }]);
    expect(incidents[0]?.objects.map(({ name }) => name)).toEqual(['a', 'b']);
  });

  it('leaves out what a savepoint took back, but for text that may be of a table without transactions', () => {
    const { finder, incidents } = aFinder();
    const statements = ['TRUNCATE a', 'SAVEPOINT `s`', 'TRUNCATE b', 'ROLLBACK TO `s`', 'TRUNCATE c'];
    for (const transactional of [true, false]) {
      for (const statement of statements) finder.query(aQuery(statement));
      finder.group(aGroup({ ending: 'commit', transactional }), null);
    }
    expect(incidents.map(({ objects }) => objects.map(({ name }) => name).join(''))).toEqual(['ac', 'abc']);
    expect(incidents.map(({ state }) => state)).toEqual(['effective', 'effective']);
  });

  it('counts no rows that a savepoint took back', () => {
    const { finder, incidents } = aFinder();
    const change = { kind: 'delete', schema: 'shop', exact: true, bytes: 9000, offset: 400 } as const;
    finder.rows({ ...change, table: 'a', rows: 200 });
    finder.query(aQuery('SAVEPOINT `s`'));
    finder.rows({ ...change, table: 'a', rows: 300 });
    finder.rows({ ...change, table: 'b', rows: 500 });
    finder.query(aQuery('ROLLBACK TO `s`'));
    finder.rows({ ...change, table: 'c', rows: 7 });
    finder.group(aGroup({ ending: 'commit' }), null);
    expect(incidents).toMatchObject([{ kind: 'mass-delete', rows: { deleted: 207 } }]);
    expect(incidents[0]?.objects.map(({ name }) => name)).toEqual(['a', 'c']);
  });

  it('shows what a savepoint that it never saw took back, and another transaction does not know its savepoints', () => {
    const { finder, incidents } = aFinder();
    for (const statement of ['TRUNCATE a', 'SAVEPOINT `s`', 'TRUNCATE b', 'ROLLBACK TO `t`'])
      finder.query(aQuery(statement));
    finder.group(aGroup({ ending: 'commit', transactional: true }), null);
    for (const statement of ['TRUNCATE a', 'SAVEPOINT `s`']) finder.query(aQuery(statement));
    finder.group(aGroup({ ending: 'commit', transactional: true }), null);
    for (const statement of ['TRUNCATE a', 'ROLLBACK TO `s`']) finder.query(aQuery(statement));
    finder.group(aGroup({ ending: 'commit', transactional: true }), null);
    expect(incidents.map(({ state }) => state)).toEqual(['effective', 'effective', 'effective']);
  });

  it('that cannot be read to its end is shown', () => {
    const { finder, incidents } = aFinder();
    finder.unread();
    finder.group(aGroup({ ending: 'commit' }), null);
    const statement = 'an event of this group cannot be read';
    expect(incidents).toMatchObject([{ kind: 'unclassified', state: 'unknown', statement, objects: [] }]);
  });
});

describe("a source's note that it lost events", () => {
  const note = { time: TEN_O_CLOCK, serverId: 5, message: 'LOST_EVENTS', inGroup: false };

  it('is an incident at its own place, between groups', () => {
    const { finder, incidents } = aFinder();
    finder.group(aGroup({ start: 900, end: 1234 }), null);
    finder.sourceIncident(1234, 1270, note);
    const place = { file: 'binlog.000003', start: 1234, end: 1270, gtid: null, serverId: 5, threadId: null };
    const what = { kind: 'source-incident', state: 'effective', objects: [], statement: 'LOST_EVENTS' };
    expect(incidents).toMatchObject([{ ...what, ...place, lastGood: { end: 1234 } }]);
  });

  it('is an incident of its group when it is in one', () => {
    const { finder, incidents } = aFinder();
    finder.sourceIncident(1280, 1300, { ...note, message: '', inGroup: true });
    finder.group(aGroup(), null);
    const what = { kind: 'source-incident', start: 1234, end: 1333, gtid: '0-1-4711' };
    expect(incidents).toMatchObject([{ ...what, statement: 'the source lost events' }]);
  });
});

describe('a statement that is marked as one about a temporary table', () => {
  const marked = { threadSpecific: true } as const;
  const asRows = { ending: 'commit' } as const;

  /** What is told of the last statement: '' for nothing, '?' for a suspicion. */
  function toldOf(before: readonly (QueryEvent | 'rows')[], last: QueryEvent): string {
    const { finder, incidents } = aFinder();
    for (const one of before) {
      if (one !== 'rows') finder.query(one);
      finder.group(aGroup(one === 'rows' ? asRows : {}), null);
    }
    const earlier = incidents.length;
    finder.query(last);
    finder.group(aGroup({ start: 5000 }), null);
    return incidents
      .slice(earlier)
      .map(({ kind, suspicious }) => `${kind}${suspicious ? '?' : ''}`)
      .join();
  }

  const create = (text: string, more: Partial<QueryEvent> = {}): QueryEvent => aQuery(text, { ...marked, ...more });
  const truncate = aQuery('TRUNCATE a', marked);

  it.each([
    'CREATE TEMPORARY TABLE a (id INT)',
    'create /* x */ or replace temporary table `A` select 1',
    'CREATE TEMPORARY TABLE IF NOT EXISTS shop.a LIKE b',
    'SET STATEMENT lock_wait_timeout=5 FOR CREATE TEMPORARY TABLE a (id INT)',
  ])('is about one that its connection made with %j', (text) => {
    for (const last of [truncate, aQuery('ALTER TABLE shop.a DROP b', marked), aQuery('DELETE FROM a', marked)])
      expect(toldOf([create(text)], last)).toBe('');
    expect(toldOf(['rows', create(text), 'rows'], truncate)).toBe('');
  });

  it.each([
    ['another connection made it', [create('CREATE TEMPORARY TABLE a (id INT)', { threadId: 38 })]],
    ['a table was made that is none', [create('CREATE TABLE a (id INT)')]],
    ['nothing is known', []],
  ] as const)('may be about any table when %s', (_title, before) => {
    expect(toldOf(before, truncate)).toBe('truncate-table?');
    expect(toldOf(before, aQuery('ALTER TABLE a DROP b', marked))).toBe('drop-column?');
    expect(toldOf(before, aQuery('DELETE FROM a', marked))).toBe('mass-delete?');
  });

  it.each([
    ['a log that has rows and no texts', ['rows', aQuery('CREATE TABLE b (id INT)')]],
    ['a connection that made another one', [create('CREATE TEMPORARY TABLE b (id INT)')]],
    ['a connection that made one in another schema', [create('CREATE TEMPORARY TABLE x.a (id INT)')]],
  ] as const)('is about a table of everybody in %s', (_title, before) => {
    expect(toldOf(before, truncate)).toBe('truncate-table');
    expect(toldOf(before, aQuery('ALTER TABLE a DROP b', marked))).toBe('drop-column');
    expect(toldOf(before, aQuery('DELETE FROM a', marked))).toBe('mass-delete');
    expect(toldOf(before, aQuery('UPDATE a SET b = (SELECT MAX(c) FROM t)', marked))).toBe('mass-update?');
  });

  it.each(['INSERT INTO b VALUES (1)', '/* app */ UPDATE b SET c = 1 WHERE d = 2'])(
    'may be about any table in a log that has rows and also %j',
    (text) => {
      const { finder, incidents } = aFinder();
      finder.group(aGroup(asRows), null);
      finder.query(aQuery(text));
      finder.group(aGroup(asRows), null);
      finder.query(truncate);
      finder.group(aGroup(), null);
      expect(incidents).toMatchObject([{ kind: 'truncate-table', suspicious: true }]);
    },
  );

  it('is judged by its own file', () => {
    const { finder, incidents } = aFinder();
    finder.query(create('CREATE TEMPORARY TABLE a (id INT)'));
    finder.group(aGroup(asRows), null);
    finder.enterFile('binlog.000004', FORMAT);
    finder.query(truncate);
    finder.group(aGroup(), null);
    expect(incidents).toMatchObject([{ kind: 'truncate-table', suspicious: true }]);
  });
});
