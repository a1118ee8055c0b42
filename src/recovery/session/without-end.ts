import type { Dialect } from '../../incident/dialect.ts';
import { Tokenizer } from '../../incident/tokenizer.ts';

const NEWLINE = 0x0a;
/** Only then can a semicolon be the last that counts: behind it stands nothing, or the text ends in a comment. */
const MAY_HAVE_END = /;\s*$|\*\/\s*$|--|#/;

/**
 * The statement without a semicolon at its end and the comments behind that. A session that takes several statements in a command
 * would take them for one more, and answer it. Seen on MariaDB 10.11.19 and MySQL 5.6.24.
 */
export function withoutEnd(text: Buffer, dialect: Dialect): Buffer {
  if (!text.includes(';') || !MAY_HAVE_END.test(lastLine(text))) return text;
  const tokens = new Tokenizer(text.toString('latin1'), dialect); // one character for each byte
  let last = tokens.next();
  for (let token = last; token.kind !== 'end'; token = tokens.next()) last = token;
  return last.kind === 'symbol' && last.text === ';' ? text.subarray(0, last.start) : text;
}

/** Blank lines behind it count to it. */
function lastLine(text: Buffer): string {
  let end = text.length;
  while (end > 0 && (text[end - 1] ?? 0) <= 0x20) end -= 1;
  return text.toString('latin1', end === 0 ? 0 : text.lastIndexOf(NEWLINE, end - 1) + 1);
}
