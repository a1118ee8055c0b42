import type { Logger } from '../../platform/logger.ts';
import { connect, type ServerConnection } from '../../server/connection.ts';
import { allowBatches } from '../../server/statement-batch.ts';
import { REMEMBER_NO_SCHEMA } from './missing-schema.ts';
import { trySet } from './try-set.ts';
import type { Collation } from './user-variable.ts';

/** The most that a server can be told to take. Source: MySQL 8.4 manual, "max_allowed_packet". */
const ONE_GIB = 1_073_741_824;

/** What a replay needs of the target beside a session; disposing of it sets global variables back. */
export interface TargetLimits extends AsyncDisposable {
  /** Largest command, bytes. */
  readonly packetBytes: number;
  /** True when no server takes larger ones. */
  readonly isLargest: boolean;
  readonly collations: ReadonlyMap<number, Collation>;
  /** True where a session can say which collation each character set has: MariaDB since 11.2. */
  readonly hasCharsetDefaults: boolean;
}

/**
 * Has the target take commands as large as can be, and files of ours, as far as the account may: for sessions that begin afterwards.
 *
 * @throws LastgoodError what `ServerConnection.query` throws
 */
export async function raiseLimits(target: ServerConnection, log: Logger): Promise<TargetLimits> {
  const before = await readLimits(target);
  const changed = new Map<string, number>();
  const raise = async (name: string, value: number, enough: boolean): Promise<boolean> => {
    if (enough) return true;
    if (!(await trySet(target, `SET GLOBAL ${name} = ${value}`))) {
      log.warn({ [name]: Number(before[name as keyof Limits]) }, `the account may not set ${name} on the target`);
      return false;
    }
    changed.set(name, Number(before[name as keyof Limits]));
    return true;
  };
  const packet = Number(before.max_allowed_packet);
  const raised = await raise('max_allowed_packet', ONE_GIB, packet >= ONE_GIB);
  await raise('local_infile', 1, Number(before.local_infile) === 1);
  return {
    packetBytes: raised ? ONE_GIB : packet,
    isLargest: raised,
    collations: await readCollations(target),
    hasCharsetDefaults: (await target.query("SHOW VARIABLES LIKE 'character_set_collations'")).length > 0,
    async [Symbol.asyncDispose]() {
      for (const [name, value] of changed) await trySet(target, `SET GLOBAL ${name} = ${value}`);
    },
  };
}

interface Limits {
  readonly max_allowed_packet: string | number;
  readonly local_infile: string | number;
}

async function readLimits(target: ServerConnection): Promise<Limits> {
  const [row] = await target.query<Limits>(
    'SELECT @@GLOBAL.max_allowed_packet AS max_allowed_packet, @@GLOBAL.local_infile AS local_infile',
  );
  return row ?? { max_allowed_packet: 0, local_infile: 0 };
}

/** Since 10.10 MariaDB has collations that go with several character sets, listed elsewhere under their full names. */
async function readCollations(target: ServerConnection): Promise<Map<number, Collation>> {
  const rows = await target.query<{ id: number | string; name: string; charset: string }>(
    (await hasFullNames(target))
      ? `SELECT ID AS id, FULL_COLLATION_NAME AS name, CHARACTER_SET_NAME AS charset
         FROM information_schema.COLLATION_CHARACTER_SET_APPLICABILITY`
      : 'SELECT ID AS id, COLLATION_NAME AS name, CHARACTER_SET_NAME AS charset FROM information_schema.COLLATIONS',
  );
  return new Map(rows.map(({ id, name, charset }) => [Number(id), { name, charset }]));
}

async function hasFullNames(target: ServerConnection): Promise<boolean> {
  const rows = await target.query(
    `SELECT 1 FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = 'information_schema'
       AND TABLE_NAME = 'COLLATION_CHARACTER_SET_APPLICABILITY' AND COLUMN_NAME = 'FULL_COLLATION_NAME'`,
  );
  return rows.length > 0;
}

/**
 * Opens the session that executes the log, with what appliers have and sessions do not: prepared XA transactions do not block what
 * comes next, no statement is too long or too careless, and it may come back to having no default schema.
 *
 * @throws LastgoodError `SERVER_UNREACHABLE`, `ACCESS_DENIED`, `PRIVILEGE_MISSING`, `SERVER_QUERY_FAILED`
 */
export async function openSession(target: ServerConnection): Promise<ServerConnection> {
  const session = await connect(target.options);
  try {
    await allowBatches(session);
    for (const [statement, needed] of beginning(session)) {
      if (needed) await session.query(statement);
      else await trySet(session, statement);
    }
    return session;
  } catch (error) {
    await session.close();
    throw error;
  }
}

/** @returns each with whether a server must know it */
function beginning({ flavor }: ServerConnection): [statement: string, needed: boolean][] {
  return [
    ['SET SESSION autocommit = 1, completion_type = 0, sql_safe_updates = 0, sql_big_selects = 1', true],
    // Source: MariaDB 10.11 sql/xa.cc, trans_xa_prepare; MySQL since 5.7.7.
    ['SET SESSION pseudo_slave_mode = 1', false],
    // Row events cannot be written to a log in STATEMENT format.
    ["SET SESSION binlog_format = 'MIXED'", false],
    [REMEMBER_NO_SCHEMA, false], // where none may be prepared, what needs it fails, and says so
    ...(flavor === 'mariadb' ? ([['SET SESSION max_statement_time = 0', false]] as [string, boolean][]) : []),
  ];
}
