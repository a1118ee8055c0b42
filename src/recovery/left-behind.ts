import type { Flavor } from '../binlog/gtid.ts';
import { quoteName } from '../server/quote-name.ts';
import { putBackStatements } from './borrowed-settings.ts';
import { dropAccount } from './preflight/checks.ts';
import { REMOVE_MARKER, type Marker } from './restore-marker.ts';
import { TARGET_WORDS } from './target-words.ts';

/** What is on a server after a restore that did not end well. */
export interface LeftBehind {
  readonly flavor: Flavor;
  readonly schemas: readonly string[];
  /** As `readAccounts` gives them. */
  readonly accounts: readonly string[];
  readonly marker: Marker;
  /** The server's gtid_slave_pos or gtid_executed: where it is not empty, a replay had begun, and no strict mode forbids to empty it. */
  readonly applied: string;
}

/** As what was loaded: else the server would have GTIDs that the source's log does not have, and MySQL take no restore. */
const UNLOGGED = 'SET SESSION sql_log_bin = 0';

/** Statements that make a server empty again that held nothing but a part of a restore. For a person: nothing of ours runs them. */
export function emptyingStatements({ flavor, schemas, accounts, marker, applied }: LeftBehind): string[] {
  const drops = schemas.map((name) => `DROP DATABASE ${quoteName(name)}`);
  const words = TARGET_WORDS[flavor];
  const ours = marker.account === null ? [] : words.dropOurs(marker.account);
  const others = accounts.filter((name) => name !== marker.account).map(dropAccount);
  return [
    ...words.forgetPrimaries,
    `${UNLOGGED}, foreign_key_checks = 0`,
    ...drops,
    ...others,
    ...ours,
    ...(applied === '' ? [] : [words.emptyApplied]),
    ...putBackStatements(marker.borrowed),
    REMOVE_MARKER,
  ];
}

/** Statements that hand over what is proven, and only was not handed over. */
export function finishingStatements({ borrowed, account }: Marker, flavor: Flavor): string[] {
  return [
    UNLOGGED,
    ...putBackStatements(borrowed),
    ...(account === null ? [] : TARGET_WORDS[flavor].dropOurs(account)),
    REMOVE_MARKER,
  ];
}

/** How many of them a hint tells; all are in an error's details. */
const TOLD = 12;

/** For a hint. */
export function tellStatements(statements: readonly string[]): string {
  const told = statements.slice(0, TOLD).map((statement) => `${statement};`);
  const rest = statements.length - told.length;
  return rest === 0 ? told.join(' ') : `${told.join(' ')} and ${rest} more, all of them in the error's details.`;
}

/** All of them, one a line, for an error's details. */
export function asScript(statements: readonly string[]): string {
  return statements.map((statement) => `${statement};`).join('\n');
}
