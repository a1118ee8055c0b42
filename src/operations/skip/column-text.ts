import type { TextType } from '../../recovery/consequences/table-facts.ts';

const NAME = '`(?:[^`]|``)+`';
const TYPE = '((?:long|medium|tiny)?text|(?:var)?char)\\b(?:\\(\\d+\\))?(?: \\/\\*.*?\\*\\/)?';
const COLUMN = new RegExp(`^ *${NAME} ${TYPE}(?: CHARACTER SET (\\w+))?(?: COLLATE (\\w+))?`, 'i');
const COMMENT = / COMMENT='.*$/;
const TABLE = /\bDEFAULT CHARSET=(\w+)(?: COLLATE=(\w+))?/;

/** What the line of a column in a CREATE TABLE says of its text; null of one that is no text. Servers write them always alike. */
export function textOfColumn(line: string): TextType | 'as its table' | null {
  const [, type, charset, collation = null] = COLUMN.exec(line) ?? [];
  if (type === undefined) return null;
  if (charset !== undefined) return { charset, collation };
  return collation === null ? 'as its table' : { charset: collation.replace(/_.*$/, ''), collation };
}

/** What the last line of a CREATE TABLE says of the texts in it. */
export function textOfTable(line: string): TextType {
  const [, charset = 'unknown', collation = null] = TABLE.exec(line.replace(COMMENT, '')) ?? [];
  return { charset, collation };
}
