import { describe, expect, it } from 'vitest';
import { EVENT, EVENT_FLAG } from '../../../../src/binlog/event-type.ts';
import type { TranslatorOptions } from '../../../../src/recovery/session/translator-options.ts';
import {
  alterGtid,
  BinlogBuilder,
  INCIDENT,
  intvar,
  mariadbGtid,
  MYSQL,
  mysqlGtid,
  query,
  tableMap,
  writeRows,
  xid,
  type RawEvent,
} from '../../../support/binlog-builder.ts';
import { transactionPayload } from '../../../support/payload-builder.ts';
import { translateBytes } from '../../../support/translated-log.ts';

const UUID = '3e11fa47-71ca-11e1-9e33-c80aa9429562';
/** Rows that are the last ones of their statement. */
const lastRows = (bytes: number): RawEvent => withFlags(writeRows(bytes), 1);
const rows = (bytes: number): RawEvent => withFlags(writeRows(bytes), 0);

function withFlags(event: RawEvent, flags: number): RawEvent {
  const body = Buffer.from(event.body);
  body.writeUInt16LE(flags, 6);
  return { ...event, body };
}

async function translate(builder: BinlogBuilder, options: Partial<TranslatorOptions> = {}): Promise<string[]> {
  return (await translateBytes(builder.bytes, options)).map(({ sql }) => sql.toString());
}

/** The events in a BINLOG statement: type, bytes, flags of rows. */
function decode(sql: string | undefined): { type: number; bytes: number; flags: number }[] {
  const bytes = Buffer.from(/^BINLOG '(.*)'$/.exec(sql ?? '')?.[1] ?? '', 'base64');
  const events = [];
  for (let at = 0; at < bytes.length; at += bytes.readUInt32LE(at + 9)) {
    events.push({ type: bytes[at + 4] ?? 0, bytes: bytes.readUInt32LE(at + 9), flags: bytes.readUInt16LE(at + 25) });
  }
  return events;
}

const group = (builder: BinlogBuilder, ...events: RawEvent[]): BinlogBuilder =>
  builder.group([mariadbGtid('0-101-1'), ...events, xid()], { ending: 'commit' });

