import { describe, expect, it } from 'vitest';
import { findDoubts, findObstacles, isInUse, type Demands } from '../../../src/recovery/preflight/checks.ts';
import { planSettings } from '../../../src/recovery/preflight/run-settings.ts';
import { isSameServer } from '../../../src/recovery/preflight/same-server.ts';
import type { TargetFacts } from '../../../src/recovery/preflight/target-facts.ts';
import {
  borrowSettings,
  planLoan,
  putBackSettings,
  putBackStatements,
  setStatement,
} from '../../../src/recovery/borrowed-settings.ts';
import { emptyingStatements, finishingStatements, tellStatements } from '../../../src/recovery/left-behind.ts';
import type { Incident } from '../../../src/incident/incident.ts';
import type { LastgoodError } from '../../../src/platform/errors.ts';
import { refuseSkips } from '../../../src/recovery/refuse-skips.ts';
import type { PlanConflict } from '../../../src/recovery/plan.ts';
import type { ServerConnection } from '../../../src/server/connection.ts';

const fresh: TargetFacts = {
  flavor: 'mariadb',
  version: '10.11.6-MariaDB',
  variables: new Map([
    ['server_id', '500'],
    ['gtid_slave_pos', ''],
    ['datadir', '/var/lib/mysql/'],
    ['log_bin', 'OFF'],
  ]),
  fixedVariables: new Set(['lower_case_table_names']),
  schemas: [],
  accounts: [],
  stayingAccounts: ["'root'@'localhost'"],
  primaries: [],
  replicas: [],
  plugins: new Set(['InnoDB']),
  passwordJudges: [],
  marker: null,
  isLocal: true,
  freeBytes: 1000,
  systemZone: [{ abbreviation: 'UTC', offset: 0 }],
  others: [],
};

const demands: Demands = {
  backup: { flavor: 'mariadb', serverVersion: '10.11.19-MariaDB-log', settings: { system_time_zone: 'UTC' } },
  engine: 'applier',
  serverIds: new Set([101]),
  neededBytes: 1000,
};

const whats = (facts: Partial<TargetFacts>, demand: Partial<Demands> = {}): string[] =>
  findObstacles({ ...fresh, ...facts }, { ...demands, ...demand }).map(({ what }) => what);

