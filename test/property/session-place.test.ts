import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Flavor } from '../../src/binlog/gtid.ts';
import { findAppliedPlace } from '../../src/recovery/applied-place.ts';
import { leftRanges } from '../../src/recovery/left-ranges.ts';
import { PlaceKeeper } from '../../src/recovery/session/place-keeper.ts';
import type { KeptPlace } from '../../src/recovery/session/place-table.ts';
import { whyUncertain } from '../../src/recovery/why-anew.ts';
import type { ServerConnection } from '../../src/server/connection.ts';
import type { ServedRange } from '../../src/server/served-range.ts';
import { BinlogBuilder, mariadbGtid, query, rotate, xaPrepare, xid, type RawEvent } from '../support/binlog-builder.ts';
import { servedBytes } from '../support/served-bytes.ts';
import { translateRange } from '../support/translated-log.ts';

/** Two rows each where they may be more than one statement: a kill may come between. */
const KINDS = ['transaction', 'commit', 'definition', 'made-and-filled', 'fragile', 'rolled-back', 'prepared'] as const;
type Kind = (typeof KINDS)[number];

interface Log {
  readonly flavor: Flavor;
  readonly files: readonly (readonly Kind[])[];
}

/** Plain transactions most of the time, as in life: of a log with a definition everywhere nothing could be gone on with. */
const kinds = fc.oneof({ weight: 5, arbitrary: fc.constant<Kind>('transaction') }, fc.constantFrom(...KINDS));
const logs: fc.Arbitrary<Log> = fc.record({
  flavor: fc.constantFrom<Flavor>('mariadb', 'mysql'),
  files: fc.array(fc.array(kinds, { maxLength: 5 }), { minLength: 1, maxLength: 3 }),
});

const change = (n: number, part: string): RawEvent => query(`INSERT INTO shop.t VALUES ('${n}${part}')`);
const define = (n: number): RawEvent => query(`CREATE TABLE shop.t${n} (a INT)`);
const COMMIT = query('COMMIT');

/** What a group does, without its GTID. */
function eventsOf(kind: Kind, n: number): RawEvent[] {
  switch (kind) {
    case 'transaction':
      return [change(n, 'a'), change(n, 'b'), xid()];
    case 'commit':
      return [change(n, 'a'), COMMIT];
    case 'definition':
      return [define(n)];
    case 'made-and-filled':
      return [define(n), change(n, 'b'), COMMIT];
    case 'fragile':
      return [query(`INSERT INTO shop.aria VALUES ('${n}a')`), query(`INSERT INTO shop.aria VALUES ('${n}b')`), COMMIT];
    case 'rolled-back':
      return [change(n, 'a'), query('ROLLBACK')];
    case 'prepared':
      return [change(n, 'a'), xaPrepare(`x${n}`)];
  }
}

function group(flavor: Flavor, kind: Kind, n: number): RawEvent[] {
  const standalone = kind === 'definition';
  const events = eventsOf(kind, n);
  if (flavor === 'mysql') return standalone ? events : [query('BEGIN'), ...events];
  return [mariadbGtid(`0-101-${n}`, { standalone, transactional: kind !== 'fragile' }), ...events];
}

function rangesOf({ flavor, files }: Log): ServedRange[] {
  let n = 0;
  return files.map((groups, index) => {
    const log = new BinlogBuilder(flavor === 'mysql' ? { version: '5.6.24-log' } : {});
    for (const kind of groups) {
      n += 1;
      log.group(group(flavor, kind, n), { ending: 'commit' });
    }
    log.between(rotate(`binlog.00000${index + 2}`));
    return servedBytes(`binlog.00000${index + 1}`, log.bytes);
  });
}

/** As much of a server as a place needs: what is there, in its order, and what only its transaction sees. */
class Target {
  readonly there: string[] = [];
  kept: KeptPlace = { groups: 0, position: null, begun: false };
  #pending: (() => void)[] | null = null;

  execute(sql: string): void {
    if (/^(?:START TRANSACTION|XA START)/.test(sql)) this.#pending = [];
    else if (/^(?:COMMIT|XA PREPARE)/.test(sql)) this.#commit();
    else if (sql === 'ROLLBACK') this.#pending = null;
    else if (sql.startsWith('CREATE')) this.#define(sql);
    else this.#change(sql);
  }

  /** What its session had not committed is gone. */
  kill(): void {
    this.#pending = null;
  }

  #define(sql: string): void {
    this.#commit();
    this.there.push(sql);
  }

  #commit(): void {
    for (const effect of this.#pending ?? []) effect();
    this.#pending = null;
  }

  #change(sql: string): void {
    if (!/^(?:INSERT|UPDATE)/.test(sql)) return; // settings of the session
    const effect = this.#effectOf(sql);
    if (this.#pending === null || sql.includes('shop.aria')) effect();
    else this.#pending.push(effect);
  }

  #effectOf(sql: string): () => void {
    const place = / UPDATE done=(\d+),position=(\d+)/.exec(sql);
    if (place !== null)
      return () => (this.kept = { groups: Number(place[1]), position: Number(place[2]), begun: false });
    if (sql.includes('SET begun=')) return () => (this.kept = { ...this.kept, begun: true });
    return () => this.there.push(sql);
  }
}

async function statementsOf(ranges: readonly ServedRange[], groups: number): Promise<string[]> {
  const place = new PlaceKeeper({ groups, writesLog: false, byGtids: false });
  const statements: string[] = [];
  for (const range of ranges)
    for (const { sql } of await translateRange(range, { place })) statements.push(sql.toString());
  return statements;
}

function connectionOf({ files }: Log): ServerConnection {
  const engines = files.flat().includes('fragile') ? ['Aria'] : [];
  return {
    query: () => Promise.resolve(engines.map((engine) => ({ name: 'shop.aria', engine }))),
  } as unknown as ServerConnection;
}

/** What is left to execute. @returns why it begins anew where nothing goes on */
async function left(log: Log, { kept }: Target): Promise<string[] | { readonly anew: string }> {
  const ranges = rangesOf(log);
  const before = log.flavor === 'mariadb' ? '0-101-0' : '';
  const place = await findAppliedPlace(ranges, { flavor: log.flavor, before, kept });
  const way = { engine: 'session', phase: 'replaying' } as const;
  const why = await whyUncertain(connectionOf(log), { place, way, end: 'killed' });
  if (why !== null || place === null) return { anew: why ?? '' };
  return await statementsOf(leftRanges(ranges, place), place.groups);
}

describe('a session that is killed anywhere, and one that goes on, and again', () => {
  it('has each group once, and goes on between any two transactions, and before a definition that was not begun', async () => {
    const kills = fc.array(fc.nat(), { minLength: 1, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(logs, kills, async (log, moments) => {
        const groups = log.files.flat();
        const whole = new Target();
        const all = await statementsOf(rangesOf(log), 0);
        for (const sql of all) whole.execute(sql);
        const target = new Target();
        let rest: Awaited<ReturnType<typeof left>> = all;
        for (const moment of moments) {
          for (const sql of rest.slice(0, moment % (rest.length + 1))) target.execute(sql);
          target.kill();
          rest = await left(log, target);
          if ('anew' in rest) {
            const isPlain = groups.every((kind) => ['transaction', 'commit', 'definition'].includes(kind));
            expect(isPlain && !target.kept.begun).toBe(false);
            return;
          }
        }
        for (const sql of rest) target.execute(sql);
        expect(target.there).toEqual(whole.there);
        expect(target.kept).toEqual({ ...whole.kept, groups: groups.length });
      }),
      { numRuns: 300 },
    );
  });
});
