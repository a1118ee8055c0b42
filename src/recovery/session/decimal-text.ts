/** Bytes that hold so many digits, 0 to 9 of them. Source: MySQL 8.4 strings/decimal.cc, dig2bytes. */
const BYTES_OF_DIGITS = [0, 1, 1, 2, 2, 3, 3, 4, 4, 4];
const DIGITS_PER_WORD = 9;

/**
 * Reads a DECIMAL as servers store it: precision 1, scale 1, then words of nine digits, big-endian, a shorter one first before the point
 * and last behind it; the top bit says that it is not negative, and a negative one has all bits turned over.
 * Source: MySQL 8.4 strings/decimal.cc, decimal2bin.
 *
 * @returns the number with all its digits behind the point; null when the lengths contradict each other
 */
export function decimalText(stored: Buffer): string | null {
  const [precision = 0, scale = 0] = stored;
  if (precision === 0 || scale > precision) return null;
  const whole = precision - scale;
  const groups = [
    ...(whole % DIGITS_PER_WORD === 0 ? [] : [whole % DIGITS_PER_WORD]),
    ...words(whole),
    ...words(scale),
    ...(scale % DIGITS_PER_WORD === 0 ? [] : [scale % DIGITS_PER_WORD]),
  ];
  const bytes = Buffer.from(stored.subarray(2));
  if (bytes.length < groups.reduce((sum, digits) => sum + bytesOf(digits), 0)) return null;
  const negative = turnOver(bytes);
  const digits = digitsOf(bytes, groups);
  const number = `${digits.slice(0, whole) || '0'}${scale === 0 ? '' : `.${digits.slice(whole)}`}`;
  return negative ? `-${number}` : number;
}

/** Gives the bytes as those of a positive number. @returns whether it was negative */
function turnOver(bytes: Buffer): boolean {
  const negative = (bytes.readUInt8() & 0x80) === 0;
  bytes.writeUInt8(bytes.readUInt8() ^ 0x80);
  if (negative) bytes.forEach((byte, at) => (bytes[at] = byte ^ 0xff));
  return negative;
}

function words(digits: number): number[] {
  return Array.from({ length: Math.floor(digits / DIGITS_PER_WORD) }, () => DIGITS_PER_WORD);
}

function digitsOf(bytes: Buffer, groups: readonly number[]): string {
  let text = '';
  let at = 0;
  for (const digits of groups) {
    const size = bytesOf(digits);
    text += String(bytes.readUIntBE(at, size)).padStart(digits, '0');
    at += size;
  }
  return text;
}

function bytesOf(digits: number): number {
  return BYTES_OF_DIGITS[digits] ?? 0;
}
