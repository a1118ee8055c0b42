import type { SourceIncident } from '../archive/ledger.ts';
import type { Lineage } from '../archive/lineage.ts';
import { isLastgoodError, LastgoodError } from '../platform/errors.ts';
import type { Logger } from '../platform/logger.ts';
import type { ArchivePlace } from './archive-place.ts';

/** A stream that contradicts the archive once may have been garbled under way; twice is another history. */
const PROOF = 2;
/** Failovers are rare. More changes than this mean an address behind which several servers answer in turn. */
const MAX_CHANGES = 3;
const WINDOW_MS = 10 * 60_000;

const NONE = { lineage: '', why: '', times: 0 };

/** What one run of the archiver has seen of its source's history changing. */
export class HistoryChanges {
  /** Losses of this run, one sentence each. */
  readonly losses: string[] = [];
  #contradiction = NONE;
  #isDoubted = false;
  #changes: number[] = [];

  /** A stream of the lineage ended with an error; `LINEAGE_MISMATCH` says that it was not what is archived. */
  ended(lineage: string, error: unknown): void {
    if (!isLastgoodError(error, 'LINEAGE_MISMATCH')) return;
    const why = error.message;
    const { lineage: before, times } = this.#contradiction;
    this.#contradiction = { lineage, why, times: before === lineage ? times + 1 : 1 };
    this.#isDoubted = this.#contradiction.times <= PROOF;
  }

  /** The stream brought new bytes of the lineage. */
  confirmed(): void {
    this.#contradiction = NONE;
  }

  /** True once after each contradiction that is looked at again. */
  takeDoubt(): boolean {
    const isDoubted = this.#isDoubted;
    this.#isDoubted = false;
    return isDoubted;
  }

  /** Why the source has not the lineage's history, once that is certain; else null. */
  contradiction({ id }: Lineage): string | null {
    const { lineage, why, times } = this.#contradiction;
    return lineage === id && times >= PROOF ? why : null;
  }

  /** Called before another lineage may begin. @throws LastgoodError `LINEAGE_MISMATCH` when too many of them began lately */
  checkRate({ id, name }: Lineage): void {
    const now = performance.now();
    this.#changes = this.#changes.filter((at) => now - at < WINDOW_MS);
    const changes = this.#changes.length + 1;
    if (changes <= MAX_CHANGES) return;
    throw new LastgoodError(
      'LINEAGE_MISMATCH',
      `the source '${name}' had another history ${changes} times within ${WINDOW_MS / 60_000} minutes, lineage '${id}' is the last one`,
      { hint: 'Does its address lead to several servers in turn? Name the one that is to be archived.' },
    );
  }

  /** Keeps what the source says that it lost itself. */
  incidentListener(log: Logger): (loss: SourceIncident) => void {
    return ({ lineage, from, why }) => {
      this.losses.push(`at ${from} of lineage '${lineage}' ${why}; take a new backup`);
      log.error({ lineage, from }, why);
    };
  }

  /** Counts a change of lineage, if there was one, tells of it, and keeps what was lost by it. */
  changed({ lineage, left, loss }: Pick<ArchivePlace, 'lineage' | 'left' | 'loss'>, log: Logger): void {
    if (left === null) return;
    this.#changes.push(performance.now());
    const facts = { lineage: lineage.id, after: left.id, handOver: lineage.handOver };
    if (loss === null) {
      log.warn(facts, 'another server continues the log, verified by GTID: a new lineage begins');
      return;
    }
    this.losses.push(loss);
    log.error(facts, loss);
  }
}
