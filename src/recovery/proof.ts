import type { BackupRecord } from '../archive/backup-record.ts';
import { parseGtidState } from '../binlog/gtid-text.ts';
import type { GtidState } from '../binlog/gtid.ts';
import { formatCoordinates } from '../binlog/coordinates.ts';
import { GtidPosition } from '../binlog/mariadb-gtid.ts';
import { GtidSet } from '../binlog/mysql-gtid.ts';
import type { Incident } from '../incident/incident.ts';
import type { Plan } from './plan.ts';
import { countTables, describeObject, findObject } from './proof-objects.ts';
import { proveSkips } from './proof-skips.ts';
import type { Replayed } from './replay.ts';
import { compareTables, type TableState } from './table-state.ts';

/** One thing that must be true of a restored server, and what was found. */
export interface ProofCheck {
  readonly check: string;
  readonly ok: boolean;
  readonly found: string;
}

/** What a restore proves about itself: part of the JSON contract. */
export interface Proof {
  readonly ok: boolean;
  readonly checks: readonly ProofCheck[];
  /** null where nothing counts them: the applier of MySQL without GTIDs. */
  readonly appliedGroups: number | null;
  readonly lastApplied: { readonly gtid: string | null; readonly file: string; readonly end: number };
  readonly tables: readonly TableState[];
}

/** Tables as they were elsewhere at the restored point, to compare with. */
export interface Reference {
  /** As in 'equal to <name>'. */
  readonly name: string;
  /** As in 'only <place>'. */
  readonly place: string;
  readonly tables: readonly TableState[];
}

export interface ProofInput {
  readonly plan: Plan;
  readonly replayed: Replayed;
  /** Of the restored server. */
  readonly schemas: readonly string[];
  readonly tables: readonly TableState[];
  /** What the target is named after, when it is before an incident. */
  readonly incident: Incident | null;
  readonly reference: Reference | null;
}

/** Compares what was done with what was planned. Pure: every check is made, also when an earlier one failed. */
export function prove(input: ProofInput): Proof {
  const { plan, replayed, tables } = input;
  const { resolved } = plan.target;
  const checks = CHECKS.flatMap((check) => check(input));
  return {
    ok: checks.every(({ ok }) => ok),
    checks,
    appliedGroups: replayed.groups,
    lastApplied: { gtid: resolved.gtid, file: resolved.file, end: resolved.position },
    tables,
  };
}

/** The checks that do not hold, with what was found, in one line. */
export function describeFailure({ checks }: Proof): string {
  const failed = checks.filter(({ ok }) => !ok);
  return failed.map(({ check, found }) => `not true that ${check}: ${found}`).join('; ');
}

/**
 * True when the restore is what the archive says and still not equal to the reference. Then nobody here can know which
 * of the two is wrong.
 */
export function onlyDiffersFromReference({ ok, checks }: Proof): boolean {
  return !ok && checks.every((check) => check.ok || check.check.startsWith(EQUAL_TABLES));
}

const EQUAL_TABLES = 'every table is equal to ';

type Check = (input: ProofInput) => ProofCheck[];

/** MySQL counts no groups and may write no GTIDs; MariaDB does both. */
const gtidState: Check = ({ plan, replayed }) => {
  const planned = plan.target.resolved.gtidState;
  if (planned === null) return [];
  const expected = expectedState(planned, plan.backup);
  const ok = expected.equals(parseGtidState(plan.backup.flavor, replayed.gtidState));
  const found = ok ? replayed.gtidState : `${replayed.gtidState}, planned ${expected.toString()}`;
  return [{ check: 'GTID state is the planned one', ok, found: found === '' ? 'empty' : found }];
};

/** A replica may have domains of a former primary: no group of this log changes them, and a restore keeps them. */
function expectedState(planned: string, { flavor, primary }: BackupRecord): GtidState {
  if (flavor === 'mysql') return GtidSet.parse(primary.gtid ?? '').union(GtidSet.parse(planned));
  const state = GtidPosition.parse(planned);
  for (const gtid of GtidPosition.parse(primary.gtid ?? '').gtids()) {
    if (state.last(gtid.domain) === undefined) state.add(gtid);
  }
  return state;
}

const groupCount: Check = ({ plan, replayed }) => [
  {
    check: 'every planned group was applied, and no other',
    ...(replayed.groups === null ? placeInstead(plan, replayed) : counted(plan, replayed.groups)),
  },
];

function counted(plan: Plan, groups: number): { ok: boolean; found: string } {
  return { ok: groups === plan.groups, found: `${groups} of ${plan.groups} groups` };
}

/** MySQL without GTIDs counts no groups: where its applier stands is all it tells. */
function placeInstead({ segments, groups }: Plan, { executed }: Replayed): { ok: boolean; found: string } {
  const end = segments.at(-1);
  const stands = executed === null ? 'nowhere' : formatCoordinates(executed);
  const ok =
    end !== undefined &&
    executed !== null &&
    executed.file.endsWith(end.file) &&
    executed.position === end.to % 2 ** 32;
  const instead = ok ? 'the end of the plan' : 'not at the end of the plan';
  return { ok, found: `not counted by this server (${groups} planned): its applier stands at ${stands}, ${instead}` };
}

const lostObjects: Check = ({ plan, incident, schemas, tables }) => {
  if (incident === null) return [];
  const restored = { schemas, tables, settings: plan.backup.settings };
  const sought = incident.objects
    .filter(({ type }) => type === 'database' || type === 'table') // only of these is known what a server has
    .map((object) => ({ object, ...findObject(object, restored) }));
  // The log names what the statement named, there or not (MariaDB 10.11, tried): the place is proven by GTIDs and groups.
  const mayLack =
    IF_EXISTS.test(incident.statement) || incident.kind.startsWith('replace-') || sought.some(({ ok }) => ok);
  return sought.map(({ object, ok, found }) => ({
    check: `${describeObject(object)} is back`,
    ok: ok || mayLack,
    found: !ok && mayLack ? 'missing: the statement may have named what was not there before either' : found,
  }));
};

/** Before anything that may be a quoted name. */
const IF_EXISTS = /^[^`'"]*\bIF\s+EXISTS\b/i;

const readableTables: Check = ({ tables }) => {
  const unreadable = tables.filter(({ checksum }) => checksum === null).map(({ schema, name }) => `${schema}.${name}`);
  const found = unreadable.length === 0 ? countTables(tables) : `cannot read ${unreadable.join(', ')}`;
  return [{ check: 'every table can be read to its last row', ok: unreadable.length === 0, found }];
};

const equalTables: Check = ({ tables, reference }) => {
  if (reference === null) return [];
  const { changed, onlyFirst, onlySecond } = compareTables(tables, reference.tables);
  const differences = [
    ...namesOf('different', changed),
    ...namesOf(`only ${reference.place}`, onlySecond),
    ...namesOf('only in the restore', onlyFirst),
  ];
  const ok = differences.length === 0;
  return [{ check: `${EQUAL_TABLES}${reference.name}`, ok, found: ok ? countTables(tables) : differences.join('; ') }];
};

function namesOf(what: string, names: readonly string[]): string[] {
  return names.length === 0 ? [] : [`${what}: ${names.join(', ')}`];
}

const skips: Check = ({ plan, replayed, schemas, tables }) =>
  proveSkips(plan, replayed, { schemas, tables, settings: plan.backup.settings });

const CHECKS: readonly Check[] = [gtidState, groupCount, skips, lostObjects, readableTables, equalTables];
