import type { Chance } from '../support/chance.ts';

/** Values at which lengths, counts and offsets go wrong. */
const EDGES = [
  0, 1, 2, 18, 19, 20, 23, 0x7f, 0x80, 0xfa, 0xfb, 0xfc, 0xfd, 0xfe, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0xffffffff,
];

type Mutation = (bytes: Buffer, chance: Chance) => Buffer;

const MUTATIONS: readonly Mutation[] = [
  function flipBits(bytes, chance) {
    const changed = Buffer.from(bytes);
    for (let left = 1 + chance.size(20); left > 0; left -= 1) {
      const at = chance.int(changed.length);
      changed.writeUInt8(changed.readUInt8(at) ^ (1 << chance.int(8)), at);
    }
    return changed;
  },
  function writeEdge(bytes, chance) {
    const changed = Buffer.from(bytes);
    const width = Math.min(chance.pick([1, 2, 4]), changed.length);
    const value = chance.pick(EDGES) % 2 ** (8 * width);
    const at = chance.int(changed.length - width + 1);
    if (chance.happens(0.8)) changed.writeUIntLE(value, at, width);
    else changed.writeUIntBE(value, at, width);
    return changed;
  },
  function cut(bytes, chance) {
    return bytes.subarray(0, chance.int(bytes.length));
  },
  function leaveOut(bytes, chance) {
    const from = chance.int(bytes.length);
    const to = Math.min(bytes.length, from + 1 + chance.size(bytes.length));
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
  },
  function insert(bytes, chance) {
    const at = chance.int(bytes.length + 1);
    return Buffer.concat([bytes.subarray(0, at), chance.bytes(1 + chance.size(200)), bytes.subarray(at)]);
  },
  function repeat(bytes, chance) {
    const from = chance.int(bytes.length);
    const to = Math.min(bytes.length, from + 1 + chance.size(bytes.length));
    const at = chance.int(bytes.length + 1);
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(from, to), bytes.subarray(at)]);
  },
];

/** The same bytes but for a few wrong ones: flipped, cut, left out, inserted, repeated, or a length that lies. */
export function mutateBytes(bytes: Buffer, chance: Chance): Buffer {
  let changed = bytes;
  for (let left = 1 + chance.size(3); left > 0 && changed.length > 0; left -= 1) {
    changed = chance.pick(MUTATIONS)(changed, chance);
  }
  return changed;
}
