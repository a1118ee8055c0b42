import { within } from '../../server/quote-name.ts';

/** What tells one view from another, and how a definition names it. */
export type ViewKey = string & { readonly view: unique symbol };

/** The key of the view with these plain names. */
export function viewKey({ schema, table }: { readonly schema: string; readonly table: string }): ViewKey {
  return within(schema, table) as ViewKey;
}

/** From any opening quote on, also from one within a text: whatever is a name is found, and perhaps more. */
const NAME_IN_SCHEMA = /(?=(`(?:[^`]|``)+`\.`(?:[^`]|``)+`))/g;

/**
 * All that a definition may name, as information_schema has it: there every table and view is named with its schema.
 * It may be more, as a column behind an alias that is called as a schema; it is never less.
 */
export function namesIn(definition: string): ReadonlySet<ViewKey> {
  return new Set([...definition.matchAll(NAME_IN_SCHEMA)].map(([, name]) => name as ViewKey));
}

interface Reader {
  readonly key: ViewKey;
  /** Keys of views and of whatever else. */
  readonly reads: ReadonlySet<ViewKey>;
}

/**
 * Puts each view behind those that it reads; else the order stays. Servers have no views in a circle: should `reads`
 * have one, something in it is no view, and one step of the circle is passed over.
 */
export function orderViews<V extends Reader>(views: readonly V[]): V[] {
  const byKey = new Map(views.map((view) => [view.key, view]));
  const seen = new Set<ViewKey>();
  const ordered: V[] = [];
  const visit = (view: V): void => {
    if (seen.has(view.key)) return;
    seen.add(view.key);
    for (const key of view.reads) {
      const read = byKey.get(key);
      if (read !== undefined) visit(read);
    }
    ordered.push(view);
  };
  for (const view of views) visit(view);
  return ordered;
}
