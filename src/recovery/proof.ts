import type { BackupRecord } from '../archive/backup-record.ts';
import { parseGtidState } from '../binlog/gtid-text.ts';
import type { GtidState } from '../binlog/gtid.ts';
import { GtidPosition } from '../binlog/mariadb-gtid.ts';
import type { Incident, IncidentObject } from '../incident/incident.ts';
import type { Plan } from './plan.ts';
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
  readonly appliedGroups: number;
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
  if (flavor !== 'mariadb') return parseGtidState(flavor, planned);
  const state = GtidPosition.parse(planned);
  for (const gtid of GtidPosition.parse(primary.gtid ?? '').gtids()) {
    if (state.last(gtid.domain) === undefined) state.add(gtid);
  }
  return state;
}

const groupCount: Check = ({ plan, replayed }) => [
  {
    check: 'every planned group was applied, and no other',
    ok: replayed.groups === plan.groups,
    found: `${replayed.groups} of ${plan.groups} groups`,
  },
];

const lostObjects: Check = ({ plan, incident, schemas, tables }) => {
  if (incident === null) return [];
  const nameCase = caseOf(plan.backup);
  const sought = incident.objects
    .filter(({ type }) => type === 'database' || type === 'table') // only of these is known what a server has
    .map((object) => ({ object, ...findObject(object, { schemas, tables, nameCase }) }));
  // The log names what the statement named, there or not (MariaDB 10.11, tried): the place is proven by GTIDs and groups.
  const mayLack =
    IF_EXISTS.test(incident.statement) || incident.kind.startsWith('replace-') || sought.some(({ ok }) => ok);
  return sought.map(({ object, ok, found }) => ({
    check: `${describe(object)} is back`,
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

const CHECKS: readonly Check[] = [gtidState, groupCount, lostObjects, readableTables, equalTables];

/** How a server with these settings compares names of schemas and tables. */
function caseOf({ settings }: BackupRecord): NameCase {
  const { lower_case_table_names: folds = '0' } = settings;
  return folds === '0' ? (name) => name : (name) => name.toLowerCase();
}

type NameCase = (name: string) => string;

function findObject(
  { schema, name }: IncidentObject,
  { schemas, tables, nameCase }: Pick<ProofInput, 'schemas' | 'tables'> & { nameCase: NameCase },
): { ok: boolean; found: string } {
  const isSame = (a: string, b: string): boolean => nameCase(a) === nameCase(b);
  const inside = tables.filter((table) => isSame(table.schema, schema));
  if (name === null) {
    const rows = inside.reduce((sum, table) => sum + table.rows, 0);
    return schemas.some((candidate) => isSame(candidate, schema))
      ? { ok: true, found: `${countTables(inside)}, ${rows} rows` }
      : { ok: false, found: 'missing' };
  }
  const table = inside.find((candidate) => isSame(candidate.name, name));
  return table === undefined ? { ok: false, found: 'missing' } : { ok: true, found: `${table.rows} rows` };
}

function describe({ schema, name, type }: IncidentObject): string {
  return name === null ? `${type} ${schema}` : `${type} ${schema}.${name}`;
}

function countTables({ length }: readonly unknown[]): string {
  return length === 1 ? '1 table' : `${length} tables`;
}
