import type { Incident } from '../../incident/incident.ts';
import { keyOf, type Touch, type Verb } from './touch.ts';

const DESTROYS: readonly Verb[] = ['drop', 'truncate', 'delete', 'update', 'alter', 'rename', 'replace'];

const WORDS: Readonly<Record<Verb, string>> = {
  create: 'is made',
  ensure: 'is made',
  replace: 'is made anew',
  drop: 'is dropped',
  rename: 'is renamed',
  alter: 'is altered',
  truncate: 'is truncated',
  insert: 'gets rows',
  update: 'has rows updated',
  delete: 'loses rows',
  read: 'is read',
  rights: 'has its rights changed',
};

/** In words, what the skipped group does beside what makes it an incident; null when the touch is of that. */
export function leftOut(touch: Touch, { objects }: Incident): string | null {
  if (touch.verb === 'read' || touch.by === 'cascade') return null;
  const isOwn = DESTROYS.includes(touch.verb) && objects.some((object) => keyOf(object) === keyOf(touch));
  return isOwn ? null : `${WORDS[touch.verb]} in the same transaction, which is left out too`;
}
