import { isAscii, isUtf8 } from 'node:buffer';
import type { ColumnFormat } from './column-format.ts';

/** Character sets in which the bytes of ASCII mean something else. */
const NOT_ASCII: ReadonlySet<string> = new Set(['ucs2', 'utf16', 'utf16le', 'utf32', 'swe7', 'unknown']);
const UTF8: ReadonlySet<string> = new Set(['utf8', 'utf8mb3', 'utf8mb4']);
/** What Node decodes, by the servers' names; the servers' latin1 is cp1252. */
const DECODERS: ReadonlyMap<string, string> = new Map([
  ...([
    ['latin1', 'windows-1252'],
    ['latin2', 'iso-8859-2'],
    ['latin5', 'windows-1254'],
    ['latin7', 'iso-8859-13'],
  ] as const),
  ...([
    ['cp1250', 'windows-1250'],
    ['cp1251', 'windows-1251'],
    ['cp1256', 'windows-1256'],
  ] as const),
  ...([
    ['cp1257', 'windows-1257'],
    ['cp866', 'ibm866'],
    ['koi8r', 'koi8-r'],
    ['koi8u', 'koi8-u'],
  ] as const),
  ...([
    ['greek', 'iso-8859-7'],
    ['hebrew', 'iso-8859-8'],
    ['tis620', 'windows-874'],
  ] as const),
  ...([
    ['sjis', 'shift_jis'],
    ['cp932', 'shift_jis'],
    ['ujis', 'euc-jp'],
    ['eucjpms', 'euc-jp'],
  ] as const),
  ...([
    ['euckr', 'euc-kr'],
    ['gbk', 'gbk'],
    ['gb2312', 'gbk'],
    ['gb18030', 'gb18030'],
    ['big5', 'big5'],
  ] as const),
  ...([
    ['ucs2', 'utf-16be'],
    ['utf16', 'utf-16be'],
    ['utf16le', 'utf-16le'],
  ] as const),
]);

/** Characters that a quoted literal would lose or that would spoil a terminal. */
const CONTROLS = /[\0-\x1f\x7f]/;

/**
 * Text. A literal is quoted where its bytes surely mean the same to the server, else its very bytes are written: a
 * hexadecimal literal has no character set and is stored as it is.
 *
 * @param charset the server's name of it; undefined when it is not known
 */
export function textFormat(charset: string | undefined): ColumnFormat {
  const isUtf = charset !== undefined && UTF8.has(charset);
  const hasAscii = charset !== undefined && !NOT_ASCII.has(charset);
  const decode = decoderOf(charset);
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

function decoderOf(charset: string | undefined): (bytes: Buffer) => string {
  const shown = (bytes: Buffer): string => bytesFormat(0).text(bytes);
  const label = charset === undefined ? undefined : DECODERS.get(charset);
  if (label === undefined) return (bytes) => (isUtf8(bytes) ? bytes.toString('utf8') : shown(bytes));
  const decoder = new TextDecoder(label, { fatal: true, ignoreBOM: true });
  return (bytes) => {
    try {
      return label === CP1252 ? withCp1252(decoder.decode(bytes)) : decoder.decode(bytes);
    } catch {
      return shown(bytes); // what has no character is shown as it is
    }
  };
}

const CP1252 = 'windows-1252';
/** What 0x80 to 0x9f are in cp1252, which the servers call latin1; five of them are nothing. */
const CP1252_UPPER = '€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ';

/** Node 20 decodes cp1252 as ISO 8859-1. */
function withCp1252(text: string): string {
  return text.replaceAll(/[\x80-\x9f]/g, (found) => CP1252_UPPER[found.charCodeAt(0) - 0x80] ?? found);
}
