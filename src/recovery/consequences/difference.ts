import type { Named, TableChange, Touch, Verb } from './touch.ts';

/**
 * Whether rows differ. no · keys: those that do are in the log, and can be compared · values: which do is not known, but they
 * have the same keys · unknown: which do is not known.
 */
export type RowDifference = 'no' | 'keys' | 'values' | 'unknown';

/**
 * How one object differs between the server that skips and the source, from a place in the log on. Everything that skipping
 * leads to is said with these, and what later groups do meets them one by one.
 */
export interface Difference extends Named {
  /** Where it exists. kept: only where the group was skipped · missing: only on the source · both. */
  readonly exists: 'kept' | 'missing' | 'both';
  /** Rows that only the skipping server has, that it has with other values, that only the source has. */
  readonly extra: RowDifference;
  readonly old: RowDifference;
  readonly absent: RowDifference;
  /** Columns that only the skipping server has. */
  readonly columns: readonly string[];
  /** True when the definition differs otherwise. */
  readonly definition: boolean;
  /** Of a schema: what it held before is there as well. */
  readonly contents: boolean;
  /** True when a foreign key did something to its rows, of which the log has nothing. */
  readonly isCascaded: boolean;
}

const NONE: Omit<Difference, keyof Named> = {
  ...{ exists: 'both', extra: 'no', old: 'no', absent: 'no' },
  ...{ columns: [], definition: false, contents: false, isCascaded: false },
};

/** A difference of one object: what is not given is the same. */
export function differing(named: Named, more: Partial<Difference>): Difference {
  const { type, schema, name } = named;
  return { ...NONE, type, schema, name, ...more };
}

/** How the objects differ that a touch is about, once it is skipped; empty where it leaves nothing to notice. */
export function differencesOf(touch: Touch): Difference[] {
  return SKIPPED[touch.verb](touch);
}

const made = (touch: Touch): Difference[] => [differing(touch, { exists: 'missing' })];

/** Only with rows in the log can be told which ones differ. */
function rowsOf({ by }: Touch): RowDifference {
  return by === 'rows' ? 'keys' : 'unknown';
}

const SKIPPED: Readonly<Record<Verb, (touch: Touch) => Difference[]>> = {
  create: made,
  ensure: made,
  drop: (touch) => [differing(touch, { exists: 'kept' })],
  replace: (touch) => [
    differing(touch, touch.name === null ? { contents: true } : { extra: 'unknown', definition: true }),
  ],
  rename: (touch) => [differing(touch, { exists: 'kept' }), differing(touch.to ?? touch, { exists: 'missing' })],
  truncate: (touch) => [differing(touch, { extra: 'unknown' })],
  delete: (touch) => [differing(touch, { extra: rowsOf(touch) })],
  update: (touch) => [differing(touch, { old: rowsOf(touch) })],
  insert: (touch) => [differing(touch, { absent: rowsOf(touch) })],
  alter: (touch) => [differing(touch, alterationOf(touch))],
  rights: (touch) => [differing(touch, { definition: true })],
  read: () => [],
};

function alterationOf({ changes = [] }: Touch): Partial<Difference> {
  const dropped = changes.filter(({ kind }) => kind === 'drop-column');
  const isSwap = changes.some(({ kind }) => kind === 'swap');
  return {
    columns: dropped.flatMap(({ column }) => column ?? []),
    extra: isSwap || changes.some(({ kind }) => kind === 'rows') ? 'unknown' : 'no',
    absent: isSwap ? 'unknown' : 'no',
    definition: changes.length === 0 || changes.some(changesForm),
  };
}

function changesForm({ kind, column }: TableChange): boolean {
  const isOfForm = kind === 'other' || kind === 'key' || kind === 'index' || kind === 'add-column';
  return isOfForm || (kind === 'drop-column' && column === null);
}

/** Both at once, of one object. */
export function joined(one: Difference, other: Difference): Difference {
  return {
    ...one,
    exists: one.exists === 'both' ? other.exists : one.exists,
    extra: worse(one.extra, other.extra),
    old: worse(one.old, other.old),
    absent: worse(one.absent, other.absent),
    columns: [...new Set([...one.columns, ...other.columns])],
    definition: one.definition || other.definition,
    contents: one.contents || other.contents,
    isCascaded: one.isCascaded || other.isCascaded,
  };
}

/** Of rows that differ in two ways nothing is known any more. */
function worse(one: RowDifference, other: RowDifference): RowDifference {
  if (one === 'no') return other;
  return other === 'no' || other === one ? one : 'unknown';
}

/** The rows that differ, where their keys in the log are no longer those of the table. */
export function blurred(difference: Difference): Difference {
  const blur = (rows: RowDifference): RowDifference => (rows === 'no' ? 'no' : 'unknown');
  const { extra, old, absent } = difference;
  return { ...difference, extra: blur(extra), old: blur(old), absent: blur(absent) };
}

/** False once nothing is left of it. */
export function isAny({ exists, extra, old, absent, columns, definition, contents }: Difference): boolean {
  const rows = [extra, old, absent].some((rowsDiffer) => rowsDiffer !== 'no');
  return exists !== 'both' || rows || columns.length > 0 || definition || contents;
}
