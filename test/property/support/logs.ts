import fc from 'fast-check';
import {
  annotateRows,
  ANONYMOUS,
  BinlogBuilder,
  checkpoint,
  compressedQuery,
  gtidList,
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
  THREAD,
  writeRows,
  xaPrepare,
  xid,
  type BinlogOptions,
  type BuiltGroup,
  type RawEvent,
} from '../../support/binlog-builder.ts';
import { transactionPayload } from '../../support/payload-builder.ts';

export const UUIDS = ['5577bbaa-0402-11f1-b1b8-4ef0c4956feb', 'a57df524-4139-11ee-9979-b033ee13919e'] as const;

/** A log with what a reader should find in it beyond its groups. */
export interface BuiltLog {
  readonly builder: BinlogBuilder;
  readonly gtidStart: string | null;
  readonly gtidEnd: string | null;
  readonly end: 'rotate' | 'stop' | 'open';
}

/** What happens in one group. */
type Deed = (typeof DEEDS)[number];
const DEEDS = ['drop', 'ddl', 'rows', 'statements', 'rollback', 'prepare', 'compressed', 'payload', 'unknown'] as const;

const STANDALONE: ReadonlySet<Deed> = new Set(['drop', 'ddl', 'compressed']);

interface Step {
  readonly deed: Deed;
  readonly bytes: number;
  /** Which of a few replication domains or server uuids. */
  readonly origin: 0 | 1;
}

const stepOf = (largest: number): fc.Arbitrary<Step> =>
  fc.record({
    deed: fc.constantFrom(...DEEDS),
    bytes: fc.oneof({ weight: 5, arbitrary: fc.nat(300) }, { weight: 1, arbitrary: fc.nat(largest) }),
    origin: fc.constantFrom(0, 1),
  });

const ends = fc.constantFrom('rotate' as const, 'stop' as const, 'open' as const);

const KINDS = ['mariadb', 'mysql', 'mysql-anonymous', 'mysql-5.5'] as const;
type LogKind = (typeof KINDS)[number];

/** Whole, undamaged logs of a few groups: both flavors, with and without GTIDs and checksums. */
export function logs(
  options: { checksum?: 'crc32' | 'none'; kinds?: readonly LogKind[]; largest?: number } = {},
): fc.Arbitrary<BuiltLog> {
  const { kinds = KINDS, largest = 9000 } = options;
  return fc
    .record({
      kind: fc.constantFrom(...kinds),
      checksum: options.checksum === undefined ? fc.constantFrom('crc32', 'none') : fc.constant(options.checksum),
      steps: fc.array(stepOf(largest), { maxLength: 8 }),
      end: ends,
      inUse: fc.boolean(),
    })
    .filter(({ kind, checksum }) => kind !== 'mysql-5.5' || checksum === 'none')
    .map(({ kind, steps, end, ...rest }) => {
      const log = kind === 'mariadb' ? mariadbLog(steps, rest) : mysqlLog(kind, steps, rest);
      if (end === 'rotate') log.builder.between(rotate('binlog.000002'));
      if (end === 'stop') log.builder.between(STOP);
      return { ...log, end };
    });
}

type LogContent = Omit<BuiltLog, 'end'>;

function mariadbLog(steps: readonly Step[], options: BinlogOptions): LogContent {
  const builder = new BinlogBuilder(options);
  const { serverId } = builder;
  const last = [41, 17];
  const state = (): string => last.map((number, domain) => `${domain}-${serverId}-${number}`).join(',');
  const gtidStart = state();
  builder.between(gtidList(gtidStart)).between(checkpoint('binlog.000001'));
  for (const { deed, bytes, origin } of steps) {
    if (deed === 'unknown') {
      builder.between(ofTheServersOwn(bytes));
      continue;
    }
    last[origin] = (last[origin] ?? 0) + 1;
    const gtid = `${origin}-${serverId}-${last[origin]}`;
    const standalone = STANDALONE.has(deed);
    const first = mariadbGtid(gtid, { standalone });
    // Its GTID event is its BEGIN; row events have no thread.
    const threadId = deed === 'rows' || deed === 'prepare' ? null : THREAD;
    builder.group([first, ...deedEvents(deed, bytes)], { gtid, threadId, ending: endingOf(deed) });
  }
  return { builder, gtidStart, gtidEnd: state() };
}

