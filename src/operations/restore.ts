import { resolve } from 'node:path';
import { refuseInside } from '../archive/outside-repository.ts';
import type { Incident } from '../incident/incident.ts';
import { LastgoodError } from '../platform/errors.ts';
import type { Logger } from '../platform/logger.ts';
import type { Appliers } from '../recovery/appliers.ts';
import type { Plan } from '../recovery/plan.ts';
import { describeFailure, type Proof } from '../recovery/proof.ts';
import type { ReplayEngine, RestoreProgress } from '../recovery/restore-phases.ts';
import type { BorrowedSetting, HandedOver, RestoreInto } from '../recovery/restore-target.ts';
import { runPlan } from '../recovery/restore.ts';
import type { Resumed } from '../recovery/resume.ts';
import type { RanPlan, RestoreSeconds } from '../recovery/run-phases.ts';
import { conflictExplainer } from './explain-conflict.ts';
import { handOverOf, type HandOver, type PrimaryPlace } from './hand-over.ts';
import type { OpenArchive } from './open-archive.ts';
import { readBehindCut } from './report/left-behind-cut.ts';
import { writeReport, type ReportPaths } from './report/write-report.ts';
import { recordRestore } from './restore-record.ts';
import { tellAnyway } from './tell-anyway.ts';

/** What is done with a restored server, and told of it. */
export interface FinishOptions {
  /** Leave a new server stopped. */
  readonly stop?: boolean | undefined;
  /** A folder for the report; a new server's own when not given. */
  readonly report?: string | undefined;
  /** For the commands that make the restored server its replica. */
  readonly primary?: PrimaryPlace | undefined;
  readonly log: Logger;
}

