import { describe, expect, it } from 'vitest';
import { BinlogReader } from '../../../../../src/binlog/binlog-reader.ts';
import { chooseNarrow } from '../../../../../src/operations/salvage/narrow/choose.ts';
import { certainTables, refuseUnknown } from '../../../../../src/operations/salvage/narrow/known-names.ts';
import { LogSurvey } from '../../../../../src/operations/salvage/narrow/log-survey.ts';
import type { NarrowPlan } from '../../../../../src/operations/salvage/narrow/narrow-plan.ts';
import { plainWords, SchemaWords } from '../../../../../src/operations/salvage/narrow/schema-words.ts';
import type { PlanSurvey } from '../../../../../src/operations/salvage/narrow/survey.ts';
import type { Plan } from '../../../../../src/recovery/plan.ts';
import {
  BinlogBuilder,
  mariadbGtid,
  query,
  tableMap,
  writeRows,
  xaPrepare,
  xid,
  type RawEvent,
} from '../../../../support/binlog-builder.ts';

const FILE = 'binlog.000001';

/** A log that grows by a group at a time, with one GTID domain. */
class Log {
  readonly builder = new BinlogBuilder();
  /** Where the plan ends; the file's end when not set. */
  cut: number | null = null;
  #sequence = 0;

  /** A transaction that writes rows of these tables. */
  rows(...tables: readonly string[]): this {
    const changes = tables.flatMap((name) => {
      const [schema = '', table = ''] = name.split('.');
      return [tableMap(schema, table), writeRows(9)];
    });
    return this.#group([...changes, xid()], 'commit');
  }

  statement(text: string, schema = ''): this {
    return this.#group([query(text, { schema })], 'statement', true);
  }

  prepare(name: string, table: string): this {
    const [schema = '', of = ''] = table.split('.');
    return this.#group(
      [
        query(`XA START X'61',X'',1`, { schema: '' }),
        tableMap(schema, of),
        writeRows(9),
        query(`XA END X'61',X'',1`, { schema: '' }),
        xaPrepare(name),
      ],
      'prepare',
    );
  }

  #group(events: readonly RawEvent[], ending: 'commit' | 'statement' | 'prepare', standalone = false): this {
    const gtid = `0-101-${(this.#sequence += 1)}`;
    this.builder.group([mariadbGtid(gtid, { standalone }), ...events], { gtid, ending });
    return this;
  }
}

/** What is known of the log, with a backup that had these schemas. */
function survey(
  { builder, cut }: Log,
  wanted = 'shop',
  more: (words: SchemaWords) => void = () => undefined,
): PlanSurvey {
  const words = new SchemaWords();
  for (const schema of ['shop', 'crm', 'blog']) words.learn(schema, []);
  more(words);
  const log = new LogSurvey(wanted, words);
  const reader = new BinlogReader({
    verifyChecksums: true,
    visitor: log,
    onFormat: (format) => {
      log.enterFile({ lineage: 'l', file: FILE, from: 4, to: cut ?? builder.size }, format);
    },
  });
  reader.walk(builder.bytes, 0, builder.size);
  return { words, log, doubt: log.doubt };
}

function planOf({ builder }: Log): Plan {
  const { groups, size } = builder;
  return {
    target: { kind: 'latest', resolved: { gtidState: groups.at(-1)?.gtid ?? '' } },
    backup: { id: 'b1', databases: ['shop', 'crm', 'blog'], settings: {}, primary: { gtid: '0-101-0' } },
    segments: [{ lineage: 'l', file: FILE, from: 4, to: size, bytes: size - 4 }],
    ...{ groups: groups.length, bytes: size - 4, skipped: [], crossings: [] },
  } as unknown as Plan;
}

function narrow(log: Log, more?: (words: SchemaWords) => void): NarrowPlan {
  const found = chooseNarrow(planOf(log), survey(log, 'shop', more), 'shop');
  if (typeof found === 'string') throw new Error(found);
  return found;
}

/** Groups that are left, by their numbers. */
function kept(log: Log, { plan, narrowing }: NarrowPlan): number[] {
  const gaps = [...(narrowing.leftOut.get(`l/${FILE}`) ?? [])];
  const [part] = plan.segments;
  return log.builder.groups.flatMap(({ start, end }, index) => {
    const isInPart = part !== undefined && start >= part.from && end <= part.to;
    const isLeftOut = gaps.some((from, at) => at % 2 === 0 && from <= start && end <= (gaps[at + 1] ?? 0));
    return isInPart && !isLeftOut ? [index + 1] : [];
  });
}

