import { join } from 'node:path';
import { makeDirectory, writeFileDurably } from '../platform/durable-file.ts';
import { isLastgoodError } from '../platform/errors.ts';
import type { Logger } from '../platform/logger.ts';
import { pause } from '../platform/wait.ts';
import { addressOf, connect, type ServerConnection } from '../server/connection.ts';
import { readReplicaStatus, startApplying, stopApplying } from '../server/replica-status.ts';
import type { ServerOptions } from '../server/server-options.ts';

const STATE_FILE = 'state.json';
/** A replica that restarts just now is worth waiting for; after this the marker says what is left to do. */
const RESUME_TIMEOUT_MS = 60_000;
const RESUME_RETRY_MS = 1000;

/** The marker in an unfinished backup's folder: what has to be put right if this process dies. */
export interface BackupState {
  readonly format: 1;
  readonly startedAt: string;
  /** 'stopped' is written before applying is stopped and 'running' after it is started again. */
  readonly applying: 'stopped' | 'running';
  readonly server: { readonly name: string; readonly reachedAt: string; readonly serverId: number };
}

export interface PauseOptions {
  /** The unfinished backup's folder. */
  readonly folder: string;
  readonly replica: ServerOptions;
  readonly serverId: number;
  readonly log: Logger;
}

/**
 * Stops and starts applying on the replica. What it stopped it starts again, at the latest when it is disposed of;
 * should this process die before that, the marker in the folder tells the next one.
 */
export class ApplyingPause implements AsyncDisposable {
  readonly #options: PauseOptions;
  readonly #startedAt = new Date().toISOString();
  #stoppedAt: number | null = null;
  #stoppedMs = 0;

  constructor(options: PauseOptions) {
    this.#options = options;
  }

  /** How long applying has been stopped in all, seconds. */
  get stoppedSeconds(): number {
    const running = this.#stoppedAt === null ? 0 : performance.now() - this.#stoppedAt;
    return Math.round(this.#stoppedMs + running) / 1000;
  }

  /** Returns once nothing is applied any more. */
  async stop(connection: ServerConnection): Promise<void> {
    await makeDirectory(this.#options.folder);
    await this.#mark('stopped');
    this.#stoppedAt = performance.now();
    await stopApplying(connection);
    this.#options.log.debug('applying stopped');
  }

  /** Starts applying where `stop` stopped it, else does nothing. Goes on when the backup was interrupted. */
  async resume(): Promise<void> {
    if (this.#stoppedAt === null) return;
    const { replica, log } = this.#options;
    await startApplyingInTime(replica, log);
    this.#stoppedMs += performance.now() - this.#stoppedAt;
    this.#stoppedAt = null;
    await this.#mark('running');
    log.debug({ stoppedSeconds: this.stoppedSeconds }, 'applying started again');
  }

  /** True while applying is stopped because of us. */
  get isStopped(): boolean {
    return this.#stoppedAt !== null;
  }

  /** The way out of a failed backup: its error is the one to tell, `resume` has logged its own. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.resume().catch(() => undefined);
  }

  async #mark(applying: BackupState['applying']): Promise<void> {
    const { folder, replica, serverId } = this.#options;
    const server = { name: replica.name, reachedAt: addressOf(replica), serverId };
    const state: BackupState = { format: 1, startedAt: this.#startedAt, applying, server };
    await writeFileDurably(statePath(folder), `${JSON.stringify(state, null, 2)}\n`);
  }
}

/** Where the marker is. */
export function statePath(folder: string): string {
  return join(folder, STATE_FILE);
}

/** Starts applying unless it runs. An applier that stopped with an error is left to people. */
export async function ensureApplying(connection: ServerConnection): Promise<'started' | 'running' | 'failed'> {
  const status = await readReplicaStatus(connection);
  if (status?.sqlRunning === true) return 'running';
  if (status === null || status.sqlError !== null) return 'failed';
  await startApplying(connection);
  return 'started';
}

async function startApplyingInTime(replica: ServerOptions, log: Logger): Promise<void> {
  const deadline = performance.now() + RESUME_TIMEOUT_MS;
  for (;;) {
    try {
      await using connection = await connect(replica);
      const outcome = await ensureApplying(connection);
      if (outcome === 'failed')
        log.error({ replica: replica.name }, 'applying met an error of its own: see SHOW SLAVE STATUS');
      return;
    } catch (error) {
      if (!isLastgoodError(error, 'SERVER_UNREACHABLE') || performance.now() >= deadline) {
        log.error({ err: error, replica: replica.name }, 'applying is still stopped: START SLAVE SQL_THREAD');
        throw error;
      }
      await pause(RESUME_RETRY_MS);
    }
  }
}
