import { isLastgoodError } from '../platform/errors.ts';
import type { Logger } from '../platform/logger.ts';
import { pause } from '../platform/wait.ts';
import { connect, SHORT_QUESTIONS } from '../server/connection.ts';
import { readSemiSync, type SemiSyncSource } from '../server/semi-sync.ts';
import type { ServerOptions } from '../server/server-options.ts';

const WATCH_MS = 5000;

/** Tells when commits on the source begin to wait for the archive, and when they no longer do. Plain reports in, words out. */
export class SemiSyncReport {
  readonly #log: Logger;
  #waiting: boolean | null = null;
  #unacknowledged = 0;

  constructor(log: Logger) {
    this.#log = log;
  }

  see(source: SemiSyncSource | null): void {
    const waiting = doesWait(source);
    const unacknowledged = source?.unacknowledged ?? 0;
    const missed = this.#waiting === null ? 0 : unacknowledged - this.#unacknowledged;
    this.#unacknowledged = unacknowledged;
    if (missed > 0)
      this.#log.error({ commits: missed }, 'commits on the source went on without waiting for the archive');
    if (waiting !== this.#waiting) this.#tell(waiting);
    this.#waiting = waiting;
  }

  #tell(waiting: boolean): void {
    if (waiting) this.#log.info('commits on the source wait for the archive');
    else this.#log.error('commits on the source do not wait for the archive: the loss window is not zero');
  }
}

function doesWait(source: SemiSyncSource | null): boolean {
  return source !== null && source.enabled && source.active && source.clients > 0;
}

/** Asks the source every few seconds, on a connection of its own, until `signal`. Never rejects for a source that cannot be asked. */
export async function watchSemiSync(
  primary: ServerOptions,
  { log, signal, everyMs = WATCH_MS }: { log: Logger; signal: AbortSignal; everyMs?: number },
): Promise<void> {
  const report = new SemiSyncReport(log);
  const isOver = (): boolean => signal.aborted;
  while (!isOver()) {
    try {
      await using connection = await connect(primary, { ...SHORT_QUESTIONS, signal });
      for (;;) {
        await pause(everyMs, signal);
        report.see(await readSemiSync(connection));
      }
    } catch (error) {
      if (isOver()) return;
      if (!isLastgoodError(error)) throw error;
      log.warn({ error: error.message }, 'cannot ask the source whether its commits wait for the archive');
      await pause(everyMs, signal).catch(() => undefined); // interrupted: the loop ends
    }
  }
}
