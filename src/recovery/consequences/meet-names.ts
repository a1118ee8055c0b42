import type { Difference } from './difference.ts';
import type { Definitions } from './table-facts.ts';
import { keyOf, nameOf, type Touch } from './touch.ts';

/**
 * A later group gives a trigger or a foreign key a name. A schema has each only once, and on the source they went with their
 * table. In words, which table may still have it; null when none may. Pure.
 */
export function meetNames(differences: readonly Difference[], touch: Touch, definitions: Definitions): string | null {
  if (touch.type === 'trigger' && touch.verb !== 'drop') return meetTrigger(differences, touch, definitions);
  return touch.namesForeignKeys === true ? meetForeignKey(differences, touch, definitions) : null;
}

function meetTrigger(differences: readonly Difference[], touch: Touch, definitions: Definitions): string | null {
  const kept = differences.find((difference) => difference.exists === 'kept' && isOther(difference, touch));
  if (kept === undefined || !definitions.isUsedIndirectly(touch)) return null;
  return `may have the name of a trigger of ${nameOf(kept)}, which is still there (error 1359)`;
}

function meetForeignKey(
  differences: readonly Difference[],
  touch: Touch,
  { foreignKeys, foreignKeysUnknown }: Definitions,
): string | null {
  const kept = differences.find((difference) => {
    const mayHold = difference.exists === 'kept' || difference.definition || difference.columns.length > 0;
    const refers = foreignKeysUnknown !== null || foreignKeys.some(({ child }) => keyOf(child) === keyOf(difference));
    return mayHold && refers && isOther(difference, touch);
  });
  return kept === undefined
    ? null
    : `may have a foreign key with the name of one of ${nameOf(kept)}, which is still there (error 1005)`;
}

function isOther(difference: Difference, touch: Touch): boolean {
  return difference.type === 'table' && difference.schema === touch.schema && keyOf(difference) !== keyOf(touch);
}
