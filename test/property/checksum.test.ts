import fc from 'fast-check';
import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { hasValidChecksum, isResidue, RunChecksum, updateChecksum } from '../../src/binlog/checksum.ts';

/** Bytes with their CRC32 behind them, as an event has it. */
function sealed(bytes: Uint8Array): Buffer {
  const event = Buffer.alloc(bytes.length + 4);
  event.set(bytes);
  event.writeUInt32LE(crc32(bytes), bytes.length);
  return event;
}

/** Lengths on both sides of the tables' limit; the shortest event is a header and its CRC. */
const bodyLength = fc.oneof(
  fc.integer({ min: 19, max: 300 }),
  fc.integer({ min: 2030, max: 2060 }),
  fc.integer({ min: 300, max: 5000 }),
);

const event = fc
  .tuple(bodyLength, fc.integer())
  .map(([length, seed]) => sealed(Uint8Array.from({ length }, (_, index) => seed + index * index)));

const run = fc.array(event, { minLength: 1, maxLength: 12 });

function matches(events: readonly Buffer[], checksum = new RunChecksum()): boolean {
  for (const { length } of events) checksum.add(length);
  return checksum.matches(Buffer.concat(events));
}

describe('RunChecksum', () => {
  it('accepts every run of events whose own checksums are right', () => {
    fc.assert(fc.property(run, (events) => matches(events)));
  });

  it('refuses a run exactly when one of its events is wrong by itself', () => {
    fc.assert(
      fc.property(run, fc.nat(), fc.nat(7), fc.boolean(), (events, pick, bit, spoil) => {
        const victim = events[pick % events.length] ?? Buffer.alloc(0);
        if (spoil) victim[pick % victim.length] = (victim[pick % victim.length] ?? 0) ^ (1 << bit);
        const each = events.every((bytes) => crc32(bytes.subarray(0, -4)) === bytes.readUInt32LE(bytes.length - 4));
        expect(each).toBe(!spoil);
        expect(matches(events)).toBe(each);
      }),
    );
  });

  it('starts anew after each answer', () => {
    fc.assert(
      fc.property(run, run, (first, second) => {
        const checksum = new RunChecksum();
        return matches(first, checksum) && matches(second, checksum);
      }),
    );
  });

  it('accepts nothing as a run of nothing', () => {
    expect(new RunChecksum().matches(Buffer.alloc(0))).toBe(true);
  });

  it('refuses two whole events that were taken for others of the same length together', () => {
    const checksum = new RunChecksum();
    const [short, long] = [sealed(Buffer.alloc(19, 1)), sealed(Buffer.alloc(500, 2))];
    checksum.add(long.length);
    checksum.add(short.length);
    expect(checksum.matches(Buffer.concat([short, long]))).toBe(false);
  });
});

describe('the checksum of one event', () => {
  it('is right when its last four bytes are the CRC of the others', () => {
    fc.assert(
      fc.property(event, fc.nat(), fc.nat(7), (bytes, pick, bit) => {
        expect(hasValidChecksum(bytes)).toBe(true);
        bytes[pick % bytes.length] = (bytes[pick % bytes.length] ?? 0) ^ (1 << bit);
        expect(hasValidChecksum(bytes)).toBe(false);
      }),
    );
  });

  it('comes out the same in pieces', () => {
    fc.assert(
      fc.property(event, fc.array(fc.nat(), { maxLength: 5 }), (bytes, cuts) => {
        const places = [0, ...cuts.map((cut) => cut % bytes.length).sort((a, b) => a - b), bytes.length];
        const pieces = places.slice(1).map((to, index) => bytes.subarray(places[index], to));
        const crc = pieces.reduce(updateChecksum, 0);
        expect(crc).toBe(crc32(bytes));
        expect(isResidue(crc)).toBe(true);
      }),
    );
  });

  it('is wrong for fewer bytes than a checksum has', () => {
    expect(hasValidChecksum(Buffer.alloc(3))).toBe(false);
  });
});
