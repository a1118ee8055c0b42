import { join } from 'node:path';
import { openArchive, type OpenArchive } from '../../src/operations/open-archive.ts';
import { makePlan } from '../../src/operations/plan.ts';
import { restore, type RestoreOptions, type RestoreResult } from '../../src/operations/restore.ts';
import { serveArchive, type ServedArchive } from '../../src/operations/serve-archive.ts';
import type { Plan } from '../../src/recovery/plan.ts';
import { archiveUntilCurrent, silentLog } from './archiver.ts';
import { run, setBackupScene } from './backup-scene.ts';

const SCHEMAS = [
  'anew',
  'ensured',
  'gone',
  'cut',
  'emptied',
  'behind',
  'inside',
  'updated',
  'text',
  'moved',
  'mixed',
  'family',
  'packed',
  'letters',
  'computed',
];
const TABLE = 't (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(20), n INT NOT NULL DEFAULT 0, w INT)';

/** Tables that some schemas have beside it. */
const OTHERS: Readonly<Record<string, string>> = {
  mixed: 'CREATE TABLE mixed.u (id INT PRIMARY KEY, t_id INT)',
  family: 'CREATE TABLE family.u (id INT PRIMARY KEY, t_id INT, FOREIGN KEY (t_id) REFERENCES t (id))',
  letters:
    "CREATE TABLE letters.u (id INT PRIMARY KEY, c CHAR(8) CHARACTER SET cp1251 UNIQUE) SELECT 1 AS id, 'жзи' AS c",
  computed: 'CREATE TABLE computed.u (id INT PRIMARY KEY, g INT AS (id % 100) VIRTUAL UNIQUE) SELECT 1 AS id',
};

/** What is skipped in each schema, and what comes behind it: a row of the table each. */
const STEPS: Readonly<Record<string, readonly string[]>> = {
  anew: ['DROP DATABASE anew', 'CREATE DATABASE anew', `CREATE TABLE anew.${TABLE}`],
  ensured: [
    'DROP DATABASE ensured',
    'CREATE DATABASE IF NOT EXISTS ensured',
    `CREATE TABLE IF NOT EXISTS ensured.${TABLE}`,
    "INSERT INTO ensured.t (id, v) VALUES (1, 'new')",
  ],
  gone: ['DROP DATABASE gone'],
  cut: ['TRUNCATE cut.t', "INSERT INTO cut.t (v) VALUES ('new')"],
  emptied: ['DELETE FROM emptied.t', "INSERT INTO emptied.t (id, v) VALUES (7, 'new')"],
  behind: [
    'ALTER TABLE behind.t DROP COLUMN w',
    "INSERT INTO behind.t (id, v) VALUES (1001, 'new')",
    'UPDATE behind.t SET n = 5 WHERE id = 3',
  ],
  inside: ['ALTER TABLE inside.t DROP COLUMN n', "INSERT INTO inside.t (id, v, w) VALUES (1001, 'new', 77)"],
  updated: [
    "UPDATE updated.t SET v = 'lost'",
    'UPDATE updated.t SET n = 5 WHERE id = 3',
    'DELETE FROM updated.t WHERE id = 4',
  ],
  text: [
    "SET SESSION binlog_format = 'STATEMENT'",
    "UPDATE text.t SET v = 'lost'",
    "UPDATE text.t SET n = 5 WHERE v = 'lost'",
    "SET SESSION binlog_format = 'ROW'",
  ],
  mixed: [
    'BEGIN',
    'DELETE FROM mixed.t',
    'INSERT INTO mixed.u VALUES (1, NULL)',
    'COMMIT',
    'UPDATE mixed.u SET t_id = 5 WHERE id = 1',
  ],
  family: ['DROP TABLE family.u', 'DELETE FROM family.t WHERE id = 1'],
  packed: [
    'SET GLOBAL log_bin_compress = ON',
    'SET GLOBAL log_bin_compress_min_len = 10',
    'DELETE FROM packed.t',
    "INSERT INTO packed.t (id, v) VALUES (7, REPEAT('new', 5))",
    'SET GLOBAL log_bin_compress = OFF',
  ],
  letters: [
    ...['BEGIN', 'DELETE FROM letters.t', 'DELETE FROM letters.u', 'COMMIT'],
    "INSERT INTO letters.u VALUES (2, 'ЖЗИ ')",
  ],
  computed: [
    ...['BEGIN', 'DELETE FROM computed.t', 'DELETE FROM computed.u', 'COMMIT'],
    'INSERT INTO computed.u (id) VALUES (101)',
  ],
  moved: ['RENAME TABLE moved.t TO moved.u', "INSERT INTO moved.u (id, v) VALUES (1001, 'new')"],
};

