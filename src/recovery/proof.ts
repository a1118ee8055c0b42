import { parseGtidState } from '../binlog/gtid-text.ts';
import type { Incident, IncidentObject } from '../incident/incident.ts';
import type { Plan } from './plan.ts';
import type { Replayed } from './replay.ts';
import { differingTables, type TableState } from './table-state.ts';

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

type Check = (input: ProofInput) => ProofCheck[];

/** MySQL counts no groups and may write no GTIDs; MariaDB does both. */
const gtidState: Check = ({ plan, replayed }) => {
  const planned = plan.target.resolved.gtidState;
  if (planned === null) return [];
  const { flavor } = plan.backup;
  const ok = parseGtidState(flavor, planned).equals(parseGtidState(flavor, replayed.gtidState));
  const found = ok ? replayed.gtidState : `${replayed.gtidState}, planned ${planned}`;
  return [{ check: 'GTID state is the planned one', ok, found: found === '' ? 'empty' : found }];
};

const groupCount: Check = ({ plan, replayed }) => [
  {
    check: 'every planned group was applied, and no other',
    ok: replayed.groups === plan.groups,
    found: `${replayed.groups} of ${plan.groups} groups`,
  },
];

const lostObjects: Check = ({ incident, schemas, tables }) =>
  (incident?.objects ?? []).map((object) => {
    const { ok, found } = findObject(object, schemas, tables);
    return { check: `${describe(object)} is back`, ok, found };
  });

const readableTables: Check = ({ tables }) => {
  const unreadable = tables.filter(({ checksum }) => checksum === null).map(({ schema, name }) => `${schema}.${name}`);
  const found = unreadable.length === 0 ? `${tables.length} tables` : `cannot read ${unreadable.join(', ')}`;
  return [{ check: 'every table can be read to its last row', ok: unreadable.length === 0, found }];
};

const equalTables: Check = ({ tables, reference }) => {
  if (reference === null) return [];
  const differing = differingTables(tables, reference.tables);
  const found = differing.length === 0 ? `${tables.length} tables` : `different: ${differing.join(', ')}`;
  return [{ check: `every table is equal to ${reference.name}`, ok: differing.length === 0, found }];
};

const CHECKS: readonly Check[] = [gtidState, groupCount, lostObjects, readableTables, equalTables];

function findObject(
  { schema, name }: IncidentObject,
  schemas: readonly string[],
  tables: readonly TableState[],
): { ok: boolean; found: string } {
  if (name === null) {
    const inside = tables.filter((table) => table.schema === schema);
    const rows = inside.reduce((sum, table) => sum + table.rows, 0);
    return schemas.includes(schema)
      ? { ok: true, found: `${inside.length} tables, ${rows} rows` }
      : { ok: false, found: 'missing' };
  }
  const table = tables.find((candidate) => candidate.schema === schema && candidate.name === name);
  return table === undefined ? { ok: false, found: 'missing' } : { ok: true, found: `${table.rows} rows` };
}

function describe({ schema, name, type }: IncidentObject): string {
  return name === null ? `${type} ${schema}` : `${type} ${schema}.${name}`;
}