function mysqlLog(kind: LogKind, steps: readonly Step[], options: BinlogOptions): LogContent {
  const builder = new BinlogBuilder({ ...options, version: kind === 'mysql-5.5' ? MYSQL_55 : MYSQL });
  const last = [41, 17] as [number, number];
  const state = (): string | null => {
    if (kind === 'mysql') return `${UUIDS[0]}:1-${last[0]},${UUIDS[1]}:1-${last[1]}`;
    return kind === 'mysql-anonymous' ? '' : null;
  };
  const gtidStart = state();
  if (gtidStart !== null)
    builder.between(
      previousGtids(
        gtidStart === '' ? [] : last.map((end, of) => ({ uuid: UUIDS[of] ?? '', intervals: [[1, end + 1]] })),
      ),
    );
  for (const { deed, bytes, origin } of steps) {
    if (deed === 'unknown') {
      builder.between(ofTheServersOwn(bytes));
      continue;
    }
    last[origin] += 1;
    const gtid = kind === 'mysql' ? `${UUIDS[origin]}:${last[origin]}` : null;
    const inside = [...beginOf(deed), ...deedEvents(deed, bytes)];
    const events = deed === 'payload' && kind !== 'mysql-5.5' ? [transactionPayload(inside)] : inside;
    builder.group([...firstOf(kind, gtid), ...events], {
      gtid,
      ending: endingOf(deed),
    });
  }
  return { builder, gtidStart, gtidEnd: state() };
}

/** An event that no manual knows, such as Aurora's padding. */
function ofTheServersOwn(bytes: number): RawEvent {
  return { type: 100, body: Buffer.alloc(bytes) };
}

function firstOf(kind: LogKind, gtid: string | null): RawEvent[] {
  if (kind === 'mysql-5.5') return [];
  return [gtid === null ? ANONYMOUS : mysqlGtid(gtid)];
}

function beginOf(deed: Deed): RawEvent[] {
  if (STANDALONE.has(deed)) return [];
  return [query(deed === 'prepare' ? "XA START X'61',X'',1" : 'BEGIN')];
}

function endingOf(deed: Exclude<Deed, 'unknown'>): BuiltGroup['ending'] {
  if (deed === 'rows' || deed === 'statements' || deed === 'payload') return 'commit';
  if (deed === 'rollback') return 'rollback';
  return deed === 'prepare' ? 'prepare' : 'statement';
}

function deedEvents(deed: Exclude<Deed, 'unknown'>, bytes: number): RawEvent[] {
  const text = `insert into t values ('${'x'.repeat(bytes)}')`;
  const rows = [annotateRows('insert into t'), tableMap('shop', 't'), writeRows(bytes)];
  if (deed === 'drop') return [query(`DROP TABLE \`t${bytes}\` /* generated by server */`)];
  if (deed === 'ddl') return [query(`create table t${bytes} (a int)`)];
  if (deed === 'compressed') return [compressedQuery(text)];
  if (deed === 'rows') return [...rows, xid()];
  if (deed === 'payload') return [query('SAVEPOINT `b`'), ...rows.slice(1), xid()];
  if (deed === 'statements')
    return [intvar(1), query(text), query('SAVEPOINT `a`'), query('ROLLBACK TO `a`'), query('COMMIT')];
  if (deed === 'rollback') return [query(text), query('ROLLBACK')];
  return [...rows, xaPrepare('a')];
}

/** Lengths of pieces in which bytes arrive. */
export const pieceSizes = fc.array(fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 5000 })), {
  minLength: 1,
  maxLength: 20,
});
