import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatCoordinates, parseCoordinates } from '../../src/binlog/coordinates.ts';
import { openArchive } from '../../src/operations/open-archive.ts';
import { makePlan } from '../../src/operations/plan.ts';
import type { Plan } from '../../src/recovery/plan.ts';
import { runPlan } from '../../src/recovery/restore.ts';
import { readBinlogEnd } from '../../src/server/binary-logs.ts';
import { archiveToTheLastByte, silentLog } from '../support/archiver.ts';
import { run, setBackupScene, type BackupScene } from '../support/backup-scene.ts';
import { startMysql56 } from '../support/servers.ts';

const PARENT = [
  'CREATE TABLE p (id INT PRIMARY KEY, code INT NOT NULL UNIQUE, note VARCHAR(20))',
  'INSERT INTO p SELECT seq, seq, seq FROM ROWS_1000',
];
const TEXT = "SET SESSION binlog_format = 'STATEMENT'";
const ROW = "SET SESSION binlog_format = 'ROW'";

const child = (columns: string, actions = ''): string[] => [
  `CREATE TABLE c (${columns}, CONSTRAINT up_fk FOREIGN KEY (up) REFERENCES p (id) ${actions})`,
  `INSERT INTO c SELECT seq, seq, seq FROM ROWS_150`,
];
const KEYED = 'id INT PRIMARY KEY, up INT, v INT';
const BY_PARENT = 'up INT, n INT, v INT, PRIMARY KEY (up, n)';

interface Case {
  readonly schema: string;
  readonly setUp: readonly string[];
  /** Behind the backup, and before what is left out. */
  readonly behindBackup?: readonly string[];
  /** The first one that is logged is left out. */
  readonly steps: readonly string[];
}

