import { isAscii, isUtf8 } from 'node:buffer';

/** Character sets in which the bytes of ASCII mean something else. */
const NOT_ASCII: ReadonlySet<string> = new Set(['ucs2', 'utf16', 'utf16le', 'utf32', 'swe7', 'unknown']);
const UTF8: ReadonlySet<string> = new Set(['utf8', 'utf8mb3', 'utf8mb4']);
/** What Node decodes, by the servers' names. */
const DECODERS: ReadonlyMap<string, string> = new Map([
  ...([
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

/** The text that bytes are; null where they are none. */
export type Decoder = (bytes: Buffer) => string | null;

/** True of UTF-8 in any of its names. */
export function isUtf8Name(charset: string | undefined): boolean {
  return charset !== undefined && UTF8.has(charset);
}

/** True where the bytes of ASCII mean what they do there. */
export function holdsAscii(charset: string | undefined): boolean {
  return charset !== undefined && !NOT_ASCII.has(charset);
}

/** @param charset the server's name of it. @returns null for one that Node does not know */
export function decoderOf(charset: string): Decoder | null {
  if (UTF8.has(charset)) return (bytes) => (isUtf8(bytes) ? bytes.toString('utf8') : null);
  if (charset === 'ascii') return (bytes) => (isAscii(bytes) ? bytes.toString('latin1') : null);
  if (charset === 'latin1') return (bytes) => withCp1252(bytes.toString('latin1'));
  const label = DECODERS.get(charset);
  if (label === undefined) return null;
  const decoder = new TextDecoder(label, { fatal: true, ignoreBOM: true });
  return (bytes) => {
    try {
      return decoder.decode(bytes);
    } catch {
      return null;
    }
  };
}

/** What 0x80 to 0x9f are in cp1252, which the servers call latin1; five of them are nothing. */
const CP1252_UPPER = '€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ';

/** Node 20 decodes cp1252 as ISO 8859-1, and loses a ÿ at the beginning. */
function withCp1252(text: string): string {
  return text.replaceAll(/[\x80-\x9f]/g, (found) => CP1252_UPPER[found.charCodeAt(0) - 0x80] ?? found);
}
