import type { Flavor } from '../../../src/binlog/gtid.ts';
import type { LogFormat } from '../incident-forms/form.ts';

/** Statements of one session that destroy nothing, as plain data; `$db` and `$dir` as in the incident forms. */
export interface HarmlessSession {
  readonly name: string;
  /** What is there before; `WORDY_TABLE` when not given. */
  readonly setup?: readonly string[];
  readonly statements: readonly HarmlessStatement[];
  readonly flavor?: Flavor;
  readonly formats?: readonly LogFormat[];
  readonly collation?: string;
}

/** A statement, or one that the server refuses. */
export type HarmlessStatement = string | { readonly fails: string };

/** A table with keys and words in it. */
export const WORDY_TABLE: readonly string[] = [
  `CREATE TABLE a (id INT AUTO_INCREMENT PRIMARY KEY, v INT DEFAULT 0, w VARCHAR(200), UNIQUE u (v), KEY k (w)) CHARSET utf8`,
  "INSERT INTO a VALUES (1, 1, 'DROP TABLE a'), (2, 2, 'TRUNCATE a'), (3, 3, 'DELETE FROM a')",
];
