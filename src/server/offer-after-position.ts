import type { Gtid, GtidState } from '../binlog/gtid.ts';
import { formatMariadbGtid, GtidPosition, type MariadbGtid } from '../binlog/mariadb-gtid.ts';
import { isLastgoodError } from '../platform/errors.ts';
import { leaveOut } from './leave-out.ts';
import { newestStart, type NewestStart } from './newest-start.ts';
import { stateBefore } from './served-state.ts';
import type { ServedLog, ServedRange } from './served-range.ts';

const TOO_OLD =
  'Could not find GTID state requested by slave in any binlog files. Probably the slave state is too old and required binlog files have been purged.';

/**
 * What comes after a GTID position, as a MariaDB server finds it: each domain goes on behind its own GTID. Words of a refusal are
 * the server's, which its users know.
 * Source: MariaDB 10.11 sql/sql_repl.cc, contains_all_slave_gtid and check_slave_start_position.
 */
export async function offerAfterPosition(log: ServedLog, text: string): Promise<readonly ServedRange[] | string> {
  const asked = parse(text);
  if (asked === null) return `cannot read the GTID position '${text}'`;
  const first = await stateBefore(log, 0);
  if (!(first instanceof GtidPosition) || !hasReached(asked, first)) return TOO_OLD;
  if (asked.equals(first)) return log.ranges;
  const start = await newestStart(log, (state) => state instanceof GtidPosition && hasReached(asked, state));
  const found = await offerFrom(log, start ?? { index: 0, state: first }, asked);
  if (typeof found !== 'string' || start === null || start.index === 0) return found;
  // Where sequence numbers went back, the place may be in an earlier file.
  return await offerFrom(log, { index: 0, state: first }, asked);
}

function hasReached(asked: GtidPosition, state: GtidPosition): boolean {
  return state.gtids().every((gtid) => {
    const own = asked.last(gtid.domain);
    return own !== undefined && (own.sequence > gtid.sequence || isSame(own, gtid));
  });
}

/** Leaves out each domain's groups until the one that the client names has passed. */
async function offerFrom(
  { ranges, signal }: ServedLog,
  { index, state }: NewestStart,
  asked: GtidPosition,
): Promise<readonly ServedRange[] | string> {
  const domains = new PendingDomains(asked, state);
  const offer: ServedRange[] = [];
  let at = index;
  for (; at < ranges.length && domains.isPending; at += 1) {
    const range = ranges[at];
    if (range !== undefined) offer.push(...(await leaveOut(range, domains, signal)));
  }
  return domains.refusal ?? [...offer, ...ranges.slice(at)];
}

/** The domains in which the client is further than where reading begins. */
class PendingDomains {
  readonly #wanted = new Map<number, MariadbGtid>();
  /** The newest of each domain that was met. */
  readonly #met: GtidPosition;

  constructor(asked: GtidPosition, before: GtidState) {
    const state = GtidPosition.parse(before.toString());
    this.#met = state.clone();
    for (const gtid of asked.gtids()) {
      const last = state.last(gtid.domain);
      if (last === undefined || !isSame(gtid, last)) this.#wanted.set(gtid.domain, gtid);
    }
  }

  get isPending(): boolean {
    return this.#wanted.size > 0;
  }

  has(gtid: Gtid | null): boolean {
    if (gtid?.flavor !== 'mariadb') return false;
    this.#met.add(gtid);
    const wanted = this.#wanted.get(gtid.domain);
    if (wanted === undefined) return false;
    if (isSame(gtid, wanted)) this.#wanted.delete(gtid.domain);
    return true;
  }

  /** Of a domain that the log does not know at all, whatever the client has is its own affair. */
  get refusal(): string | null {
    const missing = [...this.#wanted.values()].find(({ domain }) => this.#met.last(domain) !== undefined);
    if (missing === undefined) return null;
    const diverged = (this.#met.last(missing.domain)?.sequence ?? 0) >= missing.sequence;
    const hint = diverged
      ? ". Since the master's binlog contains GTIDs with higher sequence numbers, it probably means that the slave has diverged due to executing extra erroneous transactions"
      : '';
    return `Error: connecting slave requested to start from GTID ${formatMariadbGtid(missing)}, which is not in the master's binlog${hint}`;
  }
}

function isSame(a: MariadbGtid, b: MariadbGtid): boolean {
  return a.domain === b.domain && a.server === b.server && a.sequence === b.sequence;
}

function parse(text: string): GtidPosition | null {
  try {
    return GtidPosition.parse(text);
  } catch (error) {
    if (isLastgoodError(error, 'GTID_INVALID')) return null;
    throw error;
  }
}
