import { join } from 'node:path';
import type { Damage } from '../../archive/damage.ts';
import type { LedgerEntry } from '../../archive/ledger.ts';
import type { HandOver, Lineage } from '../../archive/lineage.ts';
import type { Repository } from '../../archive/repository.ts';
import { formatCoordinates } from '../../binlog/coordinates.ts';

/**
 * Compares what the ledger says of each lineage's beginning with what the lineage says itself. An entry is written before the
 * record of the lineage that it is about: what only one of the two knows was taken from the other. Pure.
 *
 * @param entries all of the ledger
 */
export function verifyLedgerAgainst(
  repository: Pick<Repository, 'path' | 'lineageFolder'>,
  lineages: readonly Lineage[],
  entries: readonly LedgerEntry[],
): Damage[] {
  return lineages.flatMap((lineage): Damage[] => {
    const own = entries.filter((entry) => isAbout(entry, lineage));
    const found = difference(lineage, own);
    if (found === null) return [];
    const isTakenOut = own.length === 0;
    const record = join(repository.lineageFolder(lineage.id), 'lineage.json');
    const path = isTakenOut ? join(repository.path, 'ledger.jsonl') : record;
    return [{ check: isTakenOut ? 'ledger' : 'lineage', path, offset: null, found }];
  });
}

/** Gaps that earlier versions recorded do not name the lineage behind them. */
function isAbout(entry: LedgerEntry, { id, parent }: Lineage): boolean {
  if (entry.kind === 'gap' && entry.child === undefined) return entry.lineage === parent;
  return 'child' in entry && entry.child === id;
}

/** In words; null where both say the same. */
function difference(lineage: Lineage, own: readonly LedgerEntry[]): string | null {
  const { parent, handOver } = lineage;
  const [first] = own;
  if (first !== undefined && own.every((entry) => entry.lineage !== parent))
    return `the ledger has it after lineage ${first.lineage}, not after ${parent ?? 'none'}`;
  if (parent === null) return null;
  return handOver === null ? breakDifference(lineage, own) : handOverDifference(lineage, handOver, own);
}

function breakDifference({ id, parent }: Lineage, own: readonly LedgerEntry[]): string | null {
  if (own.some(({ kind }) => kind === 'gap' || kind === 'break')) return null;
  return own.length === 0
    ? `it does not have how lineage ${id} came after ${parent ?? ''}: an entry was taken out`
    : `the ledger has a hand-over from lineage ${parent ?? ''}, its own record has none`;
}

function handOverDifference({ id, parent }: Lineage, handOver: HandOver, own: readonly LedgerEntry[]): string | null {
  const stranded = own.filter((entry) => entry.kind === 'stranded');
  const from = formatCoordinates(handOver.parent);
  const isKnown = stranded.some((entry) => entry.groups === handOver.stranded && entry.from === from);
  if (isKnown || (own.length === 0 && handOver.stranded === 0)) return null;
  const said = `${handOver.stranded} stranded groups from ${from} of lineage ${parent ?? ''} on`;
  const [known] = stranded;
  if (known !== undefined) return `it has ${said}, the ledger ${known.groups} from ${known.from} on`;
  return own.length === 0
    ? `it does not have what lineage ${id} left behind, ${said}: an entry was taken out`
    : `it has a hand-over, the ledger a ${own[0]?.kind ?? ''} between lineage ${parent ?? ''} and it`;
}
