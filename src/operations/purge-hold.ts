/**
 * Keeps the source from removing files that are not archived durably, as long as that is safe for its disk. Never in the
 * archiver's way: whatever goes wrong here is logged, and tried again.
 */
import { compareFiles } from '../binlog/coordinates.ts';
import { isLastgoodError } from '../platform/errors.ts';
import type { Logger } from '../platform/logger.ts';
import { listBinaryLogs, type BinaryLog } from '../server/binary-logs.ts';
import { connect, SHORT_QUESTIONS, type ServerConnection } from '../server/connection.ts';
import { checkIdentity, type ServerIdentity } from '../server/facts.ts';
import { PARKED_SECONDS, parkDump, type ParkedDump } from '../server/parked-dump.ts';
import type { ServerOptions } from '../server/server-options.ts';

export interface PurgeHoldOptions {
  readonly primary: ServerOptions;
  /** Lets go when the source would have to keep more than this, in bytes. */
  readonly limitBytes: number;
  readonly log: Logger;
  /** How often the source is looked at; 10 s when not given. */
  readonly everyMs?: number;
}

/** Where to hold, and what the source keeps for it. */
export interface HoldPlace {
  readonly file: string;
  readonly bytes: number;
}

/** More than the buffers between a server and a reader hold: so far a parked dump may be ahead of where it began. */
const BUFFER_BYTES = 64 * 1024 * 1024;
const EVERY_MS = 10_000;
/** Renewed well before the server's patience ends. */
const RENEW_MS = (PARKED_SECONDS * 1000) / 2;

/**
 * The file to park a dump at so that `needed` stays: early enough that it cannot have passed by unread. Pure.
 *
 * @returns null when the source has nothing that is needed
 */
export function holdPlace(logs: readonly BinaryLog[], needed: string): HoldPlace | null {
  const index = logs.findIndex(({ file }) => compareFiles(file, needed) >= 0);
  if (index < 0) return null;
  let from = index;
  let ahead = logs[index]?.bytes ?? 0;
  while (ahead < BUFFER_BYTES && from > 0) {
    from -= 1;
    ahead += logs[from]?.bytes ?? 0;
  }
  const held = logs.slice(from);
  return { file: held[0]?.file ?? needed, bytes: held.reduce((sum, { bytes }) => sum + bytes, 0) };
}

/** Holds from the first `need` until it is disposed of. */
export class PurgeHold implements AsyncDisposable {
  readonly #options: PurgeHoldOptions;
  #needed: { readonly file: string; readonly identity: ServerIdentity } | null = null;
  #parked: ParkedDump | null = null;
  #control: ServerConnection | null = null;
  #timer: NodeJS.Timeout | undefined;
  #work: Promise<void> = Promise.resolve();
  readonly #over = new AbortController();
  #said = '';

  constructor(options: PurgeHoldOptions) {
    this.#options = options;
  }

  /** From this file on everything is needed. The server at the address must still be `identity`. */
  need(file: string, identity: ServerIdentity): void {
    const isFirst = this.#needed === null;
    this.#needed = { file, identity };
    if (isFirst) this.#look();
  }

  /** At once, whatever the server does: its commits may wait for the archiver that waits for this. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort();
    clearTimeout(this.#timer);
    await this.#work;
    await this.#release();
    await this.#control?.close();
  }

  get #isOver(): boolean {
    return this.#over.signal.aborted;
  }

  #look(): void {
    this.#work = this.#adjust().then(() => {
      if (this.#isOver) return;
      this.#timer = setTimeout(() => {
        this.#look();
      }, this.#options.everyMs ?? EVERY_MS);
    });
  }

  async #adjust(): Promise<void> {
    if (this.#needed === null) return;
    const { file, identity } = this.#needed;
    try {
      this.#control ??= await connect(this.#options.primary, { ...SHORT_QUESTIONS, signal: this.#over.signal });
      await checkIdentity(this.#control, identity);
      await this.#hold(this.#control, holdPlace(await listBinaryLogs(this.#control), file), identity);
    } catch (error) {
      if (!this.#isOver) this.#say('warn', 'cannot hold the purge of binary logs', { error: wordsOf(error) });
      await this.#release();
      await this.#control?.close();
      this.#control = null;
    }
  }

  async #hold(control: ServerConnection, place: HoldPlace | null, identity: ServerIdentity): Promise<void> {
    const { limitBytes } = this.#options;
    if (place !== null && place.bytes <= limitBytes) {
      if (!(await this.#isHeld(control, place))) await this.#park(place, identity);
      return;
    }
    if (place !== null) this.#say('error', 'letting the primary purge: the hold is over its limit', { limitBytes });
    await this.#release();
  }

  async #isHeld(control: ServerConnection, { file }: HoldPlace): Promise<boolean> {
    const parked = this.#parked;
    if (parked === null) return false;
    if (await parked.isWaiting(control)) return parked.file === file && performance.now() - parked.since < RENEW_MS;
    this.#say('debug', 'the hold is over: the connection was lost, or the primary has too little log', { file });
    return false;
  }

  async #park({ file }: HoldPlace, identity: ServerIdentity): Promise<void> {
    const before = this.#parked;
    this.#parked = await parkDump(this.#options.primary, { file, expected: identity, signal: this.#over.signal });
    await before?.release(); // only now: in between nothing would hold
    this.#say('info', 'holding the purge of binary logs', { from: file });
  }

  async #release(): Promise<void> {
    const parked = this.#parked;
    this.#parked = null;
    await parked?.release();
  }

  /** Each state once, not each time it is seen. */
  #say(level: 'debug' | 'info' | 'warn' | 'error', what: string, facts: Record<string, string | number>): void {
    const said = JSON.stringify([what, facts]);
    if (said === this.#said) return;
    this.#said = said;
    this.#options.log[level](facts, what);
  }
}

/** A bug shows its stack, and archiving goes on. */
function wordsOf(error: unknown): string {
  return isLastgoodError(error)
    ? error.message
    : error instanceof Error
      ? (error.stack ?? error.message)
      : String(error);
}
