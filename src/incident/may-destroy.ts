import { RULES } from './grammar.ts';

/**
 * Looks at a statement's first two letters: almost every statement of a log is passed over here, undecoded.
 * False is certain. Comments before the statement are skipped as bytes, which is right in every character set: no
 * further byte of a character is a star, a slash or below 0x20.
 */
export function mayDestroy(text: Buffer): boolean {
  const at = skipPlainComments(text);
  const pair = letterPair(text, at);
  return pair === NOT_LETTERS ? at < text.length : FIRST_PAIRS.has(pair);
}

const NOT_LETTERS = 0;
const SLASH = 0x2f;
const STAR = 0x2a;
/** What makes a comment executable: an exclamation mark, or an M before it. */
const MARKS: readonly (number | undefined)[] = [0x21, 0x4d];

const FIRST_PAIRS: ReadonlySet<number> = new Set(
  RULES.flatMap(({ head }) => (head[0] ?? []).map((word) => letterPair(Buffer.from(word), 0))),
);

/** Two letters, lower case, as one number. */
function letterPair(text: Buffer, at: number): number {
  const first = (text[at] ?? 0) | 0x20;
  const second = (text[at + 1] ?? 0) | 0x20;
  return isLetter(first) && isLetter(second) ? (first << 8) | second : NOT_LETTERS;
}

function isLetter(lowerCase: number): boolean {
  return lowerCase >= 0x61 && lowerCase <= 0x7a;
}

/** Stops at whatever is not certainly white space or a plain comment between slashes and stars. */
function skipPlainComments(text: Buffer): number {
  let at = 0;
  for (;;) {
    while (at < text.length && (text[at] ?? 0) <= 0x20) at += 1;
    if (text[at] !== SLASH || text[at + 1] !== STAR || MARKS.includes(text[at + 2])) return at;
    const close = text.indexOf('*/', at + 2);
    at = close === -1 ? text.length : close + 2;
  }
}
