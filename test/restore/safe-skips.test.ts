import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compareCoordinates, formatCoordinates } from '../../src/binlog/coordinates.ts';
import type { Incident } from '../../src/incident/incident.ts';
import { conflictExplainer } from '../../src/operations/explain-conflict.ts';
import { listIncidents } from '../../src/operations/incidents.ts';
import { openArchive, type OpenArchive } from '../../src/operations/open-archive.ts';
import { makePlan } from '../../src/operations/plan.ts';
import { isLastgoodError } from '../../src/platform/errors.ts';
import type { Plan, PlanSkip } from '../../src/recovery/plan.ts';
import { runPlan } from '../../src/recovery/restore.ts';
import { readBinlogEnd } from '../../src/server/binary-logs.ts';
import type { ServerConnection } from '../../src/server/connection.ts';
import { archiveToTheLastByte, silentLog } from '../support/archiver.ts';
import { setBackupScene, type BackupScene } from '../support/backup-scene.ts';
import { seededBatches } from '../support/random.ts';
import { Chance } from '../support/chance.ts';
import { play } from '../support/random-workload/play.ts';
import { skipWorkload, tablesBelow, type SkipWorkload } from '../support/random-workload/skip-workload.ts';
import { contentDifferences, serverContent, type ServerContent } from '../support/server-content.ts';

const CASES = Number(process.env['LASTGOOD_SKIP_CASES'] ?? 30);
/** They share servers and a backup; what is safe is left out of one restore together. */
const CASES_PER_BATCH = 15;
/** Of one batch: restores that are expected to stop, or lose something. */
const DOUBTFUL_PER_BATCH = 3;
const BATCHES = seededBatches(CASES, CASES_PER_BATCH);
const ENGINES = ['applier', 'session'] as const;
type Engine = (typeof ENGINES)[number];

interface Case {
  readonly workload: SkipWorkload;
  readonly incident: Incident;
  readonly plan: Plan;
  readonly verdict: PlanSkip['verdict'];
}

describe('leaving out an incident', () => {
  it.each(BATCHES)(
    'comes to what the analysis says: $cases workloads from seed $seed (LASTGOOD_SEED repeats them)',
    async ({ seed, cases }) => {
      await using scene = await setBackupScene();
      const workloads = Array.from({ length: cases }, (_, index) => skipWorkload(seed + index));
      const { before, ends } = await playAll(scene, workloads);
      using archive = await openArchive(scene.repository.path, { log: silentLog });
      const chosen = await chooseCases(archive, workloads, ends);
      await using replica = await scene.pair.replica.connect();
      const expected = await serverContent(replica);
      const engine = ENGINES[seed % ENGINES.length] ?? 'applier';
      const safe = chosen.filter(({ verdict }) => verdict === 'safe');
      expect(safe.length, 'workloads with a safe skip').toBeGreaterThan(0);
      const run = { archive, engine, folder: scene.pair.primary.directory };

      await proveSafe(safe, { ...run, expected, before });
      const doubtful = chosen.filter(({ verdict }) => verdict !== 'safe').slice(0, DOUBTFUL_PER_BATCH);
      for (const one of doubtful) await proveDoubtful(one, run);
    },
  );
});

interface Run {
  readonly archive: OpenArchive;
  readonly engine: Engine;
  readonly folder: string;
}

interface Played {
  /** What the primary held before each DROP, by the place where it would stand in the log. */
  readonly before: ReadonlyMap<string, ServerContent>;
  /** Where each workload ends in the log. */
  readonly ends: readonly string[];
}

async function playAll(scene: BackupScene, workloads: readonly SkipWorkload[]): Promise<Played> {
  const { primary } = scene.pair;
  for (const { setUp } of workloads) await play(primary, { sessions: 1, steps: steps(setUp) });
  await archiveToTheLastByte(primary, scene.repository.path);
  await scene.pair.caughtUp();
  await scene.backup();
  const before = new Map<string, ServerContent>();
  const ends: string[] = [];
  for (const { steps: statements } of workloads) {
    await using connection = await primary.connect();
    for (const sql of statements) {
      if (DROP.test(sql)) before.set(await endOf(connection), await serverContent(connection));
      await connection.query(sql).catch(refused);
    }
    ends.push(await endOf(connection));
  }
  await play(primary, { sessions: 1, steps: steps(['CREATE DATABASE behind_all']) });
  await archiveToTheLastByte(primary, scene.repository.path);
  await scene.pair.caughtUp();
  return { before, ends };
}