describe('what of a log a schema needs', () => {
  it('is its own groups: the others are left out before, between and behind them', () => {
    const log = new Log()
      .rows('blog.post')
      .rows('shop.orders')
      .rows('blog.post')
      .rows('crm.x')
      .rows('shop.orders')
      .rows('blog.post');
    const found = narrow(log);
    expect(kept(log, found)).toEqual([2, 5]);
    expect(found).toMatchObject({
      groups: 4,
      plan: { groups: 2, target: { resolved: { gtid: '0-101-5', gtidState: '0-101-5' } } },
    });
    expect(found.plan.bytes).toBe([2, 5].reduce((sum, number) => sum + sizeOf(log, number), 0));
    expect(found.bytes).toBe(planOf(log).bytes - found.plan.bytes);
  });

  it('is whatever one transaction changed with it, and statements that are of no schema', () => {
    const log = new Log()
      .rows('blog.post')
      .rows('crm.x')
      .rows('shop.orders', 'crm.x')
      .statement('CREATE USER u', 'blog')
      .statement('DROP TABLE t', 'blog');
    const found = narrow(log);
    expect(kept(log, found)).toEqual([2, 3, 4]);
    expect([...found.narrowing.schemas]).toEqual(expect.arrayContaining(['shop', 'crm']));
    expect(found.narrowing.schemas.has('blog')).toBe(false);
  });

  it('is what definitions name, those of the backup and those of the log', () => {
    const log = new Log().rows('crm.x').rows('blog.post').rows('shop.orders');
    expect(
      kept(
        log,
        narrow(log, (words) => {
          words.learn('shop', ['references', 'crm']);
        }),
      ),
    ).toEqual([1, 3]);
    log.statement('ALTER TABLE shop.orders ADD FOREIGN KEY (p) REFERENCES blog.post (id)', 'shop');
    expect(kept(log, narrow(log))).toEqual([2, 3, 4]);
  });

  it('is, where a statement runs anew, also what may reach it without a word', () => {
    const triggers = (words: SchemaWords): void => {
      words.learn('blog', ['insert', 'into', 'shop']);
    };
    const rows = new Log().rows('blog.post').rows('shop.orders').rows('crm.x');
    expect(kept(rows, narrow(rows, triggers))).toEqual([2]);
    const text = new Log().statement('INSERT INTO post VALUES (1)', 'blog').rows('shop.orders').rows('crm.x');
    expect(kept(text, narrow(text, triggers))).toEqual([1, 2]);
  });

  it('is, where the log has rows, also what comes through tables of engines that pass them on', () => {
    const log = new Log().rows('blog.merged').rows('shop.orders').rows('crm.x');
    const merging = (words: SchemaWords): void => {
      words.learn('blog', plainWords('CREATE TABLE `merged` (id INT) ENGINE=MRG_MyISAM UNION=(`shop`.`orders`)'));
    };
    expect(kept(log, narrow(log, merging))).toEqual([1, 2]);
  });

  it.each([
    "EXECUTE IMMEDIATE 'DELETE FROM\\nblog.post'",
    'SELECT * FROM /*!50000blog.post */',
    'FROM/*M!100201blog*/.x',
  ])('is known by a name that something else stands right before: %s', (text) => {
    expect(plainWords(text)).toContain('blog');
  });

  it('is known by all words of a name that has more than one', () => {
    const log = new Log().rows('my old-shop.x').rows('shop.orders').rows('my.x');
    const naming = (text: string) => (words: SchemaWords) => {
      words.learn('my old-shop', []);
      words.learn('shop', text.split(' '));
    };
    expect(kept(log, narrow(log, naming('from my old shop')))).toEqual([1, 2, 3]);
    expect(kept(log, narrow(log, naming('from old shop')))).toEqual([2]);
  });

  it('has both halves of prepared transactions, or none', () => {
    const log = new Log().prepare('a', 'shop.orders').rows('blog.post').statement("XA COMMIT X'61',X'',1");
    expect(kept(log, narrow(log))).toEqual([1, 3]);
    const other = new Log().prepare('a', 'blog.post').rows('shop.orders').statement("XA COMMIT X'61',X'',1");
    expect(kept(other, narrow(other))).toEqual([2]);
  });

  it('is not known where the log has what nobody can read, or where all belongs together', () => {
    const because = (log: Log): unknown => chooseNarrow(planOf(log), survey(log), 'shop');
    expect(because(new Log().rows('shop.orders').statement('FROBNICATE x'))).toMatch(
      /cannot be read \(binlog\.000001:\d+\)$/,
    );
    expect(because(new Log().rows('shop.a', 'crm.b', 'blog.c'))).toMatch(/tie all schemas together$/);
    expect(because(new Log().rows('shop.a').rows('日本.b'))).toMatch(/has no letter or digit of ASCII/);
    expect(chooseNarrow({ ...planOf(new Log()), groups: 7 }, survey(new Log()), 'shop')).toMatch(
      /0 transactions, planned were 7/,
    );
  });
});

