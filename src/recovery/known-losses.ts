import type { LedgerEntry } from '../archive/ledger.ts';
import { compareCoordinates, parseCoordinates } from '../binlog/coordinates.ts';
import { LastgoodError } from '../platform/errors.ts';
import type { PlanSegment } from './plan.ts';

/**
 * Refuses what would replay across a loss that the ledger knows, whatever the archive holds by now. Ends of lineages and
 * stranded groups are not looked at here: no range goes over them.
 *
 * @throws LastgoodError `ARCHIVE_GAP` naming each
 */
export function refuseLosses(segments: readonly PlanSegment[], losses: readonly LedgerEntry[]): void {
  const [first, ...others] = lossesIn(segments, losses);
  if (first === undefined) return;
  const { kind, lineage, from, to, why } = first;
  const what = kind === 'gap' ? 'is missing' : 'cannot be trusted';
  const also = others.map((loss) => `; also ${loss.from} to ${loss.to} of ${loss.lineage}: ${loss.why}`).join('');
  throw new LastgoodError('ARCHIVE_GAP', `the log of ${lineage} from ${from} to ${to} ${what}: ${why}${also}`, {
    details: { lineage, from, to, kind, losses: others.length + 1 },
  });
}

/** What the ledger knows to be lost of the segments' bytes, each loss once. */
export function lossesIn(segments: readonly PlanSegment[], losses: readonly LedgerEntry[]): LedgerEntry[] {
  // A kind that only a later version knows is a loss of bytes too.
  const isBytes = ({ kind }: LedgerEntry): boolean => kind !== 'break' && kind !== 'stranded';
  const found = segments.flatMap((segment) => losses.filter((entry) => isBytes(entry) && liesIn(entry, segment)));
  return [...new Set(found)];
}

function liesIn(loss: LedgerEntry, { lineage, file, from, to }: PlanSegment): boolean {
  if (loss.lineage !== lineage) return false;
  const beginsBefore = compareCoordinates(parseCoordinates(loss.from), { file, position: to }) < 0;
  return beginsBefore && compareCoordinates(parseCoordinates(loss.to), { file, position: from }) > 0;
}