const DROP = /^(?:SET STATEMENT .*)?DROP (?:TABLE|VIEW|TRIGGER|FUNCTION|PROCEDURE|EVENT)/;

function steps(statements: readonly string[]): { session: number; sql: string }[] {
  return statements.map((sql) => ({ session: 0, sql }));
}

async function endOf(connection: ServerConnection): Promise<string> {
  return formatCoordinates((await readBinlogEnd(connection)).coordinates);
}

/** What a server refuses is a part of a workload. */
function refused(error: unknown): void {
  if (!isLastgoodError(error, 'SERVER_QUERY_FAILED')) throw error;
}

/** One incident of each workload that a plan can leave out. */
async function chooseCases(
  archive: OpenArchive,
  workloads: readonly SkipWorkload[],
  ends: readonly string[],
): Promise<Case[]> {
  const incidents = listIncidents(archive).filter(({ state }) => state === 'effective');
  const cases: Case[] = [];
  for (const [index, workload] of workloads.entries()) {
    const own = incidents.filter((incident) => isOf(incident, workload));
    if (own.length === 0) continue;
    const incident = new Chance(index).pick(own);
    const target = { kind: 'before-coordinates', coordinates: ends[index] ?? '' } as const;
    const plan = await makePlan(archive, target, { skip: [incident.id] });
    const [skip] = plan.skips;
    if (skip === undefined) throw new Error(`the plan says nothing of ${incident.id}`);
    cases.push({ workload, incident, plan, verdict: skip.verdict });
  }
  return cases;
}

function isOf({ objects }: Incident, { schema }: SkipWorkload): boolean {
  return objects.some((object) => object.schema === schema || object.name?.startsWith(`u${schema.slice(1)}@`) === true);
}

/** All at once: nothing fails, and what they did not touch is as on the source. */
async function proveSafe(
  safe: readonly Case[],
  {
    archive,
    engine,
    folder,
    expected,
    before,
  }: Run & { expected: ServerContent; before: ReadonlyMap<string, ServerContent> },
): Promise<void> {
  const skip = safe.map(({ incident }) => incident.id);
  // Each alone is safe; together less is known of the definitions where the first one stands.
  const plan = { ...(await makePlan(archive, { kind: 'latest' }, { skip })), skips: [] };
  const into = { kind: 'scratch', datadir: join(folder, 'safe') } as const;
  const what = `${safe.map(({ workload, incident }) => `${workload.schema}: ${incident.statement}`).join('; ')}, ${engine}`;
  const ran = await runPlan({
    ...{ plan, repository: archive.repository, into, engine, incident: null, reference: null, log: silentLog },
    acceptConflicts: true,
    explainConflict: conflictExplainer({ repository: archive.repository, plan, log: silentLog }),
  });
  await using target = ran.target;
  expect(ran.proof.checks.filter(({ ok }) => !ok)).toEqual([]);
  const found = await serverContent(target.admin);
  const isTouched = touchedBy(safe);
  const differences = contentDifferences(asInSession(expected), asInSession(found)).filter(
    (difference) => !isTouched(difference),
  );
  expect(differences, what).toEqual([]);
  expect(keptDifferences(safe, found, before), what).toEqual([]);
}

/** An applier disables its source's events; in a session they are as the source said. */
function asInSession(content: ServerContent): ServerContent {
  const plain = (shown: string | null): string | null => shown?.replace('DISABLE ON SLAVE', 'ENABLE') ?? null;
  return Object.fromEntries(Object.entries(content).map(([name, shown]) => [name, plain(shown)]));
}

const NEW_NAMES: readonly string[] = ['moved', 'elsewhere'];

function isRenameOf(sql: string, name: string): boolean {
  return new RegExp(`\\b${name}\\b.*\\b(?:${NEW_NAMES.join('|')})\\b`).test(sql);
}

