import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import {
  annotateRows,
  ANONYMOUS,
  BinlogBuilder,
  compressedQuery,
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
  STOP,
  tableMap,
  writeRows,
  xaPrepare,
  xid,
  type RawEvent,
} from '../support/binlog-builder.ts';
import { BINLOG_FIXTURES, BINLOG_FIXTURES_ABSENT } from '../support/fixture-paths.ts';
import { transactionPayload } from '../support/payload-builder.ts';
import { takeApart, type RawLog } from './raw-log.ts';

const OURS = join(import.meta.dirname, '../../fixtures/binlogs');

/** Of the longest file only the first part is used: a case has to be short. */
const MOST_EVENTS = 400;

const UUID = '5577bbaa-0402-11f1-b1b8-4ef0c4956feb';

/** What logs are made of before something in them goes wrong: real files of many servers, and built ones. */
export function corpus(): RawLog[] {
  return [...realFiles(), ...builtFiles()].map((bytes) => {
    const log = takeApart(bytes);
    return { ...log, events: log.events.slice(0, MOST_EVENTS) };
  });
}

function realFiles(): Buffer[] {
  return [OURS, ...(BINLOG_FIXTURES_ABSENT ? [] : [BINLOG_FIXTURES])].flatMap((folder) => {
    const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
    const whole = names.filter((name) => /\.\d{6}$/.test(name) && !/torn|encrypted\./.test(name)).sort();
    return whole.map((name) => readFileSync(join(folder, name)));
  });
}

function builtFiles(): Buffer[] {
  return [mysqlWithPayloads('crc32'), mysqlWithPayloads('none'), mariadb('crc32'), mariadb('none'), mysql55()].map(
    ({ bytes }) => bytes,
  );
}

const ROWS: readonly RawEvent[] = [tableMap('shop', 't'), deleteRows(25), deleteRows(32)];

/** Rows of one INT, which is never NULL. */
function deleteRows(type: number): RawEvent {
  const head = Buffer.from([18, 0, 0, 0, 0, 0, 1, 0, ...(type >= 30 ? [2, 0] : []), 1, 1]);
  return { type, body: Buffer.concat([head, Buffer.alloc(5 * 120)]) };
}

function compressedRows(type: number): RawEvent {
  const head = Buffer.from([18, 0, 0, 0, 0, 0, 1, 0, ...(type >= 169 ? [2, 0] : []), 1, 1]);
  const rows = Buffer.alloc(5 * 120);
  const packed = Buffer.concat([Buffer.from([0x82, rows.length >> 8, rows.length & 0xff]), deflateSync(rows)]);
  return { type, body: Buffer.concat([head, packed]) };
}

function mysqlWithPayloads(checksum: 'crc32' | 'none'): BinlogBuilder {
  const begin = query('BEGIN');
  const inner = [begin, query('DROP TABLE a, b'), ...ROWS, xid()];
  return new BinlogBuilder({ version: MYSQL, checksum })
    .between(previousGtids([{ uuid: UUID, intervals: [[1, 6]] }]))
    .group([mysqlGtid(`${UUID}:6`), transactionPayload(inner)], { ending: 'commit' })
    .group([mysqlGtid(`${UUID}:7`), transactionPayload(inner, { frames: 3 })], { ending: 'commit' })
    .group([ANONYMOUS, transactionPayload([...inner.slice(0, -1), query('ROLLBACK')], { compression: 'none' })], {
      ending: 'rollback',
    })
    .group([mysqlGtid(`${UUID}:8`), query('DROP DATABASE shop')], { ending: 'statement' })
    .group([mysqlGtid(`${UUID}:9`), query("XA START X'61',X'',1"), ...ROWS, xaPrepare('a')], { ending: 'prepare' })
    .group([mysqlGtid(`${UUID}:10`), query("XA ROLLBACK X'61',X'',1")], { ending: 'statement' })
    .group([mysqlGtid(`${UUID}:11`), INCIDENT], { ending: 'statement' })
    .between(rotate('binlog.000002'));
}

function mariadb(checksum: 'crc32' | 'none'): BinlogBuilder {
  const gtid = (sequence: number, standalone = false): RawEvent => mariadbGtid(`0-101-${sequence}`, { standalone });
  return new BinlogBuilder({ checksum })
    .between(gtidList('0-101-41,1-101-17'))
    .group([gtid(42, true), query('TRUNCATE TABLE `shop`.`t`')], { ending: 'statement' })
    .group([gtid(43), annotateRows('DELETE FROM t'), ...ROWS, xid()], { ending: 'commit' })
    .group([gtid(44), ...ROWS.slice(0, 1), ...[166, 167, 168, 169, 170, 171].map(compressedRows), xid()], {
      ending: 'commit',
    })
    .group([gtid(45, true), compressedQuery(`/*${'x'.repeat(300)}*/ DROP TABLE IF EXISTS t`)], { ending: 'statement' })
    .group([gtid(46), intvar(1), query('DELETE FROM t'), query('SAVEPOINT a'), query('ROLLBACK TO a'), xid()], {
      ending: 'commit',
    })
    .group([gtid(47), ...ROWS, xaPrepare('a')], { ending: 'prepare' })
    .group([gtid(48, true), query("XA COMMIT X'61',X'',1")], { ending: 'statement' })
    .group([gtid(49, true), query('ALTER TABLE t DROP COLUMN c, RENAME TO u')], { ending: 'statement' })
    .group([gtid(50, true), query("SET STATEMENT max_statement_time=1 FOR DROP USER 'a'@'%'")], { ending: 'statement' })
    .between(STOP);
}

function mysql55(): BinlogBuilder {
  const begin = query('BEGIN');
  return new BinlogBuilder({ version: MYSQL_55, checksum: 'none' })
    .group([begin, tableMap('shop', 't'), writeRows(40), xid()], { ending: 'commit' })
    .group([query('DROP TABLE t /* generated by server */')], { ending: 'statement' })
    .group([begin, query('DELETE FROM m'), query('ROLLBACK')], { ending: 'rollback' });
}
