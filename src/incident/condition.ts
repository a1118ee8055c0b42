import { isWord, keywordOf, type TokenReader } from './token-reader.ts';

/** What may follow a condition. */
const AFTER: readonly string[] = ['ORDER', 'LIMIT', 'RETURNING', ';'];

/**
 * Tells a condition that is none, as people write it to be allowed to change every row: WHERE 1, WHERE TRUE, WHERE 1=1,
 * WHERE 'a'='a', WHERE NOT 0, WHERE 5 > 3, WHERE 1 OR id = 5. Takes it. Only constants are worked out: false for all that needs
 * to know more.
 */
export function alwaysHolds(reader: TokenReader): boolean {
  reader.takeWord('WHERE');
  return readAny(reader) === true && (reader.peek.kind === 'end' || reader.isAt(AFTER));
}

/** Undefined where it depends on a row, or is written in a way that is not known here. */
type Truth = boolean | undefined;

/** One that holds is enough: then the others are passed over. */
function readAny(reader: TokenReader): Truth {
  for (;;) {
    const holds = readAll(reader);
    if (holds === undefined || !reader.takeWord('OR')) return holds;
    if (!holds) continue;
    reader.skipTo([...AFTER, ')']);
    return true;
  }
}

function readAll(reader: TokenReader): Truth {
  let all = true;
  do {
    const holds = readOne(reader);
    if (holds === undefined) return undefined;
    all &&= holds;
  } while (reader.takeWord('AND'));
  return all;
}

/** NOT of a comparison depends on the SQL mode: what follows such a NOT is no end of a condition, so it is not known. */
function readOne(reader: TokenReader): Truth {
  if (reader.takeWord('NOT', '!')) return negated(readOperand(reader));
  if (reader.peek.kind === 'string') return readEqualTexts(reader);
  return reader.isAt(['(']) ? readOperand(reader) : readComparison(reader);
}

function negated(truth: Truth): Truth {
  return truth === undefined ? undefined : !truth;
}

function readOperand(reader: TokenReader): Truth {
  if (!reader.takeWord('(')) return isTrue(readNumber(reader));
  const holds = readAny(reader);
  return reader.takeWord(')') ? holds : undefined;
}

/** Texts that differ may be equal to the server, and are no truth by themselves: 'a' is not. */
function readEqualTexts(reader: TokenReader): Truth {
  const { text } = reader.take();
  if (!reader.takeWord('=') || reader.peek.kind !== 'string') return undefined;
  return reader.take().text === text ? true : undefined;
}

const OPERATORS: ReadonlyMap<string, (left: number, right: number) => boolean> = new Map([
  ['=', (left, right) => left === right],
  ['<=>', (left, right) => left === right],
  ['<>', (left, right) => left !== right],
  ['!=', (left, right) => left !== right],
  ['<', (left, right) => left < right],
  ['<=', (left, right) => left <= right],
  ['>', (left, right) => left > right],
  ['>=', (left, right) => left >= right],
]);

function readComparison(reader: TokenReader): Truth {
  const left = readNumber(reader);
  let sign = '';
  while (reader.isAt(['=', '<', '>', '!'])) sign += reader.take().text;
  if (sign === '' || left === undefined) return isTrue(left);
  const right = readNumber(reader);
  return right === undefined ? undefined : OPERATORS.get(sign)?.(left, right);
}

function isTrue(number: number | undefined): Truth {
  return number === undefined ? undefined : number !== 0;
}

/** More digits than a number is exact with are not compared. */
const DIGITS = /^\d{1,15}$/;

/** 1 · -1 · 1.0 · TRUE · FALSE */
function readNumber(reader: TokenReader): number | undefined {
  const isNegative = reader.takeWord('-');
  const token = reader.take();
  if (isWord(token, 'TRUE') || isWord(token, 'FALSE')) return isNegative ? undefined : Number(isWord(token, 'TRUE'));
  let text = keywordOf(token);
  if (!DIGITS.test(text)) return undefined;
  if (reader.takeWord('.') && DIGITS.test(reader.peek.text)) text += `.${reader.take().text}`;
  return isNegative ? -Number(text) : Number(text);
}
