/**
 * An archiver that runs and archives nothing. Enters: what it waits for. Leaves: a note in its record, for as long as it waits, and what
 * `status` and `doctor` say of that: its log alone is read by nobody.
 */
import { forgetArchiverWait, noteArchiverWait, type ArchiverWait } from '../archive/archiver-record.ts';
import { isLastgoodError, type ErrorCode, type LastgoodError } from '../platform/errors.ts';
import type { Logger } from '../platform/logger.ts';
import type { Finding } from './finding.ts';

/** So long an attempt may take. A note that is older is left over: it could not be removed, or the attempt goes well. */
const ATTEMPT_MS = 60_000;

/** What an archiver notes while it waits. A note that cannot be written is no reason to end, nor to wait less. */
export class WaitNote {
  readonly #path: string;
  readonly #log: Logger;
  #last: { readonly code: ErrorCode; readonly since: number; readonly until: number } | null = null;
  /** One that was killed may have left a note. */
  #mayStand = true;

  constructor(recordPath: string, log: Logger) {
    this.#path = recordPath;
    this.#log = log;
  }

  /** @param options.isFruitful something was archived since it waited last: then this is a wait of its own */
  async begin(
    { code, message, hint }: Pick<LastgoodError, 'code' | 'message' | 'hint'>,
    { waitMs, isFruitful, now = Date.now() }: { waitMs: number; isFruitful: boolean; now?: number },
  ): Promise<void> {
    const last = this.#last;
    const isSame = last?.code === code && !isFruitful && now - last.until < ATTEMPT_MS;
    const since = isSame ? last.since : now;
    const until = now + waitMs;
    this.#last = { code, since, until };
    this.#mayStand = true;
    const times = { since: new Date(since).toISOString(), until: new Date(until).toISOString() };
    await this.#try(() => noteArchiverWait(this.#path, { ...times, why: message, hint }));
  }

  /** It streams. */
  async end(): Promise<void> {
    if (!this.#mayStand) return;
    await this.#try(() => forgetArchiverWait(this.#path));
    this.#mayStand = false;
  }

  async #try(write: () => Promise<void>): Promise<void> {
    try {
      await write();
    } catch (error) {
      if (!isLastgoodError(error)) throw error;
      this.#log.warn({ error: error.message }, 'whether the archiver waits cannot be noted');
    }
  }
}

/** Whether a running archiver with this note waits. Pure. */
export function isWaiting(wait: ArchiverWait | null, now: Date): wait is ArchiverWait {
  return wait !== null && now.getTime() <= Date.parse(wait.until) + ATTEMPT_MS;
}

/** The finding about an archiver that runs, if it waits. Pure. */
export function waitFindings(name: string, { wait, now }: { wait: ArchiverWait | null; now: Date }): Finding[] {
  if (!isWaiting(wait, now)) return [];
  const { since, until, why, hint } = wait;
  const found = `it runs, and has archived nothing since ${since}: ${why}; it tries again at ${until}`;
  return [{ severity: 'warning', check: 'archiver', object: name, found, fix: hint }];
}
