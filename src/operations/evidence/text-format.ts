import { isAscii, isUtf8 } from 'node:buffer';
import { decoderOf, holdsAscii, isUtf8Name } from './charset-decoder.ts';
import type { ColumnFormat } from './column-format.ts';

/** Characters that a quoted literal would lose or that would spoil a terminal. */
const CONTROLS = /[\0-\x1f\x7f]/;

/**
 * Text. A literal is quoted where its bytes surely mean the same to the server, else its very bytes are written: a
 * hexadecimal literal has no character set and is stored as it is.
 *
 * @param charset the server's name of it; undefined when it is not known
 */
export function textFormat(charset: string | undefined): ColumnFormat {
  const isUtf = isUtf8Name(charset);
  const hasAscii = holdsAscii(charset);
  const decode = shownBy(charset);
  return {
    text: (value) => decode(value as Buffer),
    sql: (value) => {
      const bytes = value as Buffer;
      if (!(isUtf ? isUtf8(bytes) : hasAscii && isAscii(bytes))) return hexLiteral(bytes);
      const text = bytes.toString('utf8');
      return CONTROLS.test(text) ? escapedLiteral(text) : quote(text);
    },
  };
}

/** Bytes. @param width to which the server has cut off trailing zeros; 0 where it does not */
export function bytesFormat(width: number): ColumnFormat {
  const whole = (value: Buffer): Buffer => {
    if (value.length >= width) return value;
    return Buffer.concat([value, Buffer.alloc(width - value.length)]);
  };
  return {
    text: (value) =>
      `0x${whole(value as Buffer)
        .toString('hex')
        .toUpperCase()}`,
    sql: (value) => hexLiteral(whole(value as Buffer)),
  };
}

/** A quoted string in a session without NO_BACKSLASH_ESCAPES. */
export function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}

function hexLiteral(bytes: Buffer): string {
  return bytes.length === 0 ? "''" : `x'${bytes.toString('hex').toUpperCase()}'`;
}

function escapedLiteral(text: string): string {
  const escaped = quote(text)
    .replaceAll('\0', '\\0')
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r')
    .replaceAll('\t', '\\t')
    .replaceAll('\x1a', '\\Z')
    .replaceAll('\b', '\\b');
  return CONTROLS.test(escaped) ? hexLiteral(Buffer.from(text)) : escaped;
}

function shownBy(charset: string | undefined): (bytes: Buffer) => string {
  const decode = charset === undefined ? null : decoderOf(charset);
  const asUtf8 = (bytes: Buffer): string | null => (isUtf8(bytes) ? bytes.toString('utf8') : null);
  // What has no character is shown as it is.
  return (bytes) => (decode ?? asUtf8)(bytes) ?? bytesFormat(0).text(bytes);
}
