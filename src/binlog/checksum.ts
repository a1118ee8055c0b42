import { crc32 } from 'node:zlib';

/** Bytes of an event's CRC32, little-endian, at its end. */
export const CHECKSUM_BYTES = 4;

/** The CRC32 of any bytes followed by their own CRC32 in little-endian order. */
const RESIDUE = 0x2144df1c;

/** CRC-32's polynomial, bit-reversed. */
const POLYNOMIAL = 0xedb88320;

/** Lengths with a table of their own; longer events are rare enough to be multiplied the slow way. */
const MAX_TABLED_LENGTH = 2048;

/**
 * Checks the CRC32s of many events by one call over their bytes. An event with its right CRC behind it leaves
 * the register at a constant, so the CRC of a run of whole events is known from their lengths alone:
 * `crc(A B) = crc(A) * x^(8 |B|) + crc(B)`, with `crc(B)` the constant. Four table look-ups an event instead
 * of one native call; `npm run bench -- scan` shows what checking costs.
 */
export class RunChecksum {
  #expected = 0;

  /** Adds an event of so many bytes, its CRC included. */
  add(length: number): void {
    this.#expected = (shift(this.#expected, length) ^ RESIDUE) >>> 0;
  }

  /** True when every event added since the last call has its right CRC. `run` is all their bytes in order. */
  matches(run: Uint8Array): boolean {
    const expected = this.#expected;
    this.#expected = 0;
    return crc32(run) === expected;
  }
}

/** True when the event's last four bytes are the CRC32 of those before. */
export function hasValidChecksum(event: Uint8Array): boolean {
  return event.length >= CHECKSUM_BYTES && crc32(event) === RESIDUE;
}

/** Running CRC32 of bytes in pieces; the first `previous` is 0. A whole event with its CRC gives {@link isResidue}. */
export function updateChecksum(previous: number, bytes: Uint8Array): number {
  return crc32(bytes, previous);
}

export function isResidue(crc: number): boolean {
  return crc === RESIDUE;
}

/** Dense from the start: an array with holes becomes a hash table, which costs more than the checksums. */
const tables = new Array<Uint32Array | undefined>(MAX_TABLED_LENGTH + 1).fill(undefined);

/** The register after `length` zero bytes: multiplication by x^(8 length) modulo the polynomial. */
function shift(crc: number, length: number): number {
  if (crc === 0) return 0;
  if (length > MAX_TABLED_LENGTH) return multiply(powerOfX(8 * length), crc);
  const table = (tables[length] ??= buildTable(length));
  return lookUp(table, crc);
}

function lookUp(table: Uint32Array, crc: number): number {
  const low = (table[crc & 255] as number) ^ (table[256 + ((crc >>> 8) & 255)] as number);
  return low ^ (table[512 + ((crc >>> 16) & 255)] as number) ^ (table[768 + (crc >>> 24)] as number);
}

/** The product with every value of each of the four bytes: multiplication is linear, so four look-ups give any. */
function buildTable(length: number): Uint32Array {
  const factor = powerOfX(8 * length);
  const table = new Uint32Array(1024);
  for (let byte = 0; byte < 4; byte += 1) {
    for (let bit = 0; bit < 8; bit += 1) {
      const product = multiply(factor, (1 << (8 * byte + bit)) >>> 0);
      const size = 1 << bit;
      for (let low = 0; low < size; low += 1) {
        table[256 * byte + size + low] = (table[256 * byte + low] as number) ^ product;
      }
    }
  }
  return table;
}

/** The product of two polynomials modulo CRC-32's, bit-reversed: the highest bit is x^0. */
function multiply(a: number, b: number): number {
  let product = 0;
  let rest = b;
  for (let bit = 0x80000000; bit !== 0; bit >>>= 1) {
    if ((a & bit) !== 0) product ^= rest;
    rest = (rest & 1) === 0 ? rest >>> 1 : (rest >>> 1) ^ POLYNOMIAL;
  }
  return product >>> 0;
}

/** x^exponent by squaring. */
function powerOfX(exponent: number): number {
  let power = 0x80000000;
  let square = 0x40000000;
  for (let rest = exponent; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) power = multiply(power, square);
    square = multiply(square, square);
  }
  return power;
}
