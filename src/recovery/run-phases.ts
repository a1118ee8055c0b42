import { formatCoordinates } from '../binlog/coordinates.ts';
import { readBootId } from '../platform/boot-id.ts';
import type { AppliedPlace } from './applied-place.ts';
import { readAppliers, type Appliers } from './appliers.ts';
import { watchDisk } from './disk-watch.ts';
import { findLooseEnds, findWaysOut, settlePrepared } from './loose-ends.ts';
import type { Plan } from './plan.ts';
import type { Proof } from './proof.ts';
import type { BegunNote, RestorePhase, RestoreRun } from './restore-note.ts';
import { loadPhase, provePhase, replayPhase, type PhaseOptions } from './restore-phases.ts';
import type { RestoreTarget } from './restore-target.ts';

/** How long each step took, wall clock. */
export interface RestoreSeconds {
  readonly load: number;
  readonly replay: number;
  readonly proof: number;
  readonly total: number;
}

/** A restore that ran to its end, whatever its proof says. Whoever disposes of `target` throws it away. */
export interface RanPlan {
  readonly target: RestoreTarget;
  readonly proof: Proof;
  readonly seconds: RestoreSeconds;
  /** null where a session replayed. */
  readonly appliers: Appliers | null;
  /** What is as planned, and yet not as a person may expect: of the restore, not of the plan. */
  readonly warnings: readonly string[];
  /** Of these: what whoever gets the server finds in it. */
  readonly looseEnds: readonly string[];
  /** Says durably on the target how the restore ended. */
  readonly note: (phase: RestorePhase, result: object) => Promise<void>;
}

export interface RunPhasesOptions extends PhaseOptions {
  /** XA transactions that were prepared at the cut stay prepared; they are rolled back when not given. */
  readonly keepPrepared?: boolean | undefined;
  /** What does not change while it runs. */
  readonly note: BegunNote;
  /** What an earlier run has done; null when the target is empty. */
  readonly place: AppliedPlace | null;
  readonly watch: StopWatch;
}

/**
 * Loads, replays and proves, or what of it is left to do. An error is the target's to put right: `abandon` has been called.
 *
 * @throws LastgoodError `BACKUP_MISSING`, `ARCHIVE_DAMAGED`, `ARCHIVE_GAP`, `TOOL_MISSING`, `TOOL_FAILED`, `INTERRUPTED`
 */
export async function runPhases(target: RestoreTarget, options: RunPhasesOptions): Promise<RanPlan> {
  const { place, watch, log } = options;
  const note = noteTaker(target, options.note);
  using _disk = target.kind === 'scratch' ? watchDisk(target.place.datadir, { log }) : null;
  try {
    if (place === null) {
      await note('loading');
      await loadPhase(target, options);
    }
    const load = watch.lap();
    await note('replaying');
    const appliers = options.engine === 'session' ? null : await readAppliers(target, options.note.run.cores);
    const replayed = await replayPhase(target, { ...options, appliers }, place);
    const replay = watch.lap();
    const prepared = await settlePrepared(target.admin, { keep: options.keepPrepared === true });
    await note('proving');
    const proof = await provePhase(target, replayed, options);
    const seconds = { load, replay, proof: watch.lap(), total: watch.total() };
    const looseEnds = await findLooseEnds(target);
    const warnings = [...target.warnings, ...prepared, ...(await findWaysOut(target.admin)), ...looseEnds];
    log.info({ ok: proof.ok, ...seconds }, 'restored');
    return { target, proof, seconds, appliers, warnings, looseEnds, note };
  } catch (error) {
    throw await target.abandon(error);
  }
}

/** The note with which a plan's run begins. */
export function firstNote(plan: Plan, run: RestoreRun): BegunNote {
  const { target, backup } = plan;
  return {
    format: 2,
    phase: 'loading',
    backup: backup.id,
    lineage: target.resolved.lineage,
    target: formatCoordinates(target.resolved),
    startedAt: new Date().toISOString(),
    plan,
    run,
    result: null,
  };
}

function noteTaker(target: RestoreTarget, about: BegunNote): RanPlanNote {
  return async (phase, result = null) => {
    const run = { ...about.run, bootId: readBootId(), fell: false };
    await target.note({ ...about, run, phase, result });
  };
}

type RanPlanNote = (phase: RestorePhase, result?: object | null) => Promise<void>;

/** Seconds, to the millisecond. */
export class StopWatch {
  readonly #start = performance.now();
  #lap = this.#start;

  /** Since the last lap. */
  lap(): number {
    const before = this.#lap;
    this.#lap = performance.now();
    return inSeconds(this.#lap - before);
  }

  total(): number {
    return inSeconds(performance.now() - this.#start);
  }
}

function inSeconds(ms: number): number {
  return Math.round(ms) / 1000;
}
