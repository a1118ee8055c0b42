import type { TableState } from '../../recovery/table-state.ts';
import { compareTables } from '../../recovery/table-state.ts';
import type { SchemaContent } from './schema-content.ts';

/** What is not the same at both ends, in words; null when all is. Tables by their rows, all else by its name. */
export function differences(
  expected: { readonly content: SchemaContent; readonly tables: readonly TableState[] },
  found: { readonly content: SchemaContent | null; readonly tables: readonly TableState[] },
): string | null {
  const { changed, onlyFirst, onlySecond } = compareTables(unplaced(expected.tables), unplaced(found.tables));
  const names = { before: namesOf(expected.content), after: found.content === null ? [] : namesOf(found.content) };
  const words = [
    ...changed.map((name) => `table ${bare(name)} has other rows`),
    ...onlyFirst.map((name) => `table ${bare(name)} is missing`),
    ...onlySecond.map((name) => `table ${bare(name)} is one too many`),
    ...names.before.filter((name) => !names.after.includes(name)).map((name) => `${name} is missing`),
  ];
  return words.length === 0 ? null : words.join('; ');
}

/** Both ends may call the schema differently. */
function unplaced(tables: readonly TableState[]): TableState[] {
  return tables.map((table) => ({ ...table, schema: '' }));
}

function bare(name: string): string {
  return name.slice(1);
}

function namesOf({ views, brokenViews, triggers, routines, events }: SchemaContent): string[] {
  return [
    ...views.filter((name) => !brokenViews.includes(name)).map((name) => `view ${name}`),
    ...triggers.map(({ name }) => `trigger ${name}`),
    ...routines.map(({ name, type }) => `${type} ${name}`),
    // One whose last time has passed since is no difference: no server makes it any more.
    ...events.filter(({ passes }) => !passes).map(({ name }) => `event ${name}`),
  ];
}
