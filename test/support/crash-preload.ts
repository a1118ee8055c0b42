/**
 * Loaded into the real program before it starts: `node --import tsx --import crash-preload.ts bin/lastgood ...`.
 * LASTGOOD_CRASH says, as JSON, what to do at its steps.
 */
import Sqlite from 'better-sqlite3';
import { DiskRecorder } from './crash-image.ts';
import { installSteps, stepClass, type Step, type StepHooks } from './crash-steps.ts';

/** What the preloaded program does at its steps below `root`. */
export type CrashPlan = { readonly root: string } &
  /** Notes the disk after each step, in `folder`; with `killAfter` up to the first step of that kind. */
  (
    | { readonly kind: 'record'; readonly folder: string; readonly killAfter?: string }
    /** SIGKILL just before, after or in the middle of the first step of this kind. */
    | { readonly kind: 'kill'; readonly step: string; readonly when: 'before' | 'half of' | 'after' }
    /** Every step of this kind fails with this errno code. */
    | { readonly kind: 'fail'; readonly step: string; readonly code: 'ENOSPC' | 'EIO' }
  );

class Killer implements StepHooks {
  readonly #plan: CrashPlan & { kind: 'kill' };

  constructor(plan: CrashPlan & { kind: 'kill' }) {
    this.#plan = plan;
  }

  before(step: Step): void {
    this.#at('before', step);
  }

  halfway(step: Step): void {
    this.#at('half of', step);
  }

  after(step: Step): void {
    this.#at('after', step);
  }

  #at(when: string, step: Step): void {
    if (when === this.#plan.when && stepClass(`${step.op} ${step.path}`) === this.#plan.step)
      process.kill(process.pid, 'SIGKILL');
  }
}

class Breaker implements StepHooks {
  readonly #plan: CrashPlan & { kind: 'fail' };

  constructor(plan: CrashPlan & { kind: 'fail' }) {
    this.#plan = plan;
  }

  before(step: Step): void {
    if (stepClass(`${step.op} ${step.path}`) !== this.#plan.step) return;
    const { code } = this.#plan;
    if (step.op === 'transaction') {
      throw new Sqlite.SqliteError('database or disk is full', code === 'ENOSPC' ? 'SQLITE_FULL' : 'SQLITE_IOERR');
    }
    throw Object.assign(new Error(`${code}: made by a test, ${step.op}`), { code, syscall: step.op });
  }

  halfway(): void {
    // Failures come before their step.
  }

  after(): void {
    // Failures come before their step.
  }
}

function recorder({ root, folder, killAfter }: CrashPlan & { kind: 'record' }): StepHooks {
  const notes = new DiskRecorder(root, folder);
  return {
    before: notes.before.bind(notes),
    halfway: notes.halfway.bind(notes),
    after: (step) => {
      notes.after(step);
      if (stepClass(`${step.op} ${step.path}`) === killAfter) process.kill(process.pid, 'SIGKILL');
    },
  };
}

function hooksOf(plan: CrashPlan): StepHooks {
  if (plan.kind === 'record') return recorder(plan);
  return plan.kind === 'kill' ? new Killer(plan) : new Breaker(plan);
}

const text = process.env['LASTGOOD_CRASH'];
if (text !== undefined) {
  const plan = JSON.parse(text) as CrashPlan;
  await installSteps(plan.root, hooksOf(plan));
}