/** An archive with one incident in each of some schemas, and what followed it, behind a backup. */
export interface SkipScene extends AsyncDisposable {
  /** To the archive's end, without the first incident of each of these schemas. */
  planWithout(...schemas: readonly string[]): Promise<Plan>;
  /** Serves the same log from its beginning on, until it is ready: what comes of it, or the error. */
  serveWithout(schema: string, options?: { acceptConflicts: boolean }): Promise<ServedArchive>;
  /** Runs it into a new server, whose folder has this name. */
  restoreTo(name: string, plan: Plan, options?: Partial<RestoreOptions>): Promise<RestoreResult>;
  /** Runs a plan without this schema's incident as if nobody had looked at what comes of it: the error, or null. */
  errorWithout(schema: string, options?: Partial<RestoreOptions>): Promise<string | null>;
}

export async function setSkipScene(): Promise<SkipScene> {
  const scene = await setBackupScene();
  const { primary } = scene.pair;
  const { path } = scene.repository;
  await using connection = await primary.connect();
  for (const schema of SCHEMAS) {
    await run(connection, [
      `CREATE DATABASE ${schema}`,
      `CREATE TABLE ${schema}.${TABLE}`,
      `INSERT INTO ${schema}.t (v, w) SELECT CONCAT('v', seq), seq FROM ${schema}.seq_1_to_1000`,
      ...(OTHERS[schema] === undefined ? [] : [OTHERS[schema]]),
    ]);
  }
  await archiveUntilCurrent(primary, path);
  await scene.pair.caughtUp();
  await scene.backup();
  for (const schema of SCHEMAS) await run(connection, STEPS[schema] ?? []);
  await archiveUntilCurrent(primary, path);

  const idOf = ({ catalog }: OpenArchive, schema: string): string => {
    const found = catalog.incidents().find(({ objects }) => objects.some((object) => object.schema === schema));
    if (found === undefined) throw new Error(`nothing was destroyed in ${schema}`);
    return found.id;
  };
  const planWithout = async (...schemas: readonly string[]): Promise<Plan> => {
    using archive = await openArchive(path, { log: silentLog });
    return await makePlan(archive, { kind: 'latest' }, { skip: schemas.map((schema) => idOf(archive, schema)) });
  };
  const serveWithout: SkipScene['serveWithout'] = async (schema, options = { acceptConflicts: false }) => {
    using archive = await openArchive(path, { log: silentLog });
    const stop = new AbortController();
    const [lineage] = await archive.repository.lineages();
    const aim = {
      name: lineage?.name ?? '',
      target: { kind: 'latest' },
      skip: [idOf(archive, schema)],
      from: null,
    } as const;
    const server = { ...aim, ...options, password: null, tls: null, log: silentLog, signal: stop.signal };
    return await new Promise((resolve, reject) => {
      const onReady = (served: ServedArchive): void => {
        stop.abort();
        resolve(served);
      };
      serveArchive(archive, server, onReady).catch(reject);
    });
  };
  const restoreTo: SkipScene['restoreTo'] = async (name, plan, options = {}) => {
    using archive = await openArchive(path, { log: silentLog });
    const into = { kind: 'scratch', datadir: join(primary.directory, name), port: 0 } as const;
    return await restore(archive, { plan, into, acceptConflicts: true, log: silentLog, ...options });
  };
  return {
    ...{ planWithout, serveWithout, restoreTo },
    errorWithout: async (schema, options) => {
      const plan = { ...(await planWithout(schema)), skips: [] };
      return await restoreTo(`without-${schema}`, plan, options).then(
        ({ server }) => {
          process.kill(server.pid ?? 0, 'SIGTERM');
          return null;
        },
        (error: unknown) => (error instanceof Error ? error.message : String(error)),
      );
    },
    [Symbol.asyncDispose]: async () => {
      await scene[Symbol.asyncDispose]();
    },
  };
}
