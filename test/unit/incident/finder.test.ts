import { describe, expect, it } from 'vitest';
import type { FormatDescription } from '../../../src/binlog/format-description.ts';
import type { Group, QueryEvent } from '../../../src/binlog/group.ts';
import { GtidPosition, parseMariadbGtid } from '../../../src/binlog/mariadb-gtid.ts';
import { GtidSet, parseMysqlGtid } from '../../../src/binlog/mysql-gtid.ts';
import { IncidentFinder } from '../../../src/incident/finder.ts';
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
} {
  const incidents: Incident[] = [];
  const finder = new IncidentFinder({ lineage: null, ...options, found: (incident) => incidents.push(incident) });
  finder.enterFile('binlog.000003', FORMAT);
  return { finder, incidents };
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
    ['rolled-back', 'DROP TABLE a', 0, 'rollback'],
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

  it('of a torn group does not reach into the next group', () => {
    const { finder, incidents } = aFinder();
    finder.query(aQuery('DROP TABLE a'));
    finder.torn(1234, 1300);
    finder.group(aGroup(), null);
    expect(incidents).toHaveLength(1);
  });
});
