import type { IncidentKind, IncidentState } from './incident.ts';

/** A destructive statement: a row of the table below. */
export interface Form {
  readonly kind: IncidentKind;
  /** What is known when the source logged it with an error. */
  readonly afterError: IncidentState;
}

/**
 * Every destructive statement that is found by its text, written as in the manuals: A|B is one of both, [ ] may be
 * absent. From the first word to the first bracket or name it is certain that the statement is of this kind.
 * DROP TEMPORARY TABLE is none: what it drops was never anybody else's.
 * Source: MariaDB 10.11 sql/sql_yacc.yy; MySQL 8.4 manual, "Data Definition Statements".
 */
const FORMS: readonly (Form & { readonly syntax: string })[] = [
  { kind: 'drop-database', syntax: 'DROP DATABASE|SCHEMA [IF EXISTS] <database>', afterError: 'unknown' },
  {
    kind: 'drop-table',
    syntax: 'DROP TABLE|TABLES [IF EXISTS] <tables> [WAIT <value>] [NOWAIT] [RESTRICT|CASCADE]',
    // Error 1051 names the tables that did not exist; the others were dropped. Seen on MySQL 5.6.24.
    afterError: 'effective',
  },
  {
    kind: 'truncate-table',
    syntax: 'TRUNCATE [TABLE] <tables> [WAIT <value>] [NOWAIT] [DROP|REUSE STORAGE]',
    afterError: 'unknown',
  },
];

/** What may stand before a statement and changes nothing of what it destroys. */
const PREFIXES: readonly string[] = ['SET STATEMENT <settings> FOR', 'ANALYZE [FORMAT = <value>]'];

/** settings: everything up to the next word · value: one token. */
type Placeholder = 'database' | 'tables' | 'settings' | 'value';

export type Element =
  | { readonly type: 'words'; readonly words: readonly string[] }
  | { readonly type: 'optional'; readonly elements: readonly Element[] }
  | { readonly type: Placeholder };

/** A row, ready to be matched: the words of `head` decide, `rest` gives the names. */
export interface Rule {
  /** null for a prefix. */
  readonly form: Form | null;
  readonly head: readonly (readonly string[])[];
  readonly rest: readonly Element[];
}

export const RULES: readonly Rule[] = [
  ...FORMS.map((form) => parseRule(form.syntax, form)),
  ...PREFIXES.map((syntax) => parseRule(syntax, null)),
];

function parseRule(syntax: string, form: Form | null): Rule {
  const elements = parseSyntax(syntax);
  const certain = elements.findIndex((element) => element.type !== 'words');
  const head = elements.slice(0, certain).flatMap((element) => (element.type === 'words' ? [element.words] : []));
  return { form, head, rest: elements.slice(certain) };
}

function parseSyntax(syntax: string): Element[] {
  return Array.from(syntax.matchAll(/\[([^\]]*)\]|<(\w+)>|\S+/g), ([part, optional, placeholder]) => {
    if (optional !== undefined) return { type: 'optional', elements: parseSyntax(optional) };
    if (placeholder !== undefined) return { type: placeholder as Placeholder };
    return { type: 'words', words: part.split('|') };
  });
}
