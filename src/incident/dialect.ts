import type { Flavor } from '../binlog/gtid.ts';

/** Which server parsed the statements: what it executes in comments depends on it. */
export interface Source {
  readonly flavor: Flavor;
  /** 101119 for 10.11.19; Infinity when the version cannot be read. */
  readonly version: number;
}

/** How one statement is to be read. */
export interface Dialect extends Source {
  /** True when "x" is a name, false when it is a string. */
  readonly ansiQuotes: boolean;
  /** True when a backslash in a string takes the meaning from the character after it. */
  readonly backslashEscapes: boolean;
  readonly nbspIsBlank: boolean;
}

/** sql_mode bits. Source: MariaDB 10.11 sql/sql_class.h and MySQL 8.4 sql/system_variables.h, MODE_*. */
export const ANSI_QUOTES = 0x4;
export const NO_BACKSLASH_ESCAPES = 0x100000;

/** Reads what the parser needs to know from a server version as the log gives it: '10.11.19-MariaDB-log', '8.0.32'. */
export function sourceOf(format: { readonly flavor: Flavor; readonly serverVersion: string }): Source {
  const digits = /^(?:5\.5\.5-)?(\d+)\.(\d+)\.(\d+)/.exec(format.serverVersion)?.slice(1).map(Number);
  const [major = 0, minor = 0, patch = 0] = digits ?? [];
  return { flavor: format.flavor, version: digits === undefined ? Infinity : major * 10_000 + minor * 100 + patch };
}

/** The dialect of a statement written under `sqlMode`. */
export function dialectOf(source: Source, sqlMode: number, nbspIsBlank: boolean): Dialect {
  const { flavor, version } = source; // one by one: copying with `...` takes longer than reading a short statement
  return {
    flavor,
    version,
    ansiQuotes: (sqlMode & ANSI_QUOTES) !== 0,
    backslashEscapes: (sqlMode & NO_BACKSLASH_ESCAPES) === 0,
    nbspIsBlank,
  };
}

/**
 * Tells how many characters of `comment`, which begins with a comment's opening, hide nothing: behind them stands
 * SQL that the source executed. Null for a comment that is one.
 *
 * Source: sql/sql_lex.cc, MY_LEX_LONG_COMMENT, of MariaDB 10.11 and MySQL 5.6 and 8.4; tried against 10.11.19, 5.6.24.
 */
export function executableOpening(comment: string, { flavor, version }: Source): number | null {
  const match = OPENINGS[flavor].exec(comment);
  if (match === null) return null;
  const required = Number(match.groups?.['version'] ?? 0);
  const mariadbOnly = match.groups?.['mariadb'] !== undefined;
  const executed = required <= version && (flavor === 'mysql' || mariadbOnly || !isMysqlOnly(required));
  return executed ? match[0].length : null;
}

/** A number of fewer than five digits is no version but the beginning of the SQL. */
const OPENINGS: Readonly<Record<Flavor, RegExp>> = {
  mariadb: /^\/\*(?<mariadb>M)?!(?<version>\d{5,6})?/,
  // Six digits count only before white space, so that older servers, which read five, agree.
  mysql: /^\/\*!(?<version>\d{6}(?=\s)|\d{5})?/,
};

/** MariaDB leaves out what is marked for MySQL 5.7 to 9: it may be syntax that it reads differently. */
function isMysqlOnly(version: number): boolean {
  return version >= 50_700 && version <= 99_999;
}
