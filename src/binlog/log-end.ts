import { isIgnorable } from './event-role.ts';
import { EVENT, EVENT_FLAG, EVENT_HEADER_BYTES } from './event-type.ts';
import type { EventView } from './event-view.ts';

/** rotate: the source went on in the next file · stop: clean shutdown · open: neither (yet). */
export type LogEnd = 'rotate' | 'stop' | 'open';

/** A ROTATE event at the end of a file: where it stands, and the name of the file that follows. */
export interface Rotation {
  readonly offset: number;
  readonly nextFile: string;
}

/** Before the name of the next file stands the position in it. */
const ROTATE_POSITION_BYTES = 8;

/** How the file ends if this event is its last one. */
export function endOf(view: EventView): LogEnd {
  if (view.type === EVENT.STOP) return 'stop';
  return view.type === EVENT.ROTATE && (view.flags & EVENT_FLAG.ARTIFICIAL) === 0 ? 'rotate' : 'open';
}

/** Reads a ROTATE event. @param bodyEnd index in the view's buffer just after the body, checksum excluded */
export function rotationOf({ buffer, at, offset }: EventView, bodyEnd: number): Rotation {
  const name = at + EVENT_HEADER_BYTES + ROTATE_POSITION_BYTES;
  return { offset, nextFile: buffer.toString('utf8', name, bodyEnd) };
}

/** What is wrong with such a file. */
export const ENCRYPTED = 'the file is encrypted by its server: it cannot be read without the key';

/** A stream carries START_ENCRYPTION in plain text, marked ignorable; in a file on disk all that follows is encrypted. */
export function isEncryption(view: EventView): boolean {
  return view.type === EVENT.START_ENCRYPTION && !isIgnorable(view);
}