function sizeOf({ builder }: Log, number: number): number {
  const group = builder.groups[number - 1];
  return (group?.end ?? 0) - (group?.start ?? 0);
}

describe('names that are asked for', () => {
  const tables = (words: SchemaWords): void => {
    for (const table of ['orders', 'customers', 'gone']) words.learnTable('shop', table);
  };
  const log = new Log()
    .statement('DROP TABLE gone', 'shop')
    .statement('CREATE TABLE shop.late (id INT)')
    .rows('shop.seen')
    .rows('fresh.t');
  const known = survey(log, 'shop', tables);
  const refusal = (schema: string, names: readonly string[]): unknown => {
    try {
      refuseUnknown(planOf(log), schema === 'shop' ? known : survey(log, schema, tables), { schema, tables: names });
    } catch (error) {
      return error;
    }
    return null;
  };

  it('are refused when neither the backup nor the log has them, with the nearest one', () => {
    expect(refusal('shpo', [])).toMatchObject({
      code: 'OBJECT_UNKNOWN',
      hint: expect.stringContaining('--schema shop?') as string,
    });
    expect(refusal('shop', ['orders', 'costumers'])).toMatchObject({
      message: expect.stringContaining("'costumers'") as string,
      hint: 'Did you mean --table customers? The backup has: orders, customers, gone.',
    });
  });

  it('are let pass when they may have come later, or when the log cannot be read', () => {
    expect(refusal('shop', ['orders', 'late', 'seen', 'gone'])).toBe(null);
    expect(refusal('fresh', ['t'])).toBe(null);
    const unread = new Log().statement('FROBNICATE x');
    refuseUnknown(planOf(unread), survey(unread, 'what'), { schema: 'what', tables: [] });
  });

  it('are certain when nothing removed them', () => {
    expect(certainTables(planOf(log), known, 'shop')).toEqual(['orders', 'customers']);
    const dropped = new Log().statement('DROP DATABASE shop', 'shop');
    expect(certainTables(planOf(dropped), survey(dropped, 'shop', tables), 'shop')).toEqual([]);
  });

  it.each([
    ['0', 'shop', ['orders']],
    ['0', 'Shop', ['Orders', 'parts']],
    ['1', 'SHOP', ['orders', 'Orders', 'parts']],
    ['2', 'shop', ['orders', 'Orders', 'parts']],
  ])('are those of schemas as the source tells them apart: lower_case_table_names = %s, %s', (setting, schema, all) => {
    const written = new Log();
    const words = (known: SchemaWords): void => {
      known.learnTable('shop', 'orders');
      for (const table of ['Orders', 'parts']) known.learnTable('Shop', table);
    };
    const { backup } = planOf(written);
    const plan = { backup: { ...backup, settings: { lower_case_table_names: setting } } };

    expect(certainTables(plan, survey(written, schema, words), schema)).toEqual(all);
    const dropped = new Log().statement('DROP TABLE Orders', 'Shop');
    expect(certainTables(plan, survey(dropped, schema, words), schema)).not.toContain('Orders');
  });

  it('are what they are at the target, whatever comes behind it', () => {
    const later = new Log().rows('shop.orders');
    later.cut = later.builder.size;
    later.statement('DROP DATABASE shop', 'shop').statement('FROBNICATE x').rows('shop.orders', 'blog.post');
    const { log: read, doubt, words } = survey(later, 'shop', tables);
    expect([doubt, read.isUnread, read.groups.sets.map(({ schemas }) => schemas)]).toEqual([null, false, [['shop']]]);
    expect(certainTables(planOf(later), { words, log: read }, 'shop')).toEqual(['orders', 'customers', 'gone']);
  });
});
