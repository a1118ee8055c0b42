import { deflateSync, inflateSync } from 'node:zlib';
import { compress, decompress } from 'zstd-napi';
import { EVENT, EVENT_HEADER_BYTES } from '../../src/binlog/event-type.ts';
import { parsePayloadHeader } from '../../src/binlog/payload-header.ts';
import { storedPayload } from '../support/payload-builder.ts';
import type { Chance } from '../support/chance.ts';
import { mutateBytes } from './mutate-bytes.ts';
import { bodyEnd, type RawLog } from './raw-log.ts';

type Mutation = (log: RawLog, chance: Chance, other: RawLog) => Buffer[];

const MUTATIONS: readonly Mutation[] = [
  function wrongBody(log, chance) {
    return withChanged(log, chance, (event) => withBody(event, log, mutateBytes(bodyOf(event, log), chance)));
  },
  function otherHeader(log, chance) {
    return withChanged(log, chance, (event) => {
      const changed = Buffer.from(event);
      const at = chance.pick([0, 4, 4, 4, 5, 17, 18]);
      changed.writeUInt8(chance.int(256), at);
      return changed;
    });
  },
  function withoutSome(log, chance) {
    const from = chance.int(log.events.length);
    return log.events.filter((_, index) => index < from || index > from + chance.size(5));
  },
  function inOtherOrder(log, chance) {
    const events = [...log.events];
    const [moved] = events.splice(chance.int(events.length), 1);
    if (moved !== undefined) events.splice(chance.int(events.length + 1), 0, moved);
    return events;
  },
  function spliced(log, chance, other) {
    const from = chance.int(other.events.length);
    const taken = other.events.slice(from, from + 1 + chance.size(20));
    const at = chance.int(log.events.length + 1);
    return [...log.events.slice(0, at), ...taken, ...log.events.slice(at)];
  },
  function wrongInside(log, chance) {
    return log.events.map((event) => (chance.happens(0.5) ? wrongContent(event, log, chance) : event));
  },
];

/** The same events but for a few: wrong inside, left out, doubled, moved, of another log, or packed with wrong content. */
export function mutateLog(log: RawLog, chance: Chance, other: RawLog): RawLog {
  let events: readonly Buffer[] = log.events;
  for (let left = 1 + chance.size(3); left > 0 && events.length > 0; left -= 1) {
    events = chance.pick(MUTATIONS)({ ...log, events }, chance, other);
  }
  return { ...log, events };
}

function withChanged(log: RawLog, chance: Chance, change: (event: Buffer) => Buffer): Buffer[] {
  const index = chance.int(log.events.length);
  return log.events.map((event, at) => (at === index ? change(event) : event));
}

function bodyOf(event: Buffer, log: RawLog): Buffer {
  return event.subarray(EVENT_HEADER_BYTES, Math.max(EVENT_HEADER_BYTES, bodyEnd(event, log)));
}

/** Room for a checksum stays behind the body, where the log has checksums. */
function withBody(event: Buffer, { withChecksums }: RawLog, body: Buffer): Buffer {
  return Buffer.concat([event.subarray(0, EVENT_HEADER_BYTES), body, Buffer.alloc(withChecksums ? 4 : 0)]);
}

/** An event that is packed as it should be, with something wrong in what was packed. */
function wrongContent(event: Buffer, log: RawLog, chance: Chance): Buffer {
  if (event[4] === EVENT.TRANSACTION_PAYLOAD) return withBody(event, log, wrongPayload(event, chance));
  const body = bodyOf(event, log);
  const packedAt = body.indexOf(ZLIB_MAGIC);
  if (packedAt < 2) return event;
  try {
    const plain = mutateBytes(inflateSync(body.subarray(packedAt)), chance);
    return withBody(event, log, Buffer.concat([body.subarray(0, packedAt), deflateSync(plain)]));
  } catch {
    return event; // another change was there before
  }
}

const ZLIB_MAGIC = Buffer.from([0x78, 0x9c]);

function wrongPayload(event: Buffer, chance: Chance): Buffer {
  const header = parsePayloadHeader(event, EVENT_HEADER_BYTES, event.length);
  if (typeof header === 'string') return event.subarray(EVENT_HEADER_BYTES);
  try {
    const stored = event.subarray(header.end, header.end + header.payloadBytes);
    const plain = mutateBytes(header.compression === 'zstd' ? decompress(stored) : stored, chance);
    const payload = chance.happens(0.8)
      ? { bytes: compress(plain), compression: 'zstd' }
      : { bytes: plain, compression: 'none' };
    const plainBytes = chance.happens(0.8) ? plain.length : null;
    return storedPayload(Buffer.from(payload.bytes), {
      compression: payload.compression as 'zstd' | 'none',
      plainBytes,
    }).body;
  } catch {
    return event.subarray(EVENT_HEADER_BYTES); // another change was there before
  }
}
