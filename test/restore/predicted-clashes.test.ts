import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatCoordinates, parseCoordinates } from '../../src/binlog/coordinates.ts';
import { openArchive } from '../../src/operations/open-archive.ts';
import { makePlan } from '../../src/operations/plan.ts';
import { runPlan } from '../../src/recovery/restore.ts';
import { readBinlogEnd } from '../../src/server/binary-logs.ts';
import { archiveToTheLastByte, silentLog } from '../support/archiver.ts';
import { run, setBackupScene, type BackupScene } from '../support/backup-scene.ts';

const FILL = 'INSERT INTO t (v, w) SELECT seq, seq FROM seq_1_to_200';
const PARENTS = ['CREATE TABLE p (id INT PRIMARY KEY, g INT)', 'INSERT INTO p SELECT seq, seq FROM seq_1_to_200'];
const FAMILY = [
  ...PARENTS,
  'CREATE TABLE c (id INT PRIMARY KEY, up INT, CONSTRAINT cfk FOREIGN KEY (up) REFERENCES p (id))',
  'INSERT INTO c SELECT seq, seq FROM seq_1_to_150',
];

interface Clash {
  readonly schema: string;
  readonly setUp: readonly string[];
  /** The first one is left out; the last one fails without it. */
  readonly steps: readonly string[];
  readonly error: RegExp;
}

/** Found by hostile reading: each was called safe once. */
const CLASHES: readonly Clash[] = [
  {
    schema: 'no_key',
    setUp: ['CREATE TABLE t (a INT, v VARCHAR(20), w INT)', 'INSERT INTO t SELECT seq, seq, seq FROM seq_1_to_200'],
    steps: ['ALTER TABLE t DROP COLUMN w', 'UPDATE t SET v = 7 WHERE a = 3'],
    error: /Can't find record/,
  },
  {
    schema: 'unique_column',
    setUp: ['CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, v INT, w INT NOT NULL UNIQUE)', FILL],
    steps: ['ALTER TABLE t DROP COLUMN w', 'INSERT INTO t (v) VALUES (1), (2)'],
    error: /Duplicate entry '0' for key 'w'/,
  },
  {
    schema: 'index_name',
    setUp: ['CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, v INT, w INT, KEY by_w (w))', FILL],
    steps: ['ALTER TABLE t DROP COLUMN w', 'CREATE INDEX by_w ON t (v)'],
    error: /Duplicate key name 'by_w'/,
  },
  {
    schema: 'own_key',
    setUp: [
      'CREATE TABLE t (id INT PRIMARY KEY, boss INT, FOREIGN KEY (boss) REFERENCES t (id))',
      'INSERT INTO t VALUES (1, NULL)',
      'INSERT INTO t SELECT seq + 1, 1 FROM seq_1_to_200',
    ],
    steps: ['DELETE FROM t WHERE boss = 1', 'DELETE FROM t WHERE id = 1'],
    error: /Cannot delete or update a parent row/,
  },
  {
    schema: 'chain',
    setUp: [
      'CREATE TABLE g (id INT PRIMARY KEY)',
      'INSERT INTO g SELECT seq FROM seq_1_to_200',
      ...FAMILY,
      'ALTER TABLE p ADD FOREIGN KEY (g) REFERENCES g (id) ON DELETE CASCADE',
    ],
    steps: ['DELETE FROM c', 'DELETE FROM g WHERE id = 5'],
    error: /Cannot delete or update a parent row/,
  },
  {
    schema: 'kept_key',
    setUp: FAMILY,
    steps: ['ALTER TABLE c DROP FOREIGN KEY cfk, DROP COLUMN id', 'DELETE FROM p WHERE id = 5'],
    error: /Cannot delete or update a parent row/,
  },
  {
    schema: 'trigger_name',
    setUp: [
      'CREATE TABLE t (i INT)',
      'CREATE TABLE a (i INT)',
      'CREATE TRIGGER tr AFTER INSERT ON t FOR EACH ROW SET @x = 1',
    ],
    steps: ['DROP TABLE t', 'CREATE TRIGGER tr AFTER INSERT ON a FOR EACH ROW SET @x = 1'],
    error: /Trigger .* already exists/,
  },
  {
    schema: 'key_name',
    setUp: FAMILY,
    steps: [
      'DROP TABLE c',
      'CREATE TABLE d (id INT PRIMARY KEY, up INT, CONSTRAINT cfk FOREIGN KEY (up) REFERENCES p (id))',
    ],
    error: /errno: 121/,
  },
  {
    schema: 'account',
    setUp: ['CREATE USER bob'],
    steps: ['DROP USER bob', "CREATE USER bob@'%'"],
    error: /Operation CREATE USER failed/,
  },
  {
    schema: 'parent_form',
    setUp: FAMILY,
    steps: ['DROP TABLE c', 'ALTER TABLE p MODIFY id BIGINT'],
    error: /used in a foreign key constraint/,
  },
  {
    schema: 'charset',
    setUp: ['CREATE TABLE u (i INT)', 'ALTER DATABASE charset CHARACTER SET latin1'],
    steps: [
      'DROP DATABASE charset',
      'CREATE DATABASE IF NOT EXISTS charset CHARACTER SET utf8mb4',
      'CREATE TABLE charset.n (c CHAR(10))',
      "INSERT INTO charset.n VALUES ('a')",
    ],
    error: /cannot be converted/,
  },
  {
    schema: 'changed',
    setUp: [
      'CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, v INT, w INT)',
      'INSERT INTO t (v) SELECT NULL FROM seq_1_to_200',
    ],
    steps: ['DELETE FROM t', 'ALTER TABLE t CHANGE v v INT NOT NULL'],
    error: /Data truncated/,
  },
];

let scene: BackupScene;
const spans = new Map<string, { from: string; to: string }>();

beforeAll(async () => {
  scene = await setBackupScene();
  const { primary } = scene.pair;
  await using connection = await primary.connect();
  const end = async (): Promise<string> => formatCoordinates((await readBinlogEnd(connection)).coordinates);
  for (const { schema, setUp } of CLASHES)
    await run(connection, [`CREATE DATABASE ${schema}`, `USE ${schema}`, ...setUp]);
  await archiveToTheLastByte(primary, scene.repository.path);
  await scene.pair.caughtUp();
  await scene.backup();
  for (const { schema, steps } of CLASHES) {
    const from = await end();
    await run(connection, [`USE ${schema}`, ...steps]);
    spans.set(schema, { from, to: await end() });
  }
  await run(connection, ['CREATE DATABASE behind_all']);
  await archiveToTheLastByte(primary, scene.repository.path);
});

afterAll(async () => {
  await scene[Symbol.asyncDispose]();
});

describe('a clash that is predicted', () => {
  it.each(CLASHES)('comes: $schema, $steps', async ({ schema, error }) => {
    const { repository, pair } = scene;
    using archive = await openArchive(repository.path, { log: silentLog });
    const { from, to } = spans.get(schema) ?? { from: '', to: '' };
    const { position } = parseCoordinates(from);
    const incident = archive.catalog.incidents().find(({ start }) => start === position);
    const plan = await makePlan(
      archive,
      { kind: 'before-coordinates', coordinates: to },
      { skip: [incident?.id ?? 'none'] },
    );

    expect(plan.skips[0]?.verdict).not.toBe('safe');
    const into = { kind: 'scratch', datadir: join(pair.primary.directory, schema) } as const;
    const unseen = { ...plan, skips: [] };
    const options = { into, repository, acceptConflicts: true, incident: null, reference: null, log: silentLog };
    await expect(runPlan({ plan: unseen, ...options })).rejects.toThrow(error);
  });
});
