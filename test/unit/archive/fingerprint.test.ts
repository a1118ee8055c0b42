import { crc32 } from 'node:zlib';
import { expect, it } from 'vitest';
import { Fingerprint, fingerprintKey } from '../../../src/archive/fingerprint.ts';

const KEY = fingerprintKey();

function fingerprint(pieces: readonly Uint8Array[], key = KEY): string {
  const made = new Fingerprint(key);
  for (const piece of pieces) made.update(piece);
  return made.digest();
}

/** As an event has it: its own CRC32 behind it. */
function checked(text: string): Buffer {
  const bytes = Buffer.from(`${text}....`);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, -4)), bytes.length - 4);
  return bytes;
}

it('is the same however the bytes are cut', () => {
  const bytes = Buffer.alloc(100_003, 'whatever is in it');
  const whole = fingerprint([bytes]);
  expect(
    fingerprint([bytes.subarray(0, 7), bytes.subarray(7, 8), bytes.subarray(8, 65_001), bytes.subarray(65_001)]),
  ).toBe(whole);
  expect(fingerprint([bytes], fingerprintKey())).not.toBe(whole);
});

it('differs for any changed bit, for a shorter end, and for bytes added', () => {
  const bytes = Buffer.from('thirty-three bytes, two and a bit');
  const whole = fingerprint([bytes]);
  for (let bit = 0; bit < 8 * bytes.length; bit += 1) {
    const changed = Buffer.from(bytes);
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    expect(fingerprint([changed])).not.toBe(whole);
  }
  expect(fingerprint([bytes.subarray(0, -1)])).not.toBe(whole);
  expect(fingerprint([bytes, Buffer.alloc(1)])).not.toBe(whole);
});

it('tells events of one length apart that have changed places, which a CRC does not', () => {
  const [one, other] = [checked('an event'), checked('another!')];
  expect(crc32(Buffer.concat([one, other]))).toBe(crc32(Buffer.concat([other, one])));
  expect(fingerprint([one, other])).not.toBe(fingerprint([other, one]));
});
