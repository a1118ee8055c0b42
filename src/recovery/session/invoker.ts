import type { Dialect } from '../../incident/dialect.ts';
import { Tokenizer, type Token } from '../../incident/tokenizer.ts';
import type { Invoker } from '../../binlog/statement-context.ts';

/** Statements about accounts: CURRENT_USER in them is whoever ran them. What others call so is decided when it is used. */
const ABOUT_ACCOUNTS = /^\s*(?:GRANT|REVOKE|SET|(?:CREATE|ALTER|DROP|RENAME)\s+(?:USER|ROLE))\b/i;
const ALTER_EVENT = /^(\s*ALTER)(\s+EVENT\b)/i;
const CREATE_ROLE = /^\s*CREATE\s+(?:OR\s+REPLACE\s+)?ROLE\b/i;
const HAS_ADMIN = /\bWITH\s+ADMIN\b/i;

/**
 * Says in the statement's own words who ran it, where that matters: a session cannot be somebody else. Servers write definers into
 * most statements themselves, but not into ALTER EVENT, which makes whoever runs it the definer, and not for CURRENT_USER
 * and CREATE ROLE. Tried on MariaDB 10.11.19.
 */
export function nameInvoker(text: Buffer, invoker: Invoker | undefined, dialect: Dialect): Buffer {
  if (invoker === undefined || invoker.user === '') return text;
  const sql = text.toString('latin1'); // one character for each byte
  const account = Buffer.from(accountOf(invoker)).toString('latin1');
  const named = name(sql, account, dialect);
  return named === sql ? text : Buffer.from(named, 'latin1');
}

function name(sql: string, account: string, dialect: Dialect): string {
  if (ALTER_EVENT.test(sql))
    return sql.replace(ALTER_EVENT, (_, alter, event) => `${alter} DEFINER=${account}${event}`);
  if (!ABOUT_ACCOUNTS.test(sql)) return sql;
  if (dialect.flavor === 'mariadb' && CREATE_ROLE.test(sql) && !HAS_ADMIN.test(sql))
    return `${sql}\n WITH ADMIN ${account}`; // it may end in a comment
  return replaceCurrentUser(sql, account, dialect);
}

function replaceCurrentUser(sql: string, account: string, dialect: Dialect): string {
  let named = '';
  let copied = 0;
  for (const { start, end } of currentUsers(new Tokenizer(sql, dialect))) {
    named += sql.slice(copied, start) + account;
    copied = end;
  }
  return named + sql.slice(copied);
}

/** With the parentheses behind, where there are any. */
function currentUsers(tokenizer: Tokenizer): { start: number; end: number }[] {
  const tokens: Token[] = [];
  for (let token = tokenizer.next(); token.kind !== 'end'; token = tokenizer.next()) tokens.push(token);
  return tokens.flatMap(({ kind, text, start, end }, at) => {
    if (kind !== 'word' || text.toUpperCase() !== 'CURRENT_USER') return [];
    const hasParentheses = tokens[at + 1]?.text === '(' && tokens[at + 2]?.text === ')';
    return [{ start, end: hasParentheses ? (tokens[at + 2]?.end ?? end) : end }];
  });
}

function accountOf({ user, host }: Invoker): string {
  const quote = (part: string): string => `\`${part.replaceAll('`', '``')}\``;
  return host === '' ? quote(user) : `${quote(user)}@${quote(host)}`;
}