describe('the statements of a log', () => {
  it('say the format once, without checksums, then the rows of each transaction with their tables', async () => {
    const builder = group(new BinlogBuilder(), tableMap('shop', 'item'), rows(100), lastRows(100));
    group(builder, tableMap('shop', 'item'), lastRows(50), tableMap('crm', 'call'), lastRows(60));

    const [begin, format, first, commit, , second] = await translate(builder);

    expect([begin, commit]).toEqual(['START TRANSACTION', 'COMMIT']);
    const description = Buffer.from(/'(.*)'/.exec(format ?? '')?.[1] ?? '', 'base64');
    expect([description[4], description.at(-5)]).toEqual([EVENT.FORMAT_DESCRIPTION, 0]);
    expect(decode(first).map(({ type }) => type)).toEqual([EVENT.TABLE_MAP, 23, 23]);
    expect(decode(second).map(({ type }) => type)).toEqual([EVENT.TABLE_MAP, 23, EVENT.TABLE_MAP, 23]);
  });

  it('keep a large event apart from what came before it', async () => {
    const [item, call] = [tableMap('shop', 'item'), tableMap('crm', 'call')];
    const builder = group(new BinlogBuilder(), item, lastRows(300_000), call, rows(100_000), lastRows(500_000));

    const [, , first, second] = await translate(builder);

    const parts = [first, second].map((part) => decode(part).map(({ type }) => type));
    expect(parts).toEqual([
      [EVENT.TABLE_MAP, 23, EVENT.TABLE_MAP, 23],
      [EVENT.TABLE_MAP, 23],
    ]);
  });

  it('cut a large one between its events: each part has its tables, and an end', async () => {
    const builder = group(new BinlogBuilder(), tableMap('shop', 'item'), rows(600_000), rows(600_000), lastRows(9));

    const [, , first, second, third, commit] = await translate(builder);

    for (const part of [first, second, third])
      expect(decode(part)).toMatchObject([{ type: EVENT.TABLE_MAP }, { type: 23, flags: 1 }]);
    expect(commit).toBe('COMMIT');
  });

  it('are those inside a compressed transaction of MySQL, also when one is larger than a block', async () => {
    const inner = [query('BEGIN'), tableMap('shop', 'item'), lastRows(3_000_000), xid()];
    const builder = new BinlogBuilder({ version: MYSQL });
    builder.group([mysqlGtid(`${UUID}:1`), transactionPayload(inner)], { ending: 'commit' });

    const [begin, , binlog, commit] = await translate(builder);

    expect([begin, commit]).toEqual(['START TRANSACTION', 'COMMIT']);
    expect(decode(binlog)).toMatchObject([{ type: EVENT.TABLE_MAP }, { type: 23, bytes: 3_000_029 }]);
  });

  it('leave out the half of a two-phase ALTER that changes nothing, and still answer for it', async () => {
    const alter = query('ALTER TABLE item ADD n INT');
    const builder = new BinlogBuilder();
    builder.group([alterGtid('0-101-1', { step: 'start' }), alter], { ending: 'statement' });
    builder.group([alterGtid('0-101-2', { step: 'rollback', first: 1 }), alter], { ending: 'statement' });
    builder.group([alterGtid('0-101-3', { step: 'commit', first: 1 }), alter], { ending: 'statement' });

    const sql = await translate(builder);

    expect(sql.slice(0, 2)).toEqual(['DO 0', 'DO 0']);
    expect(sql.at(-1)).toBe('ALTER TABLE item ADD n INT');
  });

  it('choose a schema that is gone while there is one of the name, and do not make it themselves', async () => {
    const drop = query('DROP TABLE IF EXISTS item', { schema: 'gone' });
    const builder = group(new BinlogBuilder(), drop, drop);
    const chosen: unknown[] = [];
    const chooseMissing = (...choice: unknown[]): Promise<void> => {
      chosen.push(choice);
      return Promise.resolve();
    };

    const sql = await translate(builder, { chooseMissing });

    expect(chosen).toEqual([['gone', ['USE `gone`']]]);
    expect(sql.filter((text) => !text.startsWith('SET'))).toEqual([
      'START TRANSACTION',
      ...['DROP TABLE IF EXISTS item', 'DROP TABLE IF EXISTS item', 'COMMIT'],
    ]);
  });

  it('have no default schema where the source had none', async () => {
    const none = query('SELECT DATABASE()', { schema: '' });
    const drop: RawEvent = { ...query('DROP DATABASE other', { schema: 'other' }), flags: 0x8 };
    const builder = group(new BinlogBuilder(), none, query('DELETE FROM item'), none, none, drop, none);
    const left: number[] = [];
    const leaveSchema = (): Promise<void> => {
      left.push(left.length);
      return Promise.resolve();
    };

    const sql = await translate(builder, { leaveSchema });

    expect(sql.filter((text) => text.startsWith('USE'))).toEqual(['USE `shop`']);
    expect(left).toHaveLength(1);
  });

  it.each([
    ['DELETE FROM item; -- all of them', 'DELETE FROM item'],
    ['DELETE FROM item ; /* all */ # of; them\n\n', 'DELETE FROM item '],
    ["INSERT INTO item VALUES ('a;') -- b;", "INSERT INTO item VALUES ('a;') -- b;"],
    ["INSERT INTO item VALUES ('; -- ')", "INSERT INTO item VALUES ('; -- ')"],
    ['CREATE PROCEDURE p() BEGIN SELECT 1; END -- p', 'CREATE PROCEDURE p() BEGIN SELECT 1; END -- p'],
  ])('end where the source ended: %j', async (text, end) => {
    const sql = await translate(group(new BinlogBuilder(), query(text)));

    expect(sql.at(-2)).toBe(end);
  });

  it('choose a schema anew when one may have been dropped', async () => {
    const drop: RawEvent = { ...query('DROP DATABASE shop'), flags: 0x8 };
    const builder = group(new BinlogBuilder(), query('DELETE FROM item'), query('DELETE FROM item'));
    group(builder, drop);
    group(builder, query('DELETE FROM item'));

    const sql = await translate(builder);

    expect(sql.filter((text) => text.startsWith('USE'))).toEqual(['USE `shop`', 'USE `shop`']);
  });

  it('set once what stays the same, and before each statement what is for it alone', async () => {
    const builder = group(
      new BinlogBuilder(),
      intvar(7),
      query('INSERT 1'),
      intvar(8),
      query('INSERT 2', { threadId: 9 }),
    );

    const sql = await translate(builder);

    expect(sql.slice(1)).toEqual([
      'SET @@session.insert_id=7',
      'USE `shop`',
      expect.stringMatching(/^SET @@session.pseudo_thread_id=7,@@session.timestamp=\d+,/) as string,
      'INSERT 1',
      'SET @@session.insert_id=8',
      'SET @@session.pseudo_thread_id=9',
      'INSERT 2',
      'COMMIT',
    ]);
  });

  it('end a command with every statement whose end only the command says', async () => {
    const texts = ['INSERT 1', 'insert 1;', 'CREATE PROCEDURE p() SELECT 1', 'UPDATE t SET a = 1 -- end', 'TRUNCATE t'];
    const builder = group(
      new BinlogBuilder(),
      ...texts.map((text) => query(text)),
      query('DELETE 1', { errorCode: 1062 }),
    );

    const logged = (await translateBytes(builder.bytes)).filter((statement) => statement.logged !== null);

    expect(logged.map(({ alone }) => alone)).toEqual([false, false, true, false, true, true]);
    expect(logged.at(-1)?.expected).toBe(1062);
  });

  it('undo a group that its source never ended', async () => {
    const builder = new BinlogBuilder().unfinished([mariadbGtid('0-101-1'), tableMap('shop', 'item'), rows(9)]);
    group(builder, tableMap('shop', 'item'), lastRows(9));

    const sql = await translate(builder);

    expect(sql.slice(0, 3)).toEqual(['START TRANSACTION', 'ROLLBACK', 'START TRANSACTION']);
    expect(decode(sql.at(-2)).map(({ type }) => type)).toEqual([EVENT.TABLE_MAP, 23]);
  });

  it.each([
    ['an INCIDENT', INCIDENT, /events may be missing here: lost$/],
    ['an event that is not known', { type: 99, body: Buffer.alloc(4) }, /cannot execute events of type 99$/],
    ['the parts of rows that MariaDB 12.3 writes', { type: 172, body: Buffer.alloc(9) }, /events of type 172$/],
    ['a statement that its source broke off', query('DELETE 1', { errorCode: 1317 }), /broke it off half done/],
  ])('stop at %s, with its place', async (_, event, message) => {
    const builder = group(new BinlogBuilder(), event);
    const { start } = builder.groups[0] ?? { start: 0 };

    const translated = translate(builder);

    await expect(translated).rejects.toThrow(message);
    await expect(translated).rejects.toMatchObject({
      code: 'TOOL_FAILED',
      details: { file: 'binlog.000001', position: start, gtid: '0-101-1' },
    });
  });

  it('pass over an event that its server says may be passed over', async () => {
    const ignorable = { type: 99, body: Buffer.alloc(4), flags: EVENT_FLAG.IGNORABLE };
    expect(await translate(group(new BinlogBuilder(), ignorable))).toEqual(['START TRANSACTION', 'COMMIT']);
  });
});
