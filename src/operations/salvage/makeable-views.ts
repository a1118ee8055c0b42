import { isLastgoodError } from '../../platform/errors.ts';
import { within } from '../../server/quote-name.ts';
import type { NotCarried } from './carry-definition.ts';
import { makeDefinition } from './make-definition.ts';
import type { SchemaContent } from './schema-content.ts';
import { STAGING_PREFIX } from '../../recovery/staging-name.ts';
import type { Salvaged } from './take-out.ts';

/** What a dump can hold, and the views that it cannot. */
export interface Makeable {
  readonly content: SchemaContent;
  readonly notCarried: readonly NotCarried[];
}

/** Of the scratch server, while a view is tried. */
const TRIAL = `${STAGING_PREFIX}trial`;

/**
 * Some views work, and yet no server makes them anew: over one whose definer is gone, say. A dump with such a view does not load.
 * Each is made once more in the scratch server, in their order; what is refused is removed there, so that what reads it is refused too.
 */
export async function keepMakeable({
  scratch: { admin },
  content,
  definitions,
}: Pick<Salvaged, 'scratch' | 'content' | 'definitions'>): Promise<Makeable> {
  const { schema } = content;
  const notCarried: NotCarried[] = [];
  for (const view of definitions.filter(({ type }) => type === 'view')) {
    const named = `VIEW ${within(schema, view.name)} AS `;
    if (!view.sql.includes(named)) continue;
    const sql = view.sql.replace(named, () => `VIEW ${within(schema, TRIAL)} AS `);
    try {
      await makeDefinition(admin, { ...view, sql });
      await admin.query(`DROP VIEW ${within(schema, TRIAL)}`);
    } catch (error) {
      if (!isLastgoodError(error, 'SERVER_QUERY_FAILED')) throw error;
      notCarried.push({ type: 'view', name: view.name, why: error.message });
      await admin.query(`DROP VIEW ${within(schema, view.name)}`);
    }
  }
  const views = content.views.filter((view) => !notCarried.some(({ name }) => name === view));
  return { content: { ...content, views }, notCarried };
}
