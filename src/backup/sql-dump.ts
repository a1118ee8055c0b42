import { appendFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { TableName } from '../binlog/group.ts';
import { findProgram, runTool } from '../platform/child-process.ts';
import { LastgoodError } from '../platform/errors.ts';
import type { WrittenFile } from '../platform/durable-file.ts';
import { throwIfAborted } from '../platform/wait.ts';
import { connect, type ServerConnection } from '../server/connection.ts';
import { optionGroup, writeOptionFile } from '../server/option-file.ts';
import type { ServerOptions } from '../server/server-options.ts';
import { ClientCharsets } from './client-charset.ts';
import { writeCompressed } from './compressed-file.ts';
import { EventDefiners } from './event-definers.ts';
import { readAsStored } from './exact-rows.ts';
import { readHeads, type Heads } from './program-heads.ts';
import { writeBrokenViews } from './views/write-broken-views.ts';
import { writeViews } from './views/write-views.ts';

/** The tool's last line; without it the dump is not whole, whatever the exit status says. */
const COMPLETE = '-- Dump completed';
/** Stands before the first schema, after the snapshot was taken. Source: client/mysqldump.c, main() of MariaDB 10.11. */
const FIRST_SCHEMA = '-- Current Database: ';

export const DUMP_PROGRAMS = ['mariadb-dump', 'mysqldump'] as const;

export interface SqlDumpOptions {
  /** In the unfinished backup's folder, where the tool's option file lies meanwhile. */
  readonly path: string;
  readonly replica: ServerOptions;
  readonly schemas: readonly string[];
  readonly views: readonly TableName[];
  /** Of these: what the server cannot read. */
  readonly brokenViews: readonly TableName[];
  /** Tables whose rows come in a file of their own: then triggers do, too. */
  readonly withoutRows: readonly TableName[];
  /** Called once, as soon as the snapshot has certainly been taken. */
  readonly onSnapshot: () => void;
  /** Bytes of SQL so far. */
  readonly onProgress: (bytes: number) => void;
  readonly signal?: AbortSignal | undefined;
}

/** One run of the tool. */
export interface DumpRun extends Pick<SqlDumpOptions, 'path' | 'replica' | 'signal'> {
  /** Options that would be too many for a command line. */
  readonly options?: readonly (readonly [string, string])[];
}

/** Source: MariaDB manual, "mariadb-dump". Nothing in the output depends on when it was made. */
export const DUMP_ARGS: readonly string[] = [
  '--single-transaction',
  '--hex-blob',
  '--default-character-set=utf8mb4',
  '--max-allowed-packet=1G',
  '--skip-dump-date',
  '--no-tablespaces',
  // A session with locked tables cannot insert into one whose default draws from a sequence: the dump would not load.
  '--skip-add-locks',
];

/**
 * Dumps whole schemas in one snapshot, compressed. Views, which the tool would make by name, come from us: broken ones first, the others
 * at the end.
 *
 * @throws LastgoodError `TOOL_MISSING`, `TOOL_FAILED`, `INTERRUPTED`
 */
export async function dumpSchemas(o: SqlDumpOptions): Promise<WrittenFile> {
  const watch = new SnapshotWatch(o.onSnapshot);
  return await writeCompressed(o.path, async (write) => {
    if (o.schemas.length === 0) {
      o.onSnapshot();
      await write(`-- The server has no schemas of users.\n${COMPLETE}\n`); // the tool wants at least one name
      return;
    }
    let bytes = 0;
    const take = async (sql: Buffer | string): Promise<void> => {
      throwIfAborted(o.signal);
      bytes += sql.length;
      o.onProgress(bytes);
      await write(sql);
    };
    await withStored(o, (connection) => writeBrokenViews(connection, o, take));
    const run = { ...o, options: [...withoutViews(o), ...withoutRows(o)] };
    await runDump(run, [...DUMP_ARGS, ...contentArgs(o), '--databases', '--', ...o.schemas], async (chunk) => {
      watch.see(chunk);
      await take(chunk);
    });
    await withStored(o, (connection) => writeViews(connection, o, take));
  });
}

async function withStored(
  { replica }: Pick<SqlDumpOptions, 'replica'>,
  read: (connection: ServerConnection) => Promise<void>,
): Promise<void> {
  await using connection = await connect(replica);
  await readAsStored(connection);
  await read(connection);
}

/** Dumps the triggers that `dumpSchemas` left out. */
export async function dumpTriggers(
  o: Pick<SqlDumpOptions, 'path' | 'replica' | 'schemas' | 'views' | 'signal'>,
): Promise<WrittenFile> {
  const args = ['--triggers', '--no-create-db', '--no-create-info', '--no-data'];
  return await writeCompressed(o.path, async (write) => {
    await runDump(
      { ...o, options: withoutViews(o) },
      [...DUMP_ARGS, ...args, '--databases', '--', ...o.schemas],
      write,
    );
  });
}

function contentArgs(o: Pick<SqlDumpOptions, 'withoutRows'>): string[] {
  return ['--routines', '--events', o.withoutRows.length === 0 ? '--triggers' : '--skip-triggers'];
}

function withoutViews({ views }: Pick<SqlDumpOptions, 'views'>): [string, string][] {
  return views.map(({ schema, table }) => ['ignore-table', `${schema}.${table}`]);
}

function withoutRows(o: Pick<SqlDumpOptions, 'withoutRows'>): [string, string][] {
  return o.withoutRows.map(({ schema, table }) => ['ignore-table-data', `${schema}.${table}`]);
}

/** Runs mariadb-dump to its end and checks that its output is whole. Events come with the definers that they have, texts as a client finds their ends. */
export async function runDump(
  { path, replica, options = [], signal }: DumpRun,
  args: readonly string[],
  take: (chunk: Buffer) => Promise<void>,
): Promise<void> {
  await using optionFile = await writeOptionFile(replica, dirname(path));
  await appendFile(optionFile.path, optionGroup('mysqldump', options));
  const definers = new EventDefiners();
  const charsets = new ClientCharsets(await headsIn(replica));
  let tail = '';
  await runTool({
    program: findProgram(DUMP_PROGRAMS),
    args: [`--defaults-file=${optionFile.path}`, ...args],
    signal,
    onOutput: async (chunk) => {
      tail = (tail + chunk.toString('latin1', Math.max(0, chunk.length - COMPLETE.length * 2))).slice(
        -COMPLETE.length * 2,
      );
      await take(charsets.push(definers.push(chunk)));
    },
  });
  await take(charsets.push(definers.end()));
  await take(charsets.end());
  if (!tail.includes(COMPLETE))
    throw new LastgoodError('TOOL_FAILED', `the dump is not whole: it does not end in '${COMPLETE}'`);
}

async function headsIn(replica: ServerOptions): Promise<Heads> {
  await using connection = await connect(replica);
  await readAsStored(connection);
  return await readHeads(connection);
}

/** The dump program's version, as it tells it. */
export async function readDumpVersion(): Promise<string> {
  const { stdout } = await runTool({ program: findProgram(DUMP_PROGRAMS), args: ['--no-defaults', '--version'] });
  return /Distrib ([^,\s]+)/.exec(stdout)?.[1] ?? stdout.trim();
}

/** Finds the marker also where two pieces of output meet. */
class SnapshotWatch {
  #onSnapshot: (() => void) | null;
  #carry = '';

  constructor(onSnapshot: () => void) {
    this.#onSnapshot = onSnapshot;
  }

  see(chunk: Buffer): void {
    if (this.#onSnapshot === null) return;
    const text = this.#carry + chunk.toString('latin1');
    this.#carry = text.slice(-FIRST_SCHEMA.length);
    if (!text.includes(FIRST_SCHEMA)) return;
    this.#onSnapshot();
    this.#onSnapshot = null;
  }
}
