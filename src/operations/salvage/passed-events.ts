import type { NotCarried } from './carry-definition.ts';
import type { SchemaContent } from './schema-content.ts';

/** Events that are not there because their last time has passed: a server that is given such a one makes none. */
export function passedEvents(wanted: SchemaContent, found: Pick<SchemaContent, 'events'>): NotCarried[] {
  const there = new Set(found.events.map(({ name }) => name));
  return wanted.events
    .filter(({ name, passes }) => passes && !there.has(name))
    .map(({ name }) => ({ type: 'event', name, why: 'its time has passed' }));
}
