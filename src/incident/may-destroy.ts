import type { QueryEvent } from '../binlog/group.ts';
import { afterWordOutside, endOfWord, isWordAt, letterPair } from './word-search.ts';

/** A statement that most logs are full of, and the reserved word that makes it harmless; in lower case, as bytes. */
interface CommonStatement {
  readonly statement: Buffer;
  /** Empty where it is harmless by itself. */
  readonly word: Buffer;
  /** Behind this one the word tells nothing: `INSERT ... SELECT ... ON DUPLICATE KEY UPDATE a = VALUES(a)`. */
  readonly unless: Buffer;
  readonly isCondition: boolean;
}

/**
 * The rows that INSERT and REPLACE write out are no mass, and what has a condition is told by counting rows.
 * No two begin with the same two letters.
 */
const COMMON: ReadonlyMap<number, CommonStatement> = new Map(
  Object.entries({
    ...{ delete: ['where'], update: ['where'], insert: ['values', 'duplicate'], replace: ['values', 'select'] },
    ...{ savepoint: [], rollback: [] },
  }).map(([statement, [word = '', unless = '']]) => {
    const bytes = Buffer.from(statement);
    const words = { word: Buffer.from(word), unless: Buffer.from(unless) };
    return [letterPair(bytes, 0), { statement: bytes, ...words, isCondition: word === 'where' }];
  }),
);

/**
 * Tells by one word or two that a statement destroys nothing: almost every one of a log is passed over here, undecoded.
 * False is certain. Comments before the statement are skipped as bytes, which is right in every character set: no
 * further byte of a character is a star, a slash or below 0x20.
 */
export function mayDestroy(query: QueryEvent): boolean {
  const { text } = query;
  const at = skipPlainComments(text);
  if (at === text.length) return false;
  const common = COMMON.get(letterPair(text, at));
  if (common === undefined) return true;
  const end = endOfWord(text, at);
  if (end - at !== common.statement.length || !isWordAt(text, at, common.statement)) return true;
  if (common.word.length === 0) return false;
  const after = afterWordOutside(query, common, end);
  return after === -1 || (common.isCondition && mayAlwaysHold(text, after));
}

const SLASH = 0x2f;
const STAR = 0x2a;
/** What makes a comment executable: an exclamation mark, or an M before it. */
const MARKS: readonly (number | undefined)[] = [0x21, 0x4d];

/** Stops at whatever is not certainly white space or a plain comment between slashes and stars. */
function skipPlainComments(text: Buffer): number {
  let at = 0;
  for (;;) {
    while (isBlank(text[at])) at += 1;
    if (text[at] !== SLASH || text[at + 1] !== STAR || MARKS.includes(text[at + 2])) return at;
    const close = text.indexOf('*/', at + 2);
    at = close === -1 ? text.length : close + 2;
  }
}

const OPEN = 0x28;
const CONSTANT_WORDS: readonly Buffer[] = ['true', 'false', 'not'].map((word) => Buffer.from(word));

/** WHERE 1, WHERE 'a'='a', WHERE TRUE, WHERE NOT 0: the condition must be read. */
function mayAlwaysHold(text: Buffer, from: number): boolean {
  let at = from;
  while (isBlank(text[at]) || text[at] === OPEN) at += 1;
  const first = text[at] ?? 0;
  const isName = first === 0x60 || first >= 0x80 || isLetter(first | 0x20);
  if (!isName) return true;
  const length = endOfWord(text, at) - at;
  return CONSTANT_WORDS.some((word) => word.length === length && isWordAt(text, at, word));
}

function isBlank(code: number | undefined): boolean {
  return code === 0x20 || (code !== undefined && code >= 0x09 && code <= 0x0d);
}

function isLetter(lowerCase: number): boolean {
  return lowerCase >= 0x61 && lowerCase <= 0x7a;
}
