import { describe, expect, it } from 'vitest';
import { ReplicaQuestions } from '../../../src/server/archive-answers.ts';
import type { ServedIdentity, ServedRange } from '../../../src/server/served-range.ts';

const range: ServedRange = {
  file: 'binlog.000003',
  from: 4,
  to: 1000,
  checksum: 'crc32',
  formatEvent: Buffer.alloc(0),
  open: () => Promise.reject(new Error('no answer needs the bytes')),
};
const mariadb: ServedIdentity = {
  flavor: 'mariadb',
  serverVersion: '10.11.19-MariaDB-log',
  serverId: 101,
  gtidState: '0-101-335',
};
const mysql: ServedIdentity = {
  flavor: 'mysql',
  serverVersion: '8.4.3',
  serverId: 101,
  serverUuid: '3e11fa47-71ca-11e1-9e33-c80aa9429562',
  gtidMode: 'ON',
  gtidState: '',
};

/** The rows of each answer; 'ok' and 'unknown' as they are. */
function answers(questions: ReplicaQuestions, sqls: readonly string[]): unknown[] {
  return sqls.map((sql) => {
    const answer = questions.answer(sql);
    return answer.kind === 'rows' ? answer.rows : answer.kind;
  });
}

describe('what an archive server answers', () => {
  it('satisfies a MariaDB 10.11 replica that asks by file and position', () => {
    const questions = new ReplicaQuestions({ identity: mariadb, ranges: [range] });

    expect(
      answers(questions, [
        "SHOW VARIABLES LIKE 'SERVER_ID'",
        'SET @master_heartbeat_period= 30000001024',
        'SET @master_binlog_checksum= @@global.binlog_checksum',
        'SELECT @master_binlog_checksum',
        'SET @mariadb_slave_capability=4',
        "SELECT binlog_gtid_pos('binlog.000003',4)",
      ]),
    ).toEqual([[['server_id', 101]], 'ok', 'ok', [['CRC32']], 'ok', [['0-101-335']]]);
    expect(questions).toMatchObject({ checksum: 'crc32', heartbeatMs: 30_000, connectState: null });
  });

  it('satisfies a MariaDB 10.11 replica that asks by GTID', () => {
    const questions = new ReplicaQuestions({ identity: mariadb, ranges: [range] });

    expect(
      answers(questions, [
        'SELECT @@GLOBAL.gtid_domain_id',
        "SET @slave_connect_state='0-101-335'",
        'SET @slave_gtid_strict_mode=0',
      ]),
    ).toEqual([[[0]], 'ok', 'ok']);
    expect(questions.connectState).toBe('0-101-335');
  });

  it('satisfies a MySQL 8.4 replica, which sets each variable under two names', () => {
    const questions = new ReplicaQuestions({ identity: mysql, ranges: [range] });

    expect(
      answers(questions, [
        'SELECT @@GLOBAL.SERVER_ID',
        'SET @master_heartbeat_period = 30000001024, @source_heartbeat_period = 30000001024',
        "SET @master_binlog_checksum = 'NONE', @source_binlog_checksum = 'NONE'",
        'SELECT @source_binlog_checksum',
        'SELECT @@GLOBAL.GTID_MODE',
        'SELECT @@GLOBAL.SERVER_UUID',
      ]),
    ).toEqual([[[101]], 'ok', 'ok', [['NONE']], [['ON']], [['3e11fa47-71ca-11e1-9e33-c80aa9429562']]]);
    expect(questions).toMatchObject({ checksum: 'none', heartbeatMs: 30_000 });
  });

  it.each([
    ['4294967000000000', 2 ** 31 - 1],
    ['1e999', 2 ** 31 - 1],
    ['-5000000', 0],
    ['soon', 0],
  ])('waits as long as a timer can for a heartbeat after %s nanoseconds', (period, milliseconds) => {
    const questions = new ReplicaQuestions({ identity: mariadb, ranges: [range] });
    questions.answer(`SET @master_heartbeat_period = '${period}'`);

    expect(questions.heartbeatMs).toBe(milliseconds);
  });

  it('says the time', () => {
    const [rows] = answers(new ReplicaQuestions({ identity: mariadb, ranges: [range] }), [
      'SELECT UNIX_TIMESTAMP()',
    ]) as [[[number]]];

    expect(Math.abs(rows[0][0] - Date.now() / 1000)).toBeLessThan(5);
  });

  it('does not pretend to know the GTID position elsewhere', () => {
    const questions = new ReplicaQuestions({ identity: mariadb, ranges: [range] });

    expect(answers(questions, ["SELECT binlog_gtid_pos('binlog.000003',700)"])).toEqual([[[null]]]);
  });

  it('tells a newer replica that it has not the variable, so that it goes on without', () => {
    const questions = new ReplicaQuestions({ identity: mysql, ranges: [range] });

    expect(questions.answer('SELECT @@global.rpl_semi_sync_source_enabled')).toEqual({
      kind: 'variable',
      name: 'rpl_semi_sync_source_enabled',
    });
    expect(answers(questions, ["SHOW VARIABLES LIKE 'rpl_semi_sync_master_enabled'"])).toEqual([[]]);
  });

  it('knows who said nothing of checksums, and who wants the log to end early', () => {
    const questions = new ReplicaQuestions({ identity: mariadb, ranges: [range] });
    expect(questions).toMatchObject({ knowsChecksums: false, untilState: null });

    questions.answer("SET @master_binlog_checksum= 'NONE'");
    questions.answer("SET @slave_until_gtid='0-101-7'");

    expect(questions).toMatchObject({ knowsChecksums: true, untilState: '0-101-7' });
  });

  it.each(['SELECT * FROM mysql.user', 'SELECT @@version_comment LIMIT 1', 'DROP DATABASE shop', ''])(
    'does not know %j',
    (sql) => {
      expect(new ReplicaQuestions({ identity: mariadb, ranges: [range] }).answer(sql).kind).toBe('unknown');
    },
  );
});
