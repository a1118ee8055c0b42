import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openArchive } from '../../src/operations/open-archive.ts';
import { makePlan } from '../../src/operations/plan.ts';
import { chooseNarrow } from '../../src/operations/salvage/narrow/choose.ts';
import { surveyPlan } from '../../src/operations/salvage/narrow/survey.ts';
import { runPlan, type RunPlanOptions } from '../../src/recovery/restore.ts';
import { archiveToTheLastByte, silentLog } from '../support/archiver.ts';
import { run, setBackupScene } from '../support/backup-scene.ts';
import { Chance } from '../support/chance.ts';
import { finishPrepared, play } from '../support/random-workload/play.ts';
import { randomWorkload } from '../support/random-workload/workload.ts';
import { chooseSeed } from '../support/random.ts';
import { contentDifferences, serverContent, type ServerContent } from '../support/server-content.ts';

const SCHEMAS = ['wa', 'wb', 'wc', 'wd', 'we'];
const ROUNDS = Number(process.env['LASTGOOD_FILTER_ROUNDS'] ?? 2);

/** What ties schemas to each other, each a little story of its own. `a` and `b` are their names. */
const TIES: readonly ((a: string, b: string) => string[])[] = [
  // Deleting parents deletes children of another schema, and the log has nothing of it.
  (a, b) => [
    `CREATE TABLE ${a}.tie_parent (id INT PRIMARY KEY)`,
    `CREATE TABLE ${b}.tie_child (id INT, FOREIGN KEY (id) REFERENCES ${a}.tie_parent (id) ON DELETE CASCADE)`,
    `INSERT INTO ${a}.tie_parent VALUES (1), (2)`,
    `INSERT INTO ${b}.tie_child VALUES (1), (1), (2)`,
    `DELETE FROM ${a}.tie_parent WHERE id = 1`,
  ],
  // In text form the other schema's rows come from a trigger that the log does not name.
  (a, b) => [
    `CREATE TABLE ${a}.tie_from (id INT)`,
    `CREATE TABLE ${b}.tie_to (id INT)`,
    `CREATE TRIGGER ${a}.tie AFTER INSERT ON ${a}.tie_from FOR EACH ROW INSERT INTO ${b}.tie_to VALUES (NEW.id)`,
    "SET SESSION binlog_format = 'STATEMENT'",
    `INSERT INTO ${a}.tie_from VALUES (1), (2)`,
    "SET SESSION binlog_format = 'ROW'",
    `INSERT INTO ${a}.tie_from VALUES (3)`,
  ],
  (a, b) => [
    `CREATE TABLE ${a}.tie_moved (id INT)`,
    `INSERT INTO ${a}.tie_moved VALUES (5)`,
    `RENAME TABLE ${a}.tie_moved TO ${b}.tie_moved`,
    `CREATE VIEW ${a}.tie_view AS SELECT * FROM ${b}.tie_moved`,
  ],
  // Views that are broken are made before all else, in places of what they read.
  (a, b) => [
    `CREATE TABLE ${b}.tie_gone (id INT)`,
    `CREATE VIEW ${b}.tie_broken AS SELECT id FROM ${b}.tie_gone`,
    `CREATE VIEW ${a}.tie_broken AS SELECT id FROM ${b}.tie_broken`,
    `DROP TABLE ${b}.tie_gone`,
  ],
];

/** Of one schema only. */
function ofSchemas(content: ServerContent, schemas: readonly string[]): ServerContent {
  return Object.fromEntries(
    Object.entries(content).filter(([name]) =>
      schemas.some((schema) => name === schema || name.includes(` \`${schema}\`.`)),
    ),
  );
}

describe('a restore of only what a schema needs', () => {
  const first = chooseSeed();
  it.each(Array.from({ length: ROUNDS }, (_, round) => first + round))(
    'has it as a whole restore does: random work in five schemas, some of them tied, from seed %i (LASTGOOD_SEED repeats it)',
    async (seed) => {
      const chance = new Chance(seed);
      await using scene = await setBackupScene({ mode: 'position' });
      const { primary } = scene.pair;
      const loadFile = join(primary.directory, 'lines.csv');
      await writeFile(loadFile, '1,one\n2,two\n', { mode: 0o644 });
      await using connection = await primary.connect();
      const work = async (schema: string): Promise<void> => {
        await play(primary, randomWorkload(chance.int(1e9), { schema, loadFile }));
        await finishPrepared(primary);
      };
      for (const schema of SCHEMAS.slice(0, 4)) await work(schema);
      await run(connection, TIES[chance.int(TIES.length)]?.('wa', 'wb') ?? []);
      await scene.pair.caughtUp();
      await archiveToTheLastByte(primary, scene.repository.path);
      await scene.backup();
      for (const schema of SCHEMAS) await work(schema);
      await run(
        connection,
        (TIES[chance.int(TIES.length)]?.('wc', 'we') ?? []).map((sql) => sql.replaceAll('tie', 'late')),
      );
      await archiveToTheLastByte(primary, scene.repository.path);

      using archive = await openArchive(scene.repository.path, { log: silentLog });
      const plan = await makePlan(archive, { kind: 'latest' });
      const { repository } = archive;
      const restored = async (
        name: string,
        part: Pick<RunPlanOptions, 'plan' | 'narrowing'>,
      ): Promise<ServerContent> => {
        const into = { kind: 'scratch', datadir: join(primary.directory, name) } as const;
        const ran = await runPlan({ repository, into, incident: null, reference: null, log: silentLog, ...part });
        await using target = ran.target;
        expect(ran.proof.checks.filter(({ ok }) => !ok)).toEqual([]);
        return await serverContent(target.admin);
      };
      const whole = await restored('whole', { plan });
      const outcomes: string[] = [];
      for (const schema of SCHEMAS) {
        const narrow = chooseNarrow(plan, await surveyPlan(plan, { repository, wanted: schema }), schema);
        if (typeof narrow === 'string') {
          outcomes.push(`${schema}: everything, ${narrow}`);
          continue;
        }
        const { narrowing } = narrow;
        const schemas = SCHEMAS.filter((one) => narrowing.schemas.has(one));
        const part = await restored(`only-${schema}`, narrow);
        const differences = contentDifferences(ofSchemas(whole, schemas), part);
        expect(differences, `${schema} of seed ${seed}, restored with ${schemas.join(', ')}`).toEqual([]);
        outcomes.push(`${schema}: with ${schemas.join(', ')}, without ${narrow.groups} of ${plan.groups} groups`);
      }
      expect(
        outcomes.filter((outcome) => outcome.includes('without')),
        outcomes.join('; '),
      ).not.toEqual([]);
    },
  );
});