describe('the checks of an existing server', () => {
  it('find nothing in an empty one that fits', () => {
    expect(whats({})).toEqual([]);
    expect(findDoubts(fresh, demands)).toEqual([]);
    expect(isInUse(fresh)).toBe(false);
  });

  it('tell nobody how to empty a server that others live on', () => {
    expect(whats({ schemas: ['a'], primaries: ['db1:3306'], freeBytes: 999 })).toEqual(['it is a replica of db1:3306']);
  });

  it('send away from a server that is protected, or in use, and say nothing else', () => {
    const fixes = (facts: Partial<TargetFacts>): string =>
      findObstacles({ ...fresh, ...facts }, demands)
        .map(({ fix }) => fix)
        .join(' ');
    const replicas = ['repl@db2:4711', 'archiver@db3:4712'];
    const options = { name: 'primary', socket: '/run/db.sock', user: 'u', password: '', tls: 'off' } as const;
    for (const facts of [
      { replicas, schemas: ['shop'], others: [{ options, isTarget: true }] },
      { replicas, others: [{ options, isTarget: true }] },
      { replicas, schemas: ['shop'] },
      { primaries: ['db1:3306'], accounts: ["'app'@'%'"] },
    ]) {
      expect(fixes(facts)).toMatch(/^Give an(other,)? empty server: /);
      expect(fixes(facts)).not.toMatch(/KILL|STOP|RESET|end its replication/);
    }
    const own = [{ options, isTarget: true }];
    expect(fixes({ others: own })).toContain('For a new server in its place');
    expect(fixes({ others: own, schemas: ['shop'] })).not.toContain('in its place');
    expect(fixes({ replicas })).toContain('if nobody needs that replica');
  });

  it('find everything at once', () => {
    expect(whats({ schemas: ['a'], freeBytes: 999 })).toEqual([
      'it is not empty: it has schema a',
      "a restore needs at least 1000 B, and '/var/lib/mysql/' has 999 B free",
    ]);
  });

  it('refuse a server on another machine to its applier, not to a session', () => {
    const far = { isLocal: false, freeBytes: null };
    expect(whats(far)).toEqual(['it is not on this machine, and its applier reads the log from here on loopback']);
    expect(whats(far, { engine: 'session' })).toEqual([]);
    expect(findDoubts({ ...fresh, ...far }, demands)).toEqual([
      "how much is free in the target's '/var/lib/mysql/' is not known here: it needs at least 1000 B",
    ]);
  });

  it('refuse another flavor, and an older release but not an older fix', () => {
    expect(whats({ flavor: 'mysql', version: '5.6.24' })).toEqual([
      'it is 5.6.24, and the backup is of 10.11.19-MariaDB-log',
    ]);
    expect(whats({ version: '10.6.99-MariaDB' })).toEqual([
      "its version 10.6.99-MariaDB is older than the source's, 10.11.19-MariaDB-log",
    ]);
    expect(whats({ version: '11.4.2-MariaDB' })).toEqual([]);
  });

  it('name no more than a few of many schemas, and count the rest', () => {
    expect(whats({ schemas: ['a', 'b', 'c', 'd', 'e', 'f', 'g'] })).toEqual([
      'it is not empty: it has schemas a, b, c, d, e and 2 more',
    ]);
  });

  it('do not mind what SYSTEM means where the source has a zone of its own', () => {
    const settings = { system_time_zone: 'JST', system_utc_offset: '32400' };
    const named = { backup: { ...demands.backup, settings: { ...settings, time_zone: 'Asia/Tokyo' } } };
    expect(whats({}, named)).toEqual([]);
    expect(whats({}, { backup: { ...demands.backup, settings } })).toHaveLength(1);
  });

  it('warn of a server that could not be asked, of other pages, of tables in clear and of a log of its own', () => {
    const variables = new Map([
      ...fresh.variables,
      ['log_bin', 'ON'],
      ['gtid_binlog_state', '0-500-3'],
      ['innodb_page_size', '4096'],
    ]);
    const options = { name: 'shop', host: 'db1', user: 'lastgood', password: '', tls: 'off' } as const;
    const settings = { ...demands.backup.settings, innodb_page_size: '16384', innodb_encrypt_tables: 'ON' };
    const found = findDoubts(
      { ...fresh, variables, others: [{ options, isTarget: null }] },
      { ...demands, backup: { ...demands.backup, settings } },
    );

    expect(found).toEqual([
      'the shop (lastgood@db1:3306) could not be asked whether it is the target: only their addresses were compared',
      "the target's innodb_page_size is 4096, the source's 16384",
      'the source encrypts its tables on disk (innodb_encrypt_tables), the target writes them in clear',
      expect.stringContaining('does not hold the loaded backup, and has GTIDs of its own (0-500-3): RESET MASTER'),
    ]);
  });

  it('say nothing of tables in clear where both servers encrypt them, or the source does not', () => {
    const doubts = (source: string, target: string): string[] => {
      const variables = new Map([...fresh.variables, ['innodb_encrypt_tables', target]]);
      const settings = { ...demands.backup.settings, innodb_encrypt_tables: source };
      return findDoubts({ ...fresh, variables }, { ...demands, backup: { ...demands.backup, settings } });
    };
    expect([doubts('FORCE', 'ON'), doubts('OFF', 'OFF'), doubts('OFF', 'ON')]).toEqual([[], [], []]);
  });

  it('send nobody to RESET MASTER where it would empty what the server has executed', () => {
    const variables = new Map([...fresh.variables, ['log_bin', 'ON'], ['gtid_mode', 'ON']]);
    const [found, ...more] = findDoubts({ ...fresh, variables }, demands);
    expect(found).toMatch(/own binary log does not hold the loaded backup/);
    expect(found).not.toContain('RESET MASTER');
    expect(more).toEqual([]);
  });
});

