import { dialectOf, type Source } from './dialect.ts';
import type { Incident, IncidentKind, IncidentObject } from './incident.ts';
import type { Part } from './part.ts';
import type { GroupRows, TableRows } from './row-changes.ts';
import type { Changed } from './statement-bytes.ts';
import { decodeStatement } from './statement-text.ts';

/**
 * From so many rows on, a group is an incident. Whether it is shown is decided when it is read, by the settings of that
 * day: so the same log gives the same incidents, whatever the settings were.
 */
export const MASS_FLOORS: Readonly<Record<Changed, number>> = { deleted: 100, updated: 1000 };

/** Events of so many bytes whose rows cannot be counted may hold a mass of them: shown as a suspicion. */
const UNCOUNTED_FLOOR_BYTES = 64 * 1024;

const KINDS: readonly { readonly changed: Changed; readonly kind: IncidentKind }[] = [
  { changed: 'deleted', kind: 'mass-delete' },
  { changed: 'updated', kind: 'mass-update' },
];

/** The destructive parts that a group's changes of rows are: a mass of deletes, a mass of updates, both, or none. */
export function massParts(
  rows: GroupRows,
  o: { threadId: number | null; source: Source; floors?: typeof MASS_FLOORS },
): Part[] {
  const { floors = MASS_FLOORS, source, threadId } = o;
  const found = KINDS.filter(
    ({ changed }) => rows[changed] >= floors[changed] || rows.uncounted[changed] >= UNCOUNTED_FLOOR_BYTES,
  );
  return found.map(({ changed, kind }) => {
    const { text, nbspIsBlank } = decodeStatement(rows.statements[changed], null, source.flavor);
    return {
      evidence: 'rows',
      kind,
      objects: rows.tables.filter((table) => table[changed] > 0 && table.table !== '').map(objectOf),
      suspicious: rows[changed] < floors[changed],
      statement: text,
      dialect: dialectOf(source, 0, nbspIsBlank),
      time: null,
      threadId,
      done: 'effective',
      afterError: null,
      undone: false,
    };
  });
}

function objectOf({ schema, table, deleted, updated }: TableRows): IncidentObject {
  return { schema, name: table, type: 'table', rows: { deleted, updated } };
}

/** The fields of an incident that tell of rows; of a group without any, zeros. Of one that is cut there may be more. */
export function rowFields(rows: GroupRows | null, { isCut }: { isCut: boolean }): Pick<Incident, 'rows' | 'cascades'> {
  if (rows === null) return { rows: { deleted: 0, updated: 0 } };
  const { deleted, updated, uncounted, cascades } = rows;
  const isExact = !isCut && uncounted.deleted === 0 && uncounted.updated === 0;
  return {
    rows: { deleted, updated, ...(isExact ? {} : { atLeast: true as const }) },
    ...(cascades === true
      ? { cascades }
      : cascades.length > 0
        ? { cascades: cascades.map(({ schema, table }) => ({ schema, name: table })) }
        : {}),
  };
}
