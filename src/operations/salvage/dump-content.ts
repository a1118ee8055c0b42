import { join } from 'node:path';
import { writeExactRows } from '../../backup/exact-rows.ts';
import type { TableName } from '../../binlog/group.ts';
import { DUMP_ARGS, runDump } from '../../backup/sql-dump.ts';
import type { ServerOptions } from '../../server/server-options.ts';
import type { Write } from './pour.ts';

/** What is dumped of a schema, and in what form. */
export type DumpScope =
  /** The schema itself with all that is in it; views each behind those that they read. */
  | { readonly kind: 'schema'; readonly views: readonly string[] }
  /** All tables, naming no schema, and nothing around them. */
  | { readonly kind: 'bare tables' }
  /** These, naming no schema but where a trigger's own text does: they load into the default one. Tables with their triggers, views as above. */
  | { readonly kind: 'named'; readonly tables: readonly string[]; readonly views: readonly string[] };

export interface DumpContentOptions {
  readonly server: ServerOptions;
  /** A private folder for the tool's option file. */
  readonly temporary: string;
  readonly schema: string;
  readonly scope: DumpScope;
  /** Tables that mariadb-dump would not print exactly. */
  readonly inexact: readonly TableName[];
  /** Views that the server cannot read. */
  readonly leftOut: readonly string[];
  /** Bytes of SQL so far. */
  readonly onProgress: (bytes: number) => void;
  readonly signal?: AbortSignal | undefined;
}

/** A salvage must never drop what it meets: loading stops at the first name that is taken. */
const DROPS_NOTHING = ['--skip-add-drop-table', '--skip-lock-tables'];

/**
 * Writes SQL that makes the content anew, rows to the last bit, in an order in which it loads: tables and rows, what
 * is made of text, and where rows come by themselves the triggers after them.
 *
 * @throws LastgoodError `TOOL_MISSING`, `TOOL_FAILED`, `INTERRUPTED`
 */
export async function dumpContent(o: DumpContentOptions, write: Write): Promise<void> {
  let bytes = 0;
  const take = async (chunk: Buffer | string): Promise<void> => {
    bytes += chunk.length;
    o.onProgress(bytes);
    await write(chunk);
  };
  const dump = async (args: readonly string[]): Promise<void> => {
    const source = { path: join(o.temporary, 'dump'), replica: o.server, signal: o.signal };
    await runDump(source, [...DUMP_ARGS, ...DROPS_NOTHING, ...args], take);
  };
  const rows = async (): Promise<void> => {
    if (o.inexact.length === 0) return;
    const { server, inexact: tables, signal } = o;
    const qualified = o.scope.kind !== 'named';
    await writeExactRows({ server, tables, qualified, signal, onProgress: () => undefined }, take);
  };
  const { before, after } = o.scope.kind === 'named' ? namedRuns(o, o.scope) : wholeRuns(o);
  for (const args of before) await dump(args);
  await rows();
  for (const args of after) await dump(args);
}

/** The tool's arguments of each run, before the exact rows and after them. */
interface Runs {
  readonly before: readonly (readonly string[])[];
  readonly after: readonly (readonly string[])[];
}

const ONLY_TRIGGERS = ['--triggers', '--no-create-db', '--no-create-info', '--no-data'];

function wholeRuns({ schema, scope, inexact, leftOut }: DumpContentOptions): Runs {
  const whole = scope.kind === 'schema';
  const views = whole ? scope.views : [];
  const apart = inexact.length > 0;
  const place = whole ? ['--databases', '--', schema] : ['--', schema];
  const ignored = [
    ...inexact.map(({ table }) => `--ignore-table-data=${schema}.${table}`),
    ...[...leftOut, ...views].map((name) => `--ignore-table=${schema}.${name}`),
  ];
  const more = whole ? ['--routines', '--events'] : [];
  const triggers = whole && !apart ? '--triggers' : '--skip-triggers';
  return {
    before: [[triggers, ...more, ...ignored, ...place]],
    after: [
      ...(whole && apart ? [[...ONLY_TRIGGERS, ...ignored, ...place]] : []),
      ...runOf(['--skip-triggers'], schema, views),
    ],
  };
}

/** With names the tool passes over none of them, so each kind has a run of its own. Without names it would take everything. */
function namedRuns({ schema, inexact }: DumpContentOptions, { tables, views }: NamedScope): Runs {
  const apart = inexact.map(({ table }) => table);
  const exact = tables.filter((name) => !apart.includes(name));
  const run = (args: readonly string[], names: readonly string[]): string[][] => runOf(args, schema, names);
  return {
    before: [...run(['--skip-triggers'], exact), ...run(['--skip-triggers', '--no-data'], apart)],
    after: [...run(ONLY_TRIGGERS, tables), ...run(['--skip-triggers'], views)],
  };
}

/** The tool makes views in the order of their names here. */
function runOf(args: readonly string[], schema: string, names: readonly string[]): string[][] {
  return names.length === 0 ? [] : [[...args, '--', schema, ...names]];
}

type NamedScope = Extract<DumpScope, { kind: 'named' }>;
