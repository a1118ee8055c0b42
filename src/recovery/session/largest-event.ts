import { EVENT, EVENT_HEADER_BYTES } from '../../binlog/event-type.ts';
import { LastgoodError } from '../../platform/errors.ts';
import { throwIfAborted } from '../../platform/wait.ts';
import type { ServedRange } from '../../server/served-range.ts';

const BLOCK_BYTES = 1024 * 1024;

/** An event and the size of the commands that it takes. */
interface SizedEvent {
  readonly file: string;
  readonly offset: number;
  readonly bytes: number;
}

interface Room {
  /** Of the target's max_allowed_packet. */
  readonly packetBytes: number;
  /** True where row events can be sent in two commands. */
  readonly inHalves: boolean;
}

/**
 * Reads the heads of all events, to know before anything is executed whether the target can take the largest.
 *
 * @throws LastgoodError `PREFLIGHT_FAILED` when it cannot, `INTERRUPTED`
 */
export async function requireRoom(ranges: readonly ServedRange[], room: Room, signal?: AbortSignal): Promise<void> {
  for (const range of ranges) {
    const largest = await findLargest(range, room, signal);
    if (largest.bytes > room.packetBytes) throw tooLarge(largest, room.packetBytes);
  }
}

/** Row events in base64, with the words around them and a TABLE_MAP; statements as they are. What packs others is not known. */
function commandBytes(type: number, bytes: number, { inHalves }: Room): number {
  if (TEXTS.has(type)) return bytes;
  if (!ROWS.has(type)) return 0;
  return Math.ceil((((bytes + ENVELOPE_BYTES) / 3) * 4) / (inHalves ? 2 : 1));
}

const ENVELOPE_BYTES = 4096;
const TEXTS: ReadonlySet<number> = new Set([EVENT.QUERY, EVENT.EXECUTE_LOAD_QUERY]);
const ROWS: ReadonlySet<number> = new Set([23, 24, 25, 30, 31, 32, 39]);

async function findLargest(range: ServedRange, room: Room, signal: AbortSignal | undefined): Promise<SizedEvent> {
  await using source = await range.open(range.from);
  const block = Buffer.allocUnsafe(BLOCK_BYTES);
  let largest = { file: range.file, offset: range.from, bytes: 0 };
  let next = range.from; // of the next event's head
  let blockAt = range.from;
  let kept = 0;
  for (;;) {
    throwIfAborted(signal);
    const got = await source.read(block, kept);
    if (got === 0 || blockAt >= range.to) return largest;
    const filled = kept + got;
    while (next - blockAt + EVENT_HEADER_BYTES <= filled && next < range.to) {
      const head = next - blockAt;
      const length = Math.max(block.readUInt32LE(head + 9), EVENT_HEADER_BYTES);
      const bytes = commandBytes(block.readUInt8(head + 4), length, room);
      if (bytes > largest.bytes) largest = { file: range.file, offset: next, bytes };
      next += length;
    }
    const from = Math.min(next - blockAt, filled);
    kept = block.copy(block, 0, from, filled);
    blockAt += from;
  }
}

function tooLarge({ file, offset, bytes }: SizedEvent, packetBytes: number): LastgoodError {
  return new LastgoodError(
    'PREFLIGHT_FAILED',
    `the event at ${file}:${offset} takes a command of ${bytes} bytes, and the target's max_allowed_packet is ${packetBytes}`,
    {
      details: { file, offset, bytes, packetBytes },
      hint: 'Raise max_allowed_packet on the target, up to 1G, or restore with an account that may. Nothing was executed.',
    },
  );
}
