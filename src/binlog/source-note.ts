import { EVENT_HEADER_BYTES } from './event-type.ts';
import type { EventView } from './event-view.ts';
import type { SourceNote } from './group.ts';

/** Before its text: the incident's number 2, the text's length 1. Source: MySQL 8.4 control_events.h, Incident_event. */
const TEXT_AT = EVENT_HEADER_BYTES + 3;

/** Reads an INCIDENT event. @param where.bodyEnd index in the view's buffer just after the body, checksum excluded */
export function sourceNote(
  { buffer, at, time, serverId }: EventView,
  { bodyEnd, inGroup }: { bodyEnd: number; inGroup: boolean },
): SourceNote {
  const textAt = at + TEXT_AT;
  const length = buffer[textAt - 1] ?? 0;
  const message = textAt > bodyEnd ? '' : buffer.toString('utf8', textAt, Math.min(textAt + length, bodyEnd));
  return { time, serverId, message, inGroup };
}