/** What a foreign key did is not in the log: the last step fails without it. */
const CLASHES: readonly (Case & { readonly error: RegExp })[] = [
  {
    schema: 'text_delete',
    setUp: [...PARENT, ...child(KEYED, 'ON DELETE CASCADE')],
    steps: [TEXT, 'DELETE FROM p', ROW, 'INSERT INTO c VALUES (7, NULL, 7)'],
    error: /Duplicate entry '7'/,
  },
  {
    schema: 'text_update',
    setUp: [...PARENT, ...child(BY_PARENT, 'ON UPDATE CASCADE')],
    steps: [TEXT, 'UPDATE p SET id = id + 1000', ROW, 'DELETE FROM c WHERE up = 1005'],
    error: /Can't find record/,
  },
  {
    schema: 'rows_update',
    setUp: [...PARENT, ...child(BY_PARENT, 'ON UPDATE CASCADE')],
    steps: ['UPDATE p SET id = id + 1000', 'DELETE FROM c WHERE up = 1005'],
    error: /Can't find record/,
  },
  {
    schema: 'no_key',
    setUp: [...PARENT, ...child('up INT, n INT, v INT', 'ON DELETE SET NULL')],
    steps: ['DELETE FROM p', 'UPDATE c SET v = 9 WHERE n = 5'],
    error: /Can't find record/,
  },
  {
    schema: 'update_null',
    setUp: [...PARENT, ...child('up INT, n INT, v INT', 'ON UPDATE SET NULL')],
    steps: ['UPDATE p SET id = id + 1000', 'DELETE FROM c WHERE n = 5'],
    error: /Can't find record/,
  },
  {
    schema: 'unique_null',
    setUp: [...PARENT, ...child('id INT PRIMARY KEY, up INT UNIQUE, v INT', 'ON DELETE SET NULL')],
    steps: ['DELETE FROM p', 'SET SESSION foreign_key_checks = 0', 'INSERT INTO c VALUES (999, 5, 5)'],
    error: /Duplicate entry '5'/,
  },
  {
    schema: 'itself',
    setUp: [
      'CREATE TABLE t (id INT PRIMARY KEY, up INT, FOREIGN KEY (up) REFERENCES t (id) ON DELETE CASCADE)',
      'INSERT INTO t SELECT seq, IF(seq > 120, seq - 120, NULL) FROM ROWS_200',
    ],
    steps: ['DELETE FROM t WHERE id <= 110', 'INSERT INTO t VALUES (150, NULL)'],
    error: /Duplicate entry '150'/,
  },
  {
    schema: 'chain',
    setUp: [
      'CREATE TABLE g (id INT PRIMARY KEY)',
      'INSERT INTO g SELECT seq FROM ROWS_1000',
      ...PARENT,
      'ALTER TABLE p ADD FOREIGN KEY (code) REFERENCES g (id) ON DELETE CASCADE',
      ...child(KEYED, 'ON DELETE CASCADE'),
    ],
    steps: ['DELETE FROM g', 'INSERT INTO c VALUES (7, NULL, 7)'],
    error: /Duplicate entry '7'/,
  },
  {
    schema: 'update_chain',
    setUp: [
      ...PARENT,
      ...child(BY_PARENT, 'ON UPDATE CASCADE'),
      'CREATE TABLE d (up INT, n INT, v INT, PRIMARY KEY (up, n), FOREIGN KEY (up, n) REFERENCES c (up, n) ON UPDATE CASCADE)',
      'INSERT INTO d SELECT seq, seq, seq FROM ROWS_100',
    ],
    steps: ['UPDATE p SET id = id + 1000', 'DELETE FROM d WHERE up = 1005'],
    error: /Can't find record/,
  },
  {
    schema: 'other_key',
    setUp: [
      ...PARENT,
      'CREATE TABLE c (up INT PRIMARY KEY, v INT, FOREIGN KEY (up) REFERENCES p (code) ON UPDATE CASCADE)',
      'INSERT INTO c SELECT seq, seq FROM ROWS_150',
    ],
    steps: ['UPDATE p SET code = code + 2000', 'UPDATE c SET v = 9 WHERE up = 2005'],
    error: /Can't find record/,
  },
  {
    schema: 'replaced',
    setUp: [...PARENT, ...child(KEYED)],
    steps: ['DELETE FROM c', TEXT, "REPLACE INTO p VALUES (5, 5, 'x')", ROW],
    error: /Cannot delete or update a parent row/,
  },
  {
    schema: 'duplicate',
    setUp: [...PARENT, ...child(KEYED)],
    steps: ['DELETE FROM c', TEXT, 'INSERT INTO p VALUES (5, 5, 5) ON DUPLICATE KEY UPDATE id = 2005', ROW],
    error: /Cannot delete or update a parent row/,
  },
  {
    schema: 'text_replace',
    setUp: [
      ...PARENT,
      ...child(KEYED, 'ON DELETE CASCADE'),
      'CREATE TABLE o (id INT PRIMARY KEY)',
      'INSERT INTO o SELECT seq FROM ROWS_200',
    ],
    steps: [
      TEXT,
      'BEGIN',
      'REPLACE INTO p SELECT id, id, 1 FROM o',
      'DELETE FROM o',
      'COMMIT',
      ROW,
      'INSERT INTO c VALUES (7, NULL, 7)',
    ],
    error: /Duplicate entry '7'/,
  },
  {
    schema: 'from_itself',
    setUp: [...PARENT, ...child(KEYED, 'ON DELETE SET NULL')],
    steps: [
      'DELETE FROM p',
      TEXT,
      'INSERT INTO c SELECT id + 1000, NULL, v FROM c WHERE up IS NULL',
      ROW,
      'DELETE FROM c WHERE id = 1007',
    ],
    error: /Can't find record/,
  },
  {
    schema: 'by_view',
    setUp: [...PARENT, 'CREATE VIEW shown AS SELECT * FROM p'],
    steps: [TEXT, 'DELETE FROM shown', ROW, 'INSERT INTO p VALUES (7, 7, 7)'],
    error: /Duplicate entry '7'/,
  },
  {
    schema: 'by_trigger',
    setUp: [
      ...PARENT,
      'CREATE TABLE seen (id INT PRIMARY KEY)',
      'CREATE TRIGGER p_ad AFTER DELETE ON p FOR EACH ROW INSERT INTO seen VALUES (OLD.id)',
    ],
    steps: [TEXT, 'DELETE FROM p', ROW, 'DELETE FROM seen WHERE id = 7'],
    error: /Can't find record/,
  },
  {
    schema: 'later_key',
    behindBackup: ['ALTER TABLE c ADD FOREIGN KEY (up) REFERENCES p (id) ON DELETE CASCADE'],
    setUp: [
      ...PARENT,
      'CREATE TABLE c (id INT PRIMARY KEY, up INT, v INT)',
      'INSERT INTO c SELECT seq, seq, seq FROM ROWS_150',
    ],
    steps: [TEXT, 'DELETE FROM p', ROW, 'INSERT INTO c VALUES (7, NULL, 7)'],
    error: /Duplicate entry '7'/,
  },
];