export interface RestoreOptions extends FinishOptions {
  /** As `makePlan` gave it: the plan that was shown is the one that runs. */
  readonly plan: Plan;
  readonly into: RestoreInto;
  /** The target's own applier when not given. */
  readonly engine?: ReplayEngine | undefined;
  /** Run also a plan whose skipped groups may clash with later ones. */
  readonly acceptConflicts?: boolean | undefined;
  /** XA transactions that were prepared at the cut stay prepared. */
  readonly keepPrepared?: boolean | undefined;
  /** Which an existing server's appliers share with us; those that this process may use when not given. */
  readonly cores?: number | undefined;
  readonly progress?: ((progress: RestoreProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What a restore came to, whatever it was for. */
export interface Restored {
  readonly plan: Plan;
  readonly server: HandedOver;
  readonly proof: Proof;
  readonly seconds: RestoreSeconds;
  /** null where a session replayed. */
  readonly appliers: Appliers | null;
  /** Of the restored server; the plan has its own. */
  readonly warnings: readonly string[];
}

/** The JSON contract's restore. */
export interface RestoreResult extends Restored {
  /** Of an existing server: what was set for the restore, and is again what it was. */
  readonly borrowed: readonly BorrowedSetting[];
  /** How to let it take the primary's place, or follow it: nothing of it was done. */
  readonly handOver: HandOver;
  /** null for an existing server, unless a folder was named. */
  readonly report: ReportPaths | null;
  /** What an earlier run had done; null when this one began. */
  readonly resumed: Resumed | null;
}

type Archive = Pick<OpenArchive, 'repository' | 'catalog'>;

/**
 * Restores to a new or an existing server and hands it over once proven; a new one runs then unless told to leave it
 * stopped. A server whose proof fails is kept, a new one stopped, and its note says why; one that is proven but cannot
 * be handed over is kept too, and one whose server ended by itself, to be resumed. On any other error nothing is left of a new
 * server.
 *
 * @throws LastgoodError `USAGE` for a folder inside the repository, `PROOF_FAILED`, `TOOL_FAILED` with the start command when it is proven, and what `runPlan` throws
 */
export async function restore(archive: Archive, options: RestoreOptions): Promise<RestoreResult> {
  const { plan, log, signal } = options;
  const { repository } = archive;
  const into = await settleFolder(options.into, repository.path);
  const incident = incidentOf(archive, plan);
  const startedAt = new Date();
  const explainConflict = conflictExplainer({ repository, plan, log, signal });
  const ran = await runPlan({ ...options, repository, into, incident, reference: null, explainConflict });
  await using _target = ran.target;
  const run = { plan, incident, startedAt, ran, resumed: null };
  // Estimates are of the usual way: a new server, and its own applier.
  return await finishRestore(
    archive,
    { ...run, isUsual: into.kind === 'scratch' && options.engine !== 'session' },
    options,
  );
}

/** What a plan's target is named after. */
export function incidentOf({ catalog }: Archive, { target }: Plan): Incident | null {
  return target.kind === 'before-incident' ? catalog.incident(target.incident) : null;
}

/** A plan that ran to its end. */
export interface FinishedRun {
  readonly plan: Plan;
  readonly incident: Incident | null;
  readonly startedAt: Date;
  readonly ran: RanPlan;
  readonly resumed: Resumed | null;
  /** Its times serve estimates. */
  readonly isUsual: boolean;
}

/** Hands a proven server over, and keeps one that is not proven; both with a report. Throws as `restore` does. */
export async function finishRestore(
  archive: Archive,
  run: FinishedRun,
  options: FinishOptions,
): Promise<RestoreResult> {
  const { plan, ran, resumed } = run;
  const { target, proof, seconds, appliers, warnings } = ran;
  const { borrowed } = target;
  if (!proof.ok) return await refuse(archive, run, options);
  await ran.note('proven', { plan, proof, seconds, appliers, warnings }).catch(async (error: unknown) => {
    throw await target.abandon(error);
  });
  if (run.isUsual) await recordRestore(archive.repository, { startedAt: run.startedAt, plan, ran, log: options.log });
  const server = await target.handOver({ stop: options.stop === true });
  const restored = { plan, server, proof, seconds, appliers, warnings };
  const handOver = handOverOf(plan, server, options.primary ?? {});
  const report = await tellAnyway(NO_REPORT, options.log, () => tell(archive, { run, restored, handOver }, options));
  const told = { ...restored, warnings: [...warnings, ...report.warnings] };
  const result = { ...told, borrowed, handOver, report: report.told, resumed };
  const still = `the restore is handed over, and ${target.notePath} does not say so`;
  const noted = await tellAnyway(still, options.log, () => ran.note('done', result));
  return { ...result, warnings: [...result.warnings, ...noted.warnings] };
}

/** Beside the note of a new server; an existing one is somebody's, and may be on another machine. */
async function tell(
  archive: Archive,
  { run, restored, handOver }: { run: FinishedRun; restored: Restored; handOver: HandOver | null },
  { report }: FinishOptions,
): Promise<ReportPaths | null> {
  const own = restored.server.kind === 'scratch' ? restored.server.datadir : null;
  const folder = report === undefined ? own : resolve(report);
  if (folder === null) return null;
  return await writeReport(
    { folder, name: 'restore-report' },
    {
      ...restored,
      ...{ kind: 'restore', incident: run.incident, handOver },
      startedAt: run.startedAt.toISOString(),
      finishedAt: new Date().toISOString(),
      behindCut: await readBehindCut(archive, restored.plan.target.resolved),
    },
  );
}

async function settleFolder(into: RestoreInto, repositoryPath: string): Promise<RestoreInto> {
  if (into.kind === 'existing') return into;
  const datadir = resolve(into.datadir);
  await refuseInside(repositoryPath, datadir);
  return { ...into, datadir, resumable: true };
}

const NO_REPORT = 'there is no report';

async function refuse(archive: Archive, run: FinishedRun, options: FinishOptions): Promise<never> {
  const { plan, ran } = run;
  const { target, proof, seconds, appliers, warnings } = ran;
  const { name, notePath, place } = target;
  const failed = { plan, proof, seconds, appliers, warnings };
  const noted = await tellAnyway(`${notePath} does not say so`, options.log, () => ran.note('failed', failed));
  await target.keep();
  const restored = { plan, server: { ...place, pid: null }, proof, seconds, appliers, warnings };
  const report = await tellAnyway(NO_REPORT, options.log, () =>
    tell(archive, { run, restored, handOver: null }, options),
  );
  const doubts = [...noted.warnings, ...report.warnings].map((doubt) => `; ${doubt}`).join('');
  throw new LastgoodError('PROOF_FAILED', `the ${name} is not what was planned: ${describeFailure(proof)}${doubts}`, {
    details: { datadir: place.datadir, report: notePath },
  });
}
