import type { FormatDescription } from '../../binlog/format-description.ts';
import type { QueryEvent } from '../../binlog/group.ts';
import type { StatementContext } from '../../binlog/statement-context.ts';
import type { Collation } from './user-variable.ts';

/** Names of session variables with their values as SQL. */
export type SessionVariables = Readonly<Record<string, string>>;

/** Which variables a QUERY event's flags stand for: it depends on the server that wrote it, and on the one that executes. */
export type Options = readonly { readonly name: string; readonly bit: number; readonly onWhen: boolean }[];

/** Source: MySQL 8.4 sql/query_options.h and MariaDB 10.11 sql/sql_priv.h, OPTION_*; the bits seen on MariaDB 10.11.19. */
const COMMON: Options = [
  { name: 'sql_auto_is_null', bit: 1 << 14, onWhen: true },
  { name: 'foreign_key_checks', bit: 1 << 26, onWhen: false },
  { name: 'unique_checks', bit: 1 << 27, onWhen: false },
];
const CHECK_CONSTRAINTS = { name: 'check_constraint_checks', bit: 1 << 15, onWhen: false };
const IF_EXISTS = { name: 'sql_if_exists', bit: 1 << 28, onWhen: true };
const EXPLICIT_DEFAULTS = { name: 'explicit_defaults_for_timestamp', bit: 1 << 24, onWhen: true };
const INSERT_HISTORY = { name: 'system_versioning_insert_history', bit: 1 << 30, onWhen: true };

/** First patch of each MariaDB 10.x that writes EXPLICIT_DEFAULTS; before 10.5 none does, since 10.10 all do. */
const EXPLICIT_SINCE: Readonly<Record<number, number>> = { 5: 17, 6: 9, 7: 5, 8: 4, 9: 2 };

/**
 * The options that a server of this version writes. Autocommit is none: where transactions begin and end is said by other events.
 * Source: MariaDB 10.11 sql/log_event.h, Format_description_log_event::deduct_options_written_to_bin_log.
 */
export function optionsOf({ flavor, serverVersion }: Pick<FormatDescription, 'flavor' | 'serverVersion'>): Options {
  if (flavor === 'mysql') return COMMON;
  const version = versionOf(serverVersion);
  return [
    ...COMMON,
    ...(version >= 100_201 ? [CHECK_CONSTRAINTS] : []),
    ...(version >= 100_502 ? [IF_EXISTS] : []),
    ...(version >= explicitSince(version) ? [EXPLICIT_DEFAULTS] : []),
    ...(version >= 101_100 ? [INSERT_HISTORY] : []),
  ];
}

/** 101119 for 10.11.19-MariaDB. */
function versionOf(serverVersion: string): number {
  const digits = /(\d+)\.(\d+)\.(\d+)-mariadb/i.exec(serverVersion)?.slice(1).map(Number);
  const [major = 0, minor = 0, patch = 0] = digits ?? [];
  return major * 10_000 + minor * 100 + patch;
}

function explicitSince(version: number): number {
  const series = Math.floor(version / 100);
  const patch = EXPLICIT_SINCE[series - 1000];
  return patch === undefined ? 101_000 : series * 100 + patch;
}

/** Every variable that decides what the statement does, as an applier would set it. What the event leaves out stays as it was. */
export function variablesOf(query: QueryEvent, context: StatementContext, options: Options): SessionVariables {
  const { flags2, sqlMode, charset, timeZone } = context;
  const { autoIncrement = { increment: 1, offset: 1 } } = context;
  return {
    ...(charset === undefined ? {} : charsetVariables(charset)),
    pseudo_thread_id: String(query.threadId),
    timestamp: timestampOf(query.time, context.microseconds),
    ...(flags2 === undefined ? {} : optionVariables(flags2, options)),
    ...(sqlMode === undefined ? {} : { sql_mode: String(sqlMode) }),
    auto_increment_increment: String(autoIncrement.increment),
    auto_increment_offset: String(autoIncrement.offset),
    ...(timeZone === undefined ? {} : { time_zone: quote(timeZone) }),
    lc_time_names: String(context.lcTimeNames ?? 0),
    ...mysqlVariables(context),
  };
}

/** Set once the default schema is: choosing one sets it anew. */
export function databaseCollation({ charsetDatabase }: StatementContext): SessionVariables {
  return { collation_database: charsetDatabase === undefined ? 'DEFAULT' : String(charsetDatabase) };
}

/**
 * The collation of each character set, where it is another one than the oldest; an applier has none where the event says none. null when
 * the target does not know one of them. Source: MariaDB 11.8 manual, "character_set_collations".
 */
export function charsetDefaults(
  { characterSetCollations = [] }: StatementContext,
  collations: ReadonlyMap<number, Collation>,
): SessionVariables | null {
  const pairs = characterSetCollations.map(([charset, collation]) => [
    collations.get(charset),
    collations.get(collation),
  ]);
  const names = pairs.map(([charset, collation]) =>
    charset === undefined || collation === undefined ? null : `${charset.charset}=${collation.name}`,
  );
  return names.includes(null) ? null : { character_set_collations: quote(names.join()) };
}

function charsetVariables({ client, connection, server }: NonNullable<StatementContext['charset']>): SessionVariables {
  return {
    character_set_client: String(client),
    collation_connection: String(connection),
    collation_server: String(server),
  };
}

function optionVariables(flags: number, options: Options): SessionVariables {
  return Object.fromEntries(
    options.map(({ name, bit, onWhen }) => [name, ((flags & bit) !== 0) === onWhen ? '1' : '0']),
  );
}

/** MariaDB has the first one as an option. */
function mysqlVariables(context: StatementContext): SessionVariables {
  const { explicitDefaultsForTimestamp, defaultCollationForUtf8mb4, requirePrimaryKey, defaultTableEncryption } =
    context;
  return {
    ...flag('explicit_defaults_for_timestamp', explicitDefaultsForTimestamp),
    ...(defaultCollationForUtf8mb4 === undefined
      ? {}
      : { default_collation_for_utf8mb4: String(defaultCollationForUtf8mb4) }),
    ...flag('sql_require_primary_key', requirePrimaryKey),
    ...flag('default_table_encryption', defaultTableEncryption),
  };
}

function flag(name: string, on: boolean | undefined): SessionVariables {
  return on === undefined ? {} : { [name]: on ? '1' : '0' };
}

function timestampOf(seconds: number, microseconds = 0): string {
  return microseconds === 0 ? String(seconds) : `${seconds}.${String(microseconds).padStart(6, '0')}`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