/** Foreign keys that did nothing of that kind. */
const SAFE: readonly Case[] = [
  {
    schema: 'same_key',
    setUp: [...PARENT, ...child(BY_PARENT, 'ON UPDATE CASCADE')],
    steps: [
      "UPDATE p SET note = 'lost'",
      'UPDATE c SET v = 9 WHERE up = 5',
      'INSERT INTO c VALUES (5, 6, 7)',
      'DELETE FROM c WHERE up = 7',
    ],
  },
  {
    schema: 'null_aside',
    setUp: [...PARENT, ...child(KEYED, 'ON DELETE SET NULL')],
    steps: [
      'DELETE FROM p',
      'UPDATE c SET v = 9 WHERE id = 5',
      'INSERT INTO c VALUES (999, NULL, 7)',
      'DELETE FROM c WHERE id = 7',
    ],
  },
  {
    schema: 'restricted',
    setUp: [...PARENT, ...child(KEYED)],
    steps: [
      'DELETE FROM p WHERE id > 200',
      'UPDATE c SET v = 9 WHERE id = 5',
      'INSERT INTO c VALUES (999, 1, 7)',
      'DELETE FROM c WHERE id = 7',
    ],
  },
];

const NUMBERS = [
  'CREATE DATABASE numbers',
  'CREATE TABLE numbers.n (seq INT PRIMARY KEY)',
  `INSERT INTO numbers.n VALUES ${Array.from({ length: 1000 }, (_, index) => `(${index + 1})`).join(', ')}`,
];

describe.each(['mariadb', 'mysql'] as const)('leaving out what a foreign key went on with: %s', (flavor) => {
  let scene: BackupScene;
  const spans = new Map<string, { from: string; to: string }>();

  beforeAll(async () => {
    scene = await setBackupScene({ flavor });
    const { primary } = scene.pair;
    await using connection = await primary.connect();
    const end = async (): Promise<string> => formatCoordinates((await readBinlogEnd(connection)).coordinates);
    // The last one says REFERENCES behind the backup, after which less is known.
    const all = [...SAFE, ...CLASHES];
    await run(connection, NUMBERS);
    for (const { schema, setUp } of all) {
      const filled = setUp.map((sql) => sql.replace(/FROM ROWS_(\d+)/, 'FROM numbers.n WHERE seq <= $1'));
      await run(connection, [`CREATE DATABASE ${schema}`, `USE ${schema}`, ...filled]);
    }
    await archiveToTheLastByte(primary, scene.repository.path);
    await scene.pair.caughtUp();
    await scene.backup();
    for (const { schema, behindBackup = [], steps } of all) {
      await run(connection, [`USE ${schema}`, ...behindBackup]);
      const from = await end();
      await run(connection, [...steps, 'SET SESSION foreign_key_checks = 1']);
      spans.set(schema, { from, to: await end() });
    }
    await run(connection, ['CREATE DATABASE behind_all']);
    await archiveToTheLastByte(primary, scene.repository.path);
  });

  afterAll(async () => {
    await scene[Symbol.asyncDispose]();
  });

  async function planWithout(schema: string): Promise<Plan> {
    using archive = await openArchive(scene.repository.path, { log: silentLog });
    const { from, to } = spans.get(schema) ?? { from: '', to: '' };
    const { position } = parseCoordinates(from);
    const incident = archive.catalog.incidents().find(({ start }) => start === position);
    const target = { kind: 'before-coordinates', coordinates: to } as const;
    return await makePlan(archive, target, { skip: [incident?.id ?? `none at ${position}`] });
  }

  async function runUnseen(schema: string, plan: Plan): Promise<void> {
    const { repository, pair } = scene;
    const options = { repository, acceptConflicts: true, incident: null, reference: null, log: silentLog };
    const unseen = { ...plan, skips: [] };
    if (flavor === 'mariadb') {
      const into = { kind: 'scratch', datadir: join(pair.primary.directory, schema) } as const;
      const { target } = await runPlan({ plan: unseen, into, ...options });
      await target[Symbol.asyncDispose]();
      return;
    }
    await using server = await startMysql56({ serverId: 900 });
    const into = { kind: 'existing', server: server.serverOptions('target'), others: [] } as const;
    const { target } = await runPlan({ plan: unseen, into, ...options });
    await target[Symbol.asyncDispose]();
  }

  it.each(CLASHES)('is not called safe, and fails: $schema, $steps', async ({ schema, error }) => {
    const plan = await planWithout(schema);

    expect(plan.skips[0]?.verdict, plan.skips[0]?.why).not.toBe('safe');
    await expect(runUnseen(schema, plan)).rejects.toThrow(error);
  });

  it.each(SAFE)('is safe where it did nothing: $schema, $steps', async ({ schema }) => {
    const plan = await planWithout(schema);

    expect(plan.skips[0]).toMatchObject({ verdict: 'safe' });
    await runUnseen(schema, plan);
  });
});
