import { NO_TYPES } from '../../binlog/event-role.ts';
import type { EventView } from '../../binlog/event-view.ts';
import type { FormatDescription } from '../../binlog/format-description.ts';
import { PayloadReader } from '../../binlog/payload-reader.ts';
import type { LoggedEvent } from './logged-events.ts';

/** So much of a payload is opened at a time: it may hold a thousand times as much. */
const SLICE_BYTES = 16 * 1024;

/**
 * Opens a TRANSACTION_PAYLOAD event, slice by slice: the events inside, each at the outer one's place. Whether it can be read was
 * tested when it was handed over.
 */
export function* readPayload(event: LoggedEvent, format: FormatDescription): Generator<readonly LoggedEvent[]> {
  const inside = new InnerEvents(event);
  const reader = new PayloadReader((view) => {
    inside.event(view);
  }, inside);
  reader.enter(event, format);
  for (let at = event.at; at < event.bodyEnd; at += SLICE_BYTES) {
    reader.push(event.buffer.subarray(at, Math.min(at + SLICE_BYTES, event.bodyEnd)));
    yield inside.take();
  }
  reader.end();
}

/** Copies events out of the reader's buffer, and puts together those that are larger than it. */
class InnerEvents {
  readonly quiet = NO_TYPES;
  readonly #outer: LoggedEvent;
  #events: LoggedEvent[] = [];
  #large: Buffer | null = null;
  #filled = 0;

  constructor(outer: LoggedEvent) {
    this.#outer = outer;
  }

  event(view: EventView): void {
    const buffer = this.#large ?? Buffer.from(view.buffer.subarray(view.at, view.at + view.length));
    this.#large = null;
    const data = new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
    const place = { buffer, data, at: 0, available: buffer.length, bodyEnd: buffer.length };
    this.#events.push({
      ...view,
      ...place,
      number: this.#outer.number,
      opens: false,
      closes: null,
      isInside: true,
      afterTorn: false,
    });
  }

  begin({ length }: EventView): boolean {
    this.#large = Buffer.allocUnsafeSlow(length);
    this.#filled = 0;
    return true;
  }

  bytes(bytes: Buffer): void {
    if (this.#large !== null) this.#filled += bytes.copy(this.#large, this.#filled);
  }

  release(): void {
    // Its events are copies.
  }

  take(): readonly LoggedEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }
}
