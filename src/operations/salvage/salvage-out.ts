import type { WrittenFile } from '../../platform/durable-file.ts';
import { LastgoodError } from '../../platform/errors.ts';
import { readTableStates } from '../../recovery/table-state.ts';
import { quoteName, within } from '../../server/quote-name.ts';
import { differences } from './compare-content.ts';
import { dumpContent, type DumpScope } from './dump-content.ts';
import type { NotCarried } from './carry-definition.ts';
import { loadSql, readDump } from './load-sql.ts';
import { passedEvents } from './passed-events.ts';
import type { Write } from './pour.ts';
import { readSchemaContent, selectTables, type SchemaContent } from './schema-content.ts';
import type { Salvaged } from './take-out.ts';
import { isCompressed, writeChecked } from './write-file.ts';

export interface SalvageOutOptions extends Salvaged {
  /** Comments before the dump, without line breaks. */
  readonly title: readonly string[];
  /** GRANT statements. */
  readonly grants: readonly string[];
  /** False: the grants stand there as comments. */
  readonly granting: boolean;
  /** These tables and views; empty: the whole schema. */
  readonly names: readonly string[];
  readonly onProgress: (bytes: number) => void;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Writes the dump to a new file, and loads it into the scratch server in place of what it was made from: only what
 * gives the very same tables back gets its name.
 *
 * @throws LastgoodError `TARGET_NOT_EMPTY`, `STORAGE_FAILED`, `PROOF_FAILED`, `TOOL_FAILED`, `INTERRUPTED`
 */
export async function salvageToFile(
  path: string,
  o: SalvageOutOptions,
): Promise<{ file: WrittenFile; notCarried: readonly NotCarried[] }> {
  let notCarried: readonly NotCarried[] = [];
  const file = await writeChecked(
    path,
    (write) => writeDump(o, write),
    async (unproven) => {
      notCarried = passedEvents(o.content, await proveDump(unproven, isCompressed(path), o));
    },
  );
  return { file, notCarried };
}

/** Title, content, grants. */
export async function writeDump(o: SalvageOutOptions, write: Write): Promise<void> {
  const { scratch, content, names, inexact, grants, granting, onProgress, signal } = o;
  await write(o.title.map((line) => `-- ${oneLine(line)}\n`).join('') + LOADING);
  await dumpContent(
    {
      ...{ server: scratch.login, temporary: scratch.temporary, schema: content.schema, inexact, onProgress, signal },
      scope: names.length === 0 ? { kind: 'schema', views: wholeViews(content) } : namedScope(content),
      leftOut: content.brokenViews,
    },
    write,
  );
  if (grants.length === 0) return;
  await write(`\n-- Privileges on it at that point${granting ? '' : ': run those that are wanted'}\n`);
  await write(grants.map((grant) => `${granting ? grant : `-- ${oneLine(grant)}`};\n`).join(''));
}

/** Rows that a check constraint forbids today were there once. */
const LOADING = 'SET SESSION check_constraint_checks = 0;\n';

function namedScope(content: SchemaContent): DumpScope {
  return { kind: 'named', tables: content.tables.map(({ name }) => name), views: wholeViews(content) };
}

function wholeViews({ views, brokenViews }: SchemaContent): string[] {
  return views.filter((name) => !brokenViews.includes(name));
}

/** A line break in a name would end the comment. */
function oneLine(text: string): string {
  return text.replaceAll(/[\r\n]+/g, ' ');
}

/** @returns what loading it gave */
async function proveDump(path: string, compressed: boolean, o: SalvageOutOptions): Promise<SchemaContent> {
  const { scratch, content, names, tables, signal } = o;
  const { admin, login, temporary } = scratch;
  await admin.query('SET SESSION foreign_key_checks = 0');
  for (const statement of removal(content, names)) await admin.query(statement);
  const whole = names.length === 0;
  await loadSql(
    { server: login, temporary, schema: whole ? null : content.schema, signal },
    readDump(path, compressed),
  );
  const again = await readSchemaContent(admin, content.schema);
  const made = [...content.tables.map(({ name }) => name), ...wholeViews(content)];
  const found = {
    content:
      again === null
        ? null
        : selectTables(
            again,
            names.filter((name) => made.includes(name)),
          ),
    tables: await readTableStates(
      admin,
      tables.map(({ name }) => ({ schema: content.schema, name })),
      { signal },
    ),
  };
  const wrong = differences({ content, tables }, found);
  if (wrong === null && found.content !== null) return found.content;
  throw new LastgoodError(
    'PROOF_FAILED',
    `the dump does not load to what it was made from: ${wrong ?? 'there is no schema'}`,
    {
      hint: 'No file was written. `lastgood restore` gives the whole server instead.',
    },
  );
}

/** What the dump makes again, removed. */
function removal({ schema, tables, views }: SchemaContent, names: readonly string[]): string[] {
  if (names.length === 0) return [`DROP DATABASE ${quoteName(schema)}`];
  return [
    ...views.map((name) => `DROP VIEW ${within(schema, name)}`),
    ...tables.map(({ name, type }) => `DROP ${type.toUpperCase()} ${within(schema, name)}`),
  ];
}
