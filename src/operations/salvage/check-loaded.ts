import { LastgoodError } from '../../platform/errors.ts';
import { throwIfAborted } from '../../platform/wait.ts';
import { readTableStates, type TableState } from '../../recovery/table-state.ts';
import { describeServer, type ServerConnection } from '../../server/connection.ts';
import { within } from '../../server/quote-name.ts';
import { differences } from './compare-content.ts';
import { checkForeignKey, describeForeignKey, readForeignKeys } from './foreign-keys.ts';
import type { SchemaContent } from './schema-content.ts';

export interface LoadedOptions {
  readonly scratch: { readonly admin: ServerConnection };
  readonly content: SchemaContent;
  /** As they were in the scratch server. */
  readonly tables: readonly TableState[];
  /** The schema's name on both servers. */
  readonly staging: string;
  readonly signal?: AbortSignal | undefined;
}

/** @returns the loaded tables, which have the same rows. @throws LastgoodError `PROOF_FAILED` */
export async function checkTables(live: ServerConnection, o: LoadedOptions): Promise<TableState[]> {
  const { staging, content, tables: before, signal } = o;
  const names = content.tables.map(({ name }) => ({ schema: staging, name }));
  const tables = await readTableStates(live, names, { signal });
  const onlyTables = { ...content, views: [], brokenViews: [], triggers: [], routines: [], events: [] };
  const found = differences({ content: onlyTables, tables: before }, { content: onlyTables, tables });
  if (found === null) return tables;
  throw new LastgoodError(
    'PROOF_FAILED',
    `what was loaded into the ${describeServer(live.options)} is not what was salvaged: ${found}`,
    { hint: 'Salvage with --out FILE, and compare the table there by hand.' },
  );
}

/**
 * Settings of the server have a say in what a table becomes: explicit_defaults_for_timestamp gives columns a default,
 * and other versions print otherwise. @returns each table whose definition is not the same, in words
 */
export async function checkDefinitions(live: ServerConnection, o: LoadedOptions): Promise<string[]> {
  const found: string[] = [];
  for (const { name, type } of o.content.tables) {
    throwIfAborted(o.signal);
    if (type !== 'table') continue;
    const [before, after] = [await readLines(o.scratch.admin, o.staging, name), await readLines(live, o.staging, name)];
    const at = before.findIndex((line, index) => line !== after[index]);
    if (at >= 0 || before.length !== after.length)
      found.push(`table ${name} is not defined as it was: '${before.at(at) ?? ''}' is there '${after[at] ?? ''}'`);
  }
  return found;
}

async function readLines(connection: ServerConnection, schema: string, table: string): Promise<string[]> {
  const [row] = await connection.query<Record<'Create Table', string>>(`SHOW CREATE TABLE ${within(schema, table)}`);
  return (row?.['Create Table'] ?? '').split('\n').map((line) => line.trim());
}

/** @returns each foreign key of the loaded tables that rows do not fit, in words: the last good state is brought back as it was */
export async function checkForeignKeys(
  live: ServerConnection,
  staging: string,
  { as, signal }: { as: string; signal?: AbortSignal | undefined },
): Promise<string[]> {
  const found: string[] = [];
  for (const key of await readForeignKeys(live, staging)) {
    throwIfAborted(signal);
    const broken = await checkForeignKey(live, key);
    const parent = key.parent.schema === staging ? { ...key.parent, schema: as } : key.parent;
    if (broken !== null)
      found.push(`foreign key ${describeForeignKey({ ...key, parent })}: ${broken.replace(staging, as)}`);
  }
  return found;
}
