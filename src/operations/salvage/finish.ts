import { isLastgoodError } from '../../platform/errors.ts';
import type { ServerConnection } from '../../server/connection.ts';
import { quoteName } from '../../server/quote-name.ts';
import type { NotCarried } from './carry-definition.ts';
import { checkForeignKey, describeForeignKey, readReferences } from './foreign-keys.ts';
import { passedEvents } from './passed-events.ts';
import { readSchemaContent, type SchemaContent } from './schema-content.ts';

export interface FinishOptions {
  readonly reconnect: () => Promise<ServerConnection>;
  readonly content: SchemaContent;
  readonly staging: string;
  readonly as: string;
}

export interface Finished {
  readonly passed: readonly NotCarried[];
  readonly warnings: readonly string[];
}

/**
 * What is left to do and to look at once everything is in its place. Applications use the tables by now: what fails
 * here is told, and takes nothing away again. The salvage's own schema goes last of all: while it is there, the
 * salvage is not finished.
 */
export async function finish(live: ServerConnection, o: FinishOptions): Promise<Finished> {
  const warnings: string[] = [];
  const attempt = async <T>(doubt: string, work: () => Promise<T>): Promise<T | null> => {
    try {
      return await work();
    } catch (error) {
      if (!isLastgoodError(error)) throw error;
      warnings.push(`${doubt}: ${error.message}`);
      return null;
    }
  };
  const { staging, as, content } = o;
  const incoming = await attempt(`foreign keys to what is back in schema ${as} are not checked`, () =>
    checkIncoming(live, as, content),
  );
  const passed = await attempt('whether an event has passed is not known', async () =>
    passedEvents(content, (await readSchemaContent(live, as)) ?? { events: [] }),
  );
  await attempt(`schema ${staging} is empty and was not dropped`, async () => {
    await using session = await o.reconnect();
    await session.query(`DROP DATABASE ${quoteName(staging)}`);
  });
  return { passed: passed ?? [], warnings: [...(incoming ?? []), ...warnings] };
}

/** Tables that were there all the time, of this schema and of others, and refer to what is back. */
async function checkIncoming(live: ServerConnection, as: string, content: SchemaContent): Promise<string[]> {
  const back = content.tables.map(({ name }) => name);
  const found: string[] = [];
  for (const key of await readReferences(live, as)) {
    const isBackItself = key.schema === as && back.includes(key.table);
    if (isBackItself || key.parent.schema !== as || !back.includes(key.parent.table)) continue;
    const broken = await checkForeignKey(live, key);
    const of = key.schema === as ? '' : `${key.schema}.`;
    if (broken !== null) found.push(`foreign key ${of}${describeForeignKey(key)}: ${broken}`);
  }
  return found;
}