/** Of a name that differs: whether one of the incidents is about it. A table's triggers went with it, and what differs goes with it to a new name. */
function touchedBy(cases: readonly Case[]): (difference: string) => boolean {
  const names = cases.flatMap(({ incident, workload }) => {
    const own = incident.objects.map(({ name }) => name ?? '');
    const below = incident.kind.startsWith('mass-') ? own.flatMap((name) => tablesBelow(name)) : [];
    const tables = [...own, ...below];
    const isRenamed = workload.steps.some((sql) => tables.some((name) => isRenameOf(sql, name)));
    return [...tables, ...(isRenamed ? NEW_NAMES : [])].map((name) => ({ schema: workload.schema, name }));
  });
  return (difference) =>
    names.some(({ schema, name }) => {
      const isOnIt = difference.startsWith(`TRIGGER \`${schema}\``) && new RegExp(` ON \`?${name}\\b`).test(difference);
      // What refers to a renamed table names it as it is called.
      const refersToIt = NEW_NAMES.includes(name) && difference.includes(`REFERENCES \`${name}\``);
      const isReferring = refersToIt && difference.startsWith(`TABLE \`${schema}\``);
      return isOnIt || isReferring || difference.includes(` \`${schema}\`.\`${name}\`:`);
    });
}

/** What was dropped, and is not, is as it was before. */
function keptDifferences(
  cases: readonly Case[],
  found: ServerContent,
  before: ReadonlyMap<string, ServerContent>,
): string[] {
  return cases.flatMap(({ incident: { file, start, objects } }) => {
    const good = before.get(formatCoordinates({ file, position: start }));
    if (good === undefined) return [];
    const names = objects.map(({ schema, name }) => `\`${schema}\`.\`${name ?? ''}\``);
    const isOf = ([key]: [string, string | null]): boolean => names.some((name) => key.endsWith(` ${name}`));
    const own = (content: ServerContent): ServerContent => {
      const things = Object.entries(content).filter(isOf);
      return Object.fromEntries(
        things.map(([key, value]) => [key, value?.replaceAll(PLACE, '').replace('DISABLE ON SLAVE', 'ENABLE') ?? null]),
      );
    };
    return contentDifferences(own(good), own(found));
  });
}

/** What is another one in another session, or on a replica. */
const PLACE = / AUTO_INCREMENT=\d+|`s\d+`\./g;

/** It runs through, or stops at a group that is named, not before the first one that the analysis lists. */
async function proveDoubtful(
  { plan, verdict, workload, incident }: Case,
  { archive, engine, folder }: Run,
): Promise<void> {
  const { repository } = archive;
  // Without its verdict it counts as one that nobody looked at, which may be accepted.
  const unseen: Plan = { ...plan, skips: [] };
  const into = { kind: 'scratch', datadir: join(folder, `doubtful-${workload.schema}`) } as const;
  const explainConflict = conflictExplainer({ repository, plan, log: silentLog });
  const what = `seed ${workload.schema}, ${engine}, ${verdict}, ${incident.statement}, ${JSON.stringify(plan.conflicts)}`;
  let failure: unknown = null;
  try {
    const ran = await runPlan({
      ...{ plan: unseen, repository, into, engine, incident: null, reference: null, log: silentLog },
      ...{ acceptConflicts: true, explainConflict },
    });
    await ran.target[Symbol.asyncDispose]();
  } catch (error) {
    failure = error;
  }
  if (failure === null) {
    // Certain to fail, but for what a replica's applier hides by replacing what is there, and for values in wrong columns.
    const hidden = plan.conflicts.filter(({ why }) => /on a replica|wrong columns/.test(why));
    if (verdict === 'impossible') expect(hidden, what).not.toEqual([]);
    return;
  }
  expect(failure, what).toMatchObject({ code: 'TOOL_FAILED' });
  const [, file, start] = /transaction \S* ?at (\S+?):(\d+)/.exec((failure as Error).message) ?? [];
  expect(file, `${what}: ${(failure as Error).message}`).toBeDefined();
  const at = { file: file ?? '', position: Number(start) };
  const isListed = plan.conflicts.some(({ file: inFile, start: from, kind }) => {
    return kind !== 'undone' && compareCoordinates({ file: inFile, position: from }, at) <= 0;
  });
  expect(isListed, `${what}: ${(failure as Error).message}`).toBe(true);
}
