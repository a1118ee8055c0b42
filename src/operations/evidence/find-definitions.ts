import { isLastgoodError } from '../../platform/errors.ts';
import type { ServerConnection } from '../../server/connection.ts';
import { definitionOfLog } from './definition-of-log.ts';
import { definitionsInDump } from './definition-of-backup.ts';
import { definitionOfServer } from './definition-of-server.ts';
import { misfit } from './fits.ts';
import type { MappedTable } from './mapped-table.ts';
import { tableKey, type TableDefinition } from './table-definition.ts';

/** What is known of one table. */
export interface FoundDefinition {
  /** null: its columns can be shown by number only. */
  readonly definition: TableDefinition | null;
  /** Why other definitions were not taken, and what to know of this one; for people. */
  readonly notes: readonly string[];
}

export interface DefinitionSources {
  /** The newest backup before the rows were changed. */
  readonly backup: BackupSource | null;
  /** A server that may still have the tables; asked last. null: there is none at hand. */
  readonly live: LiveSource | null;
}

/** By `tableKey`: why a table may have been defined otherwise when the rows were changed. */
export type Changes = ReadonlyMap<string, string>;

export interface BackupSource {
  readonly id: string;
  readonly path: string;
  /** What happened to the tables between the backup and the rows. */
  readonly changes: (tables: readonly MappedTable[]) => Promise<Changes>;
}

export interface LiveSource {
  readonly open: () => Promise<ServerConnection>;
  /** What happened to the tables since the rows were changed; asked after the definitions are read. */
  readonly changes: (tables: readonly MappedTable[], connection: ServerConnection) => Promise<Changes>;
}

/**
 * Looks where tables were defined: in the log itself, in a backup, on a living server. A source that fails gives a note, not an error.
 *
 * @throws LastgoodError `INTERRUPTED`
 */
export async function findDefinitions(
  tables: readonly MappedTable[],
  sources: DefinitionSources,
): Promise<Map<string, FoundDefinition>> {
  const found = new Map(tables.map((table) => [tableKey(table), new Candidate(table)]));
  const open = (): Candidate[] => [...found.values()].filter((candidate) => !candidate.complete);
  for (const candidate of found.values()) candidate.offer(definitionOfLog(candidate.table));
  if (open().length > 0 && sources.backup !== null) await askBackup(open(), sources.backup);
  if (open().length > 0 && sources.live !== null) await askServer(open(), sources.live);
  return new Map([...found].map(([key, candidate]) => [key, candidate.result]));
}

async function askBackup(candidates: readonly Candidate[], { id, path, changes }: BackupSource): Promise<void> {
  const wanted = new Set(candidates.map(({ table }) => tableKey(table)));
  try {
    const definitions = await definitionsInDump(path, wanted, `backup ${id}`);
    const since = await changes(candidates.map(({ table }) => table));
    for (const candidate of candidates) {
      const definition = definitions.get(tableKey(candidate.table));
      if (definition === undefined) candidate.note(`backup ${id} has no such table`);
      else candidate.offer(definition, since);
    }
  } catch (error) {
    if (isLastgoodError(error, 'INTERRUPTED')) throw error;
    for (const candidate of candidates) candidate.note(`backup ${id} cannot be read: ${messageOf(error)}`);
  }
}

async function askServer(candidates: readonly Candidate[], { open, changes }: LiveSource): Promise<void> {
  try {
    await using connection = await open();
    const definitions = new Map<string, TableDefinition | null>();
    for (const { table } of candidates) definitions.set(tableKey(table), await definitionOfServer(connection, table));
    const fitting = candidates.filter(({ table }) => fits(table, definitions.get(tableKey(table)) ?? null));
    // It may take its time.
    const since =
      fitting.length === 0
        ? NOTHING
        : await changes(
            fitting.map(({ table }) => table),
            connection,
          );
    for (const candidate of candidates) {
      const definition = definitions.get(tableKey(candidate.table)) ?? null;
      if (definition === null) candidate.note(notThere(connection, candidate.table));
      else candidate.offer(definition, since);
    }
  } catch (error) {
    if (isLastgoodError(error, 'INTERRUPTED')) throw error;
    for (const candidate of candidates) candidate.note(messageOf(error));
  }
}

const NOTHING: Changes = new Map();

function fits(table: MappedTable, definition: TableDefinition | null): boolean {
  return definition !== null && misfit(table, definition) === null;
}

/** information_schema leaves out what an account may not see. */
function notThere({ options: { name, user } }: ServerConnection, table: MappedTable): string {
  return `${name} has no such table any more, or user '${user}' may not see it (GRANT SELECT ON ${table.schema}.* lets it)`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** One table and the best definition so far. */
class Candidate {
  readonly table: MappedTable;
  #definition: TableDefinition | null = null;
  readonly #notes: string[] = [];

  constructor(table: MappedTable) {
    this.table = table;
  }

  /** Takes it when it fits and there is none; else only what the one in place does not know. */
  offer(definition: TableDefinition | null, changes: Changes = NOTHING): void {
    if (definition === null) return;
    const why = misfit(this.table, definition);
    const change = changes.get(tableKey(this.table));
    if (why !== null) this.note(`the definition in ${definition.from} is not that of the rows: ${why}`);
    else if (change !== undefined)
      this.note(`the definition in ${definition.from} may not be that of the rows: ${change}`);
    if (why !== null || change !== undefined) return;
    this.#definition = this.#definition === null ? definition : withGenerated(this.#definition, definition);
  }

  note(text: string): void {
    this.#notes.push(text);
  }

  /** The log does not say which columns are computed. */
  get complete(): boolean {
    return this.#definition?.columns.every(({ generated }) => generated !== null) === true;
  }

  get result(): FoundDefinition {
    const isUnsure = this.#definition !== null && !this.complete;
    const unsure = isUnsure ? ['which columns are computed is not known: statements may name too many'] : [];
    return { definition: this.#definition, notes: [...this.#notes, ...unsure] };
  }
}

function withGenerated(definition: TableDefinition, other: TableDefinition): TableDefinition {
  const generated = new Map(other.columns.map((column) => [column.name, column.generated]));
  const columns = definition.columns.map((column) => ({
    ...column,
    generated: column.generated ?? generated.get(column.name) ?? null,
  }));
  return { ...definition, columns };
}