describe('the settings of a run', () => {
  const server = {
    variables: new Map([
      ...fresh.variables,
      ['sql_mode', 'ANSI'],
      ['sync_binlog', '1'],
      ['max_statement_time', '0.000000'],
      ['event_scheduler', 'DISABLED'],
      ['lower_case_table_names', '0'],
      ['slave_skip_errors', '1062'],
    ]),
    fixedVariables: new Set(['lower_case_table_names', 'slave_skip_errors']),
  };

  it('are those that differ and that the server knows, with a server_id of the run', () => {
    const { set } = planSettings(
      server,
      { sql_mode: 'TRADITIONAL', old_mode: 'x', time_zone: '+01:00' },
      3_000_000_001,
    );

    expect(set).toEqual({ sql_mode: 'TRADITIONAL', sync_binlog: '0', server_id: '3000000001' });
  });

  it('that only a restart changes stand in the way', () => {
    const { obstacles } = planSettings(server, { lower_case_table_names: '1' }, 3_000_000_001);

    expect(obstacles.map(({ what }) => what)).toEqual([
      'its lower_case_table_names is 0, and has to be 1',
      'its slave_skip_errors is 1062, and has to be OFF',
    ]);
  });

  it('are put back in the opposite order, with text quoted and numbers bare', () => {
    const loan = planLoan(
      new Map([
        ['sql_mode', "it's\\"],
        ['sync_binlog', '1'],
      ]),
      { sql_mode: '', sync_binlog: '0' },
    );

    expect(putBackStatements(loan)).toEqual(['SET GLOBAL sync_binlog = 1', "SET GLOBAL sql_mode = 'it''s\\\\'"]);
    expect(setStatement('max_statement_time', '0.000000')).toBe('SET GLOBAL max_statement_time = 0.000000');
    expect(setStatement('replicate_do_db', '2024')).toBe("SET GLOBAL replicate_do_db = '2024'");
    expect(setStatement('enforce_storage_engine', '')).toBe('SET GLOBAL enforce_storage_engine = NULL');
    expect(setStatement('time_zone', '+01:00')).toBe("SET GLOBAL time_zone = '+01:00'");
  });

  it('are all put back but the one that the server does not take back', async () => {
    const asked: string[] = [];
    const query = (sql: string): Promise<unknown[]> => {
      asked.push(sql);
      return sql.includes('sql_mode') ? Promise.reject(new Error('wrong value')) : Promise.resolve([]);
    };
    const [sync, mode, id] = planLoan(new Map(), { sync_binlog: '0', sql_mode: 'NOSUCH', server_id: '7' });
    const loan = [sync, mode, id].flatMap((setting) => setting ?? []);

    const { left, error } = await putBackSettings({ query } as unknown as ServerConnection, loan);

    expect([left, error?.message, asked.length]).toEqual([[mode], 'wrong value', 3]);
  });

  it('name the one that the server refuses', async () => {
    const asked: string[] = [];
    const connection = {
      query: (sql: string) => {
        asked.push(sql);
        return sql.includes('NOSUCH') ? Promise.reject(new Error('wrong value')) : Promise.resolve([]);
      },
    } as unknown as ServerConnection;
    const before = new Map([
      ['sync_binlog', '1'],
      ['sql_mode', 'ANSI'],
    ]);
    const loan = planLoan(before, { sync_binlog: '0', sql_mode: 'NOSUCH', server_id: '7' });

    await expect(borrowSettings(connection, loan)).rejects.toMatchObject({
      code: 'PREFLIGHT_FAILED',
      message: "sql_mode cannot be set to 'NOSUCH' for the restore: wrong value",
    });
    expect(asked).toEqual([
      ...['SET GLOBAL sync_binlog = 1', 'SET GLOBAL sync_binlog = 0'],
      ...["SET GLOBAL sql_mode = 'ANSI'", "SET GLOBAL sql_mode = 'NOSUCH'"],
    ]);
  });
});

describe('two readings of where a server is', () => {
  const place = { hostname: 'db1', datadir: '/var/lib/mysql/', port: '3306', server_id: '1' };

  it('are of one server only when all of it is the same', () => {
    expect(isSameServer(place, { ...place })).toBe(true);
    expect(isSameServer(place, { ...place, hostname: 'db2' })).toBe(false);
    expect(isSameServer(place, { ...place, server_uuid: 'x' })).toBe(false);
  });
});

describe('what a restore left behind', () => {
  const marker = {
    note: null,
    borrowed: [{ name: 'sync_binlog', was: '1', during: '0' }],
    account: "'lastgood-1'@'localhost'",
  };

  it('is emptied by statements in an order that works', () => {
    expect(
      emptyingStatements({
        flavor: 'mariadb',
        schemas: ['a`b'],
        accounts: ["'x'@'%'", "ROLE 'r'", "'lastgood-1'@'localhost'"],
        marker,
        applied: '0-1-2',
      }),
    ).toEqual([
      'STOP ALL SLAVES',
      'RESET SLAVE ALL',
      'SET SESSION sql_log_bin = 0, foreign_key_checks = 0',
      'DROP DATABASE `a``b`',
      "DROP USER 'x'@'%'",
      "DROP ROLE 'r'",
      "DROP USER IF EXISTS 'lastgood-1'@'localhost'",
      "SET GLOBAL gtid_slave_pos = ''",
      'SET GLOBAL sync_binlog = 1',
      'DROP TABLE IF EXISTS mysql.lastgood_place, mysql.lastgood_restore',
    ]);
  });

  it('is emptied in the words of MySQL', () => {
    const left = { flavor: 'mysql', schemas: [], accounts: [], marker, applied: 'any' } as const;
    expect(emptyingStatements(left)).toEqual([
      'STOP SLAVE',
      'RESET SLAVE ALL',
      'SET SESSION sql_log_bin = 0, foreign_key_checks = 0',
      "GRANT USAGE ON *.* TO 'lastgood-1'@'localhost'",
      "DROP USER 'lastgood-1'@'localhost'",
      'RESET MASTER',
      'SET GLOBAL sync_binlog = 1',
      'DROP TABLE IF EXISTS mysql.lastgood_place, mysql.lastgood_restore',
    ]);
  });

  it('is only given back when it is proven', () => {
    expect(finishingStatements(marker, 'mariadb')).toEqual([
      'SET SESSION sql_log_bin = 0',
      'SET GLOBAL sync_binlog = 1',
      "DROP USER IF EXISTS 'lastgood-1'@'localhost'",
      'DROP TABLE IF EXISTS mysql.lastgood_place, mysql.lastgood_restore',
    ]);
  });

  it('is told in full only where there is room', () => {
    expect(tellStatements(['A', 'B'])).toBe('A; B;');
    expect(tellStatements(Array.from({ length: 20 }, () => 'A'))).toMatch(
      /^(A; ){12}and 8 more, all of them in the error's details\.$/,
    );
  });
});

