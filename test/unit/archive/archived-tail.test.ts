import { describe, expect, it } from 'vitest';
import { ArchivedTail } from '../../../src/archive/archived-tail.ts';

const FOUR_GIB = 2 ** 32;
const MIB = 1024 * 1024;

function tailOf(
  archived: Buffer,
  options: { size?: number; lastGroup?: number | null; lastAskable?: number | null } = {},
): ArchivedTail | null {
  const { size = archived.length, lastGroup = 4, lastAskable = 4 } = options;
  return ArchivedTail.of({
    ...{ file: 'binlog.000001', size, lastGroup, lastAskable },
    open: (from) => {
      let at = from;
      return {
        read: (target, into) => {
          const got = archived.copy(target, into, at, at + 1000); // in small pieces, as a compressed file gives them
          at += got;
          return Promise.resolve(got);
        },
        [Symbol.asyncDispose]: () => Promise.resolve(),
      };
    },
  });
}

describe('ArchivedTail', () => {
  const bytes = Buffer.from(Array.from({ length: 3 * MIB }, (_, n) => (n * 7) % 251));

  it('takes what it has, in whatever pieces it comes again, and then no more', async () => {
    const tail = tailOf(bytes, { lastGroup: 100 });
    expect([tail?.from, tail?.remaining]).toEqual([100, bytes.length - 100]);
    await tail?.match(bytes.subarray(100, 2 * MIB));
    await tail?.match(bytes.subarray(2 * MIB));
    expect(tail?.remaining).toBe(0);
    tail?.complete();
  });

  it.each([100, MIB + 1, 3 * MIB - 1])('refuses another byte, at %i', async (at) => {
    const sent = Buffer.from(bytes);
    sent.writeUInt8(sent.readUInt8(at) ^ 1, at);
    const tail = tailOf(bytes, { lastGroup: 100 });
    await expect(tail?.match(sent.subarray(100))).rejects.toMatchObject({
      code: 'LINEAGE_MISMATCH',
      message: "the source's 'binlog.000001' is not the file that was archived: its bytes from 100 on are others",
    });
  });

  it('refuses an archive that has less than it says, and a source that ends too early', async () => {
    await expect(tailOf(bytes.subarray(0, MIB), { size: 3 * MIB })?.match(bytes.subarray(4))).rejects.toMatchObject({
      code: 'LINEAGE_MISMATCH',
    });
    const tail = tailOf(bytes);
    await tail?.match(bytes.subarray(4, 50));
    expect(() => tail?.complete()).toThrow('is not the file that was archived');
  });

  it.each([
    ['its last group', { size: 5000, lastGroup: 3000 }, 3000],
    ['its end, when the last group is large', { size: 100 * MIB, lastGroup: 5 }, 100 * MIB],
    ['its first event, when it has no group', { size: 400, lastGroup: null }, 4],
    ['the last group below 4 GiB, when it ends behind', { size: FOUR_GIB + 10, lastGroup: FOUR_GIB - 1 }, FOUR_GIB - 1],
    ['the last place below 4 GiB', { size: FOUR_GIB + 5000, lastGroup: FOUR_GIB + 4000, lastAskable: 77 }, 77],
    ['nowhere, when no such place is known', { size: FOUR_GIB + 9, lastGroup: FOUR_GIB, lastAskable: null }, undefined],
  ])('asks from %s', (_, archived, from) => {
    expect(tailOf(Buffer.alloc(0), archived)?.from).toBe(from);
  });
});
