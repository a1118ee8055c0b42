import type { ColumnFormat } from './column-format.ts';

/** Dates and times are quoted as they are shown. */
export function clockFormat(text: (value: unknown) => string): ColumnFormat {
  return { text, sql: (value) => `'${text(value)}'` };
}

const SIGN_WRAPS_MS = 2 ** 32 * 1000;
const TIMESTAMP_PATTERN = /^(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(\.\d+)?$/;

/**
 * In UTC. The decoder takes the seconds for signed, but no TIMESTAMP is before 1970: MariaDB 11.5 goes on to 2106.
 */
export const timestampFormat: ColumnFormat = clockFormat((value) => {
  const text = String(value);
  const [, year = '', month = '', day = '', hour = '', minute = '', second = '', fraction = ''] =
    TIMESTAMP_PATTERN.exec(text) ?? [];
  if (year === '' || year === '0000' || Number(year) >= 1970) return text;
  const wrapped = Date.UTC(+year, +month - 1, +day, +hour, +minute, +second) + SIGN_WRAPS_MS;
  return `${new Date(wrapped).toISOString().slice(0, 19).replace('T', ' ')}${fraction}`;
});

/** Bits of hours, minutes and seconds in a packed time. */
const HOURS = 4096;
const MINUTES = 64;
const PACKED_ZERO = 0x800000;

/**
 * A TIME as row images hold it. Source: MySQL 9 mysys/my_time.cc, my_time_packed_from_binary; MariaDB 10.11 sql/field.cc.
 *
 * @param decimals null for the form of three bytes that servers wrote before MySQL 5.6 and MariaDB 10.0: hhmmss in decimal
 */
export function packedTime(bytes: Buffer, decimals: number | null): string {
  if (decimals === null) return oldTime(bytes.readIntLE(0, 3));
  const fractionBytes = bytes.length - 3;
  const unit = 256 ** fractionBytes;
  const signed = bytes.readUIntBE(0, bytes.length) - PACKED_ZERO * unit;
  const packed = Math.abs(signed);
  const whole = Math.floor(packed / unit);
  const [hour, minute, second] = [Math.floor(whole / HOURS), Math.floor(whole / MINUTES) % 64, whole % MINUTES];
  const digits = String(packed % unit).padStart(2 * fractionBytes, '0');
  const fraction = decimals === 0 ? '' : `.${digits.slice(0, decimals)}`;
  return `${signed < 0 ? '-' : ''}${two(hour)}:${two(minute)}:${two(second)}${fraction}`;
}

function oldTime(value: number): string {
  const digits = Math.abs(value);
  const [hour, minute, second] = [Math.floor(digits / 10_000), Math.floor(digits / 100) % 100, digits % 100];
  return `${value < 0 ? '-' : ''}${two(hour)}:${two(minute)}:${two(second)}`;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}