describe('a plan with skips', () => {
  const SCHEMA = { schema: 'shop', name: null, type: 'database' };
  const skip = (verdict: 'safe' | 'risky' | 'impossible') => ({
    skips: [{ incident: 'inc-1', verdict, why: 'because' }],
    skipped: [{ id: 'inc-1', objects: [SCHEMA] } as unknown as Incident],
    conflicts: [],
  });

  it('runs when they are safe, or risky and accepted', () => {
    expect(() => {
      refuseSkips(skip('safe'), { accepted: false });
    }).not.toThrow();
    expect(() => {
      refuseSkips(skip('risky'), { accepted: true });
    }).not.toThrow();
  });

  it('is refused when one is risky and not accepted, and when one is impossible', () => {
    expect(() => {
      refuseSkips(skip('risky'), { accepted: false });
    }).toThrow('what follows inc-1 may clash with leaving it out: because');
    expect(() => {
      refuseSkips(skip('impossible'), { accepted: true });
    }).toThrow('the log cannot be replayed without inc-1: because');
  });

  it('is refused with a salvage that runs as it stands', () => {
    const refusal = (objects: Incident['objects']): unknown => {
      const skipped = [{ id: 'inc-1', objects } as Incident];
      try {
        refuseSkips({ ...skip('impossible'), skipped }, { accepted: true });
        return null;
      } catch (error) {
        return (error as LastgoodError).hint;
      }
    };
    expect(refusal([{ schema: 'shop', name: 'orders', type: 'table' }])).toBe(
      'Restore to just before the incident with `--before inc-1`, or bring back only what was lost: `lastgood salvage --before inc-1 --schema shop --table orders --out salvage-inc-1.sql.zst`. Nothing was written.',
    );
    expect(refusal([{ schema: '', name: 'ann@%', type: 'user' }])).toBe(
      'Restore to just before the incident with `--before inc-1`. Nothing was written.',
    );
  });

  it('is refused with the word that what came again since needs no skip', () => {
    const hintFor = (more: { kind?: string; object?: string; by?: PlanConflict['kind']; gtid?: null }): string => {
      const { kind = 'drop-database', object = 'shop', by = 'fails', gtid = '0-1-9' } = more;
      const objects = [kind === 'drop-database' ? SCHEMA : { schema: 'shop', name: 't', type: 'table' }];
      const conflicts: PlanConflict[] = [
        { skipped: 'inc-1', gtid, object, why: 'is made anew', kind: by, file: 'binlog.000001', start: 7, groups: 1 },
      ];
      const skipped = [{ id: 'inc-1', kind, objects } as unknown as Incident];
      try {
        refuseSkips({ ...skip('impossible'), skipped, conflicts }, { accepted: true });
        return '';
      } catch (error) {
        return (error as LastgoodError).hint;
      }
    };
    const told =
      'brought back what was lost, as a salvage does, the same target without --skip has it. Restore to just';

    expect(hintFor({})).toMatch(new RegExp(`^If 0-1-9 ${told}`));
    expect(hintFor({ gtid: null })).toMatch(new RegExp(`^If binlog.000001:7 ${told}`));
    expect(hintFor({ object: 'shop.t' })).toContain(told);
    expect(hintFor({ kind: 'mass-delete', object: 'shop.t' })).toContain(told);
    expect(hintFor({ object: 'shop2.t' })).not.toContain(told);
    expect(hintFor({ kind: 'mass-delete', object: 'shop.t2' })).not.toContain(told);
    expect(hintFor({ by: 'may-fail' })).not.toContain(told);
    expect(hintFor({ kind: 'drop-column', object: 'shop.t' })).not.toContain(told);
  });

  it('is refused when nobody looked at what follows one', () => {
    const unseen = { ...skip('safe'), skips: [] };
    expect(() => {
      refuseSkips(unseen, { accepted: false });
    }).toThrow('what follows inc-1 may clash with leaving it out: nobody looked at it');
    expect(() => {
      refuseSkips(unseen, { accepted: true });
    }).not.toThrow();
  });
});
