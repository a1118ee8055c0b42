import { statfs } from 'node:fs/promises';
import { formatBytes } from '../../platform/byte-size.ts';
import { LastgoodError } from '../../platform/errors.ts';
import { sourceOf } from '../../incident/dialect.ts';
import { describeServer, type ServerConnection } from '../../server/connection.ts';
import { isSystemSchema } from '../../server/facts.ts';
import { unfitLog } from './live-log.ts';
import type { SchemaContent } from './schema-content.ts';

export interface FitnessOptions {
  readonly content: SchemaContent;
  /** Of the server that the content was restored in. */
  readonly scratch: { readonly version: string; readonly lowerCaseTableNames: number };
  readonly as: string;
}

interface LiveServer {
  readonly readOnly: string;
  readonly lowerCase: string | number;
  readonly datadir: string;
}

/** Refuses a live server that could not hold the content as it was. @throws LastgoodError `PREFLIGHT_FAILED` with everything that does not fit */
export async function requireFit(live: ServerConnection, o: FitnessOptions): Promise<void> {
  const unfit = [
    ...(await unfitServer(live, o)),
    ...(await unknownThere(live, o.content)),
    ...(await unfitLog(live, o.as, o.content)),
  ];
  if (unfit.length > 0) throw unfitError(live, unfit);
}

/** What can be said before anything is restored. @throws LastgoodError `PREFLIGHT_FAILED` */
export async function requireWritable(live: ServerConnection, as: string): Promise<void> {
  if (live.flavor !== 'mariadb') throw unfitError(live, ['it is not MariaDB']);
  const { readOnly } = await readServer(live);
  if (readOnly !== '0')
    throw unfitError(live, ['it is read-only: write to its primary, and it gets the salvage from there']);
  const unfit = [...unfitName(as), ...(await unfitLog(live, as, null))];
  if (unfit.length > 0) throw unfitError(live, unfit);
}

/** Source: MariaDB manual, "Identifier Names". The server would say so itself, hours later. */
function unfitName(as: string): string[] {
  if (isSystemSchema(as)) return [`its schema ${as} is its own`];
  return as.length > 64 || as.endsWith(' ') ? [`it takes no schema of the name '${as}'`] : [];
}

async function unfitServer(live: ServerConnection, { content, scratch, as }: FitnessOptions): Promise<string[]> {
  const server = await readServer(live);
  const release = (version: string): number =>
    Math.floor(sourceOf({ flavor: 'mariadb', serverVersion: version }).version / 100);
  const folds = Number(server.lowerCase) !== 0;
  const names = [as, ...content.tables.map(({ name }) => name), ...content.views];
  const needed = 2 * content.tables.reduce((sum, { bytes }) => sum + bytes, 0);
  const free = await freeBytes(live, server.datadir);
  return [
    ...(release(live.version) < release(scratch.version)
      ? [`its version ${live.version} is older than ${scratch.version}, which the content was restored in`]
      : []),
    ...(folds !== (scratch.lowerCaseTableNames !== 0) && names.some((name) => name !== name.toLowerCase())
      ? [
          `its lower_case_table_names is ${server.lowerCase} instead of ${scratch.lowerCaseTableNames}, and names have capitals`,
        ]
      : []),
    // Tables, and once more as much in its binary log.
    ...(free !== null && free < needed
      ? [`its disk has ${formatBytes(free)} free, and ${formatBytes(needed)} are needed`]
      : []),
  ];
}

/** Engines and collations that it does not have. */
async function unknownThere(live: ServerConnection, content: SchemaContent): Promise<string[]> {
  const engines = await live.query<{ name: string }>(
    "SELECT ENGINE AS name FROM information_schema.ENGINES WHERE SUPPORT IN ('YES', 'DEFAULT')",
  );
  const collations = await live.query<{ name: string }>(
    `SELECT COLLATION_NAME AS name FROM information_schema.COLLATIONS
     UNION SELECT FULL_COLLATION_NAME FROM information_schema.COLLATION_CHARACTER_SET_APPLICABILITY`,
  );
  const wanted = {
    engine: content.tables.flatMap(({ engine, type }) => (type === 'sequence' || engine === '' ? [] : [engine])),
    collation: [content.collation, ...content.tables.flatMap(({ collation }) => collation ?? [])],
  };
  const missing = (names: readonly string[], has: readonly { name: string }[], kind: string): string[] => {
    const known = new Set(has.map(({ name }) => name.toLowerCase()));
    return [...new Set(names)]
      .filter((name) => !known.has(name.toLowerCase()))
      .map((name) => `it has no ${kind} ${name}`);
  };
  return [...missing(wanted.engine, engines, 'engine'), ...missing(wanted.collation, collations, 'collation')];
}

async function readServer(live: ServerConnection): Promise<LiveServer> {
  const [row] = await live.query<{ readOnly: string | number; lowerCase: string | number; datadir: string }>(
    `SELECT @@GLOBAL.read_only AS readOnly, @@GLOBAL.lower_case_table_names AS lowerCase, @@GLOBAL.datadir AS datadir`,
  );
  return {
    readOnly: String(row?.readOnly ?? '0'),
    lowerCase: row?.lowerCase ?? 0,
    datadir: row?.datadir ?? '',
  };
}

/** null: it cannot be known from here. Behind a socket the server is on this machine. */
async function freeBytes({ options }: ServerConnection, datadir: string): Promise<number | null> {
  if (options.socket === undefined) return null;
  return await statfs(datadir).then(
    ({ bavail, bsize }) => bavail * bsize,
    () => null,
  );
}

function unfitError(live: ServerConnection, unfit: readonly string[]): LastgoodError {
  return new LastgoodError(
    'PREFLIGHT_FAILED',
    `the ${describeServer(live.options)} cannot take the salvage: ${unfit.join('; ')}`,
    { hint: 'Nothing was written there. Salvage with --out FILE, and load the file where it fits.' },
  );
}
