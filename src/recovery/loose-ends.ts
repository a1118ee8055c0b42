import { isLastgoodError } from '../platform/errors.ts';
import type { ServerConnection } from '../server/connection.ts';
import { SYSTEM_SCHEMAS } from '../server/facts.ts';
import type { RestoreTarget } from './restore-target.ts';

/**
 * Ends XA transactions that were prepared at the cut and not finished: their locks would outlive the restore, and who
 * knew how they should end was connected to the source. With `keep` they stay, for that one to decide.
 *
 * @returns a warning for each, with its id as XA COMMIT would take it
 */
export async function settlePrepared(admin: ServerConnection, { keep }: { keep: boolean }): Promise<string[]> {
  // MySQL 5.6 logs none before it is committed, and other versions are no targets; what is prepared there is not the restore's. Seen on 5.6.24.
  if (admin.flavor === 'mysql') return [];
  // Source: MariaDB manual, "XA Transactions": FORMAT='SQL' gives ids as statements need them, since 10.3.3.
  const prepared = await admin.query<{ data: string }>("XA RECOVER FORMAT='SQL'");
  if (!keep) for (const { data } of prepared) await rollBack(admin, data);
  const outcome = keep
    ? 'it stays so, with its locks, until XA COMMIT or XA ROLLBACK with this id'
    : 'it is rolled back';
  return prepared.map(
    ({ data }) => `XA transaction ${data} was prepared at the target, but not yet committed: ${outcome}`,
  );
}

/** ER_XA_RBROLLBACK */
const ALREADY_ROLLED_BACK = 1402;

/** What changed nothing is still listed as prepared, but went with the session that prepared it. Source: seen on MariaDB 10.11.19. */
async function rollBack(admin: ServerConnection, id: string): Promise<void> {
  try {
    await admin.query(`XA ROLLBACK ${id}`);
  } catch (error) {
    if (!isLastgoodError(error, 'SERVER_QUERY_FAILED') || error.details['errno'] !== ALREADY_ROLLED_BACK) throw error;
  }
}

/** Whose rows are on another server, or in files beside the server's own. */
const LEADS_AWAY = "'FEDERATED', 'CONNECT', 'SPIDER'";

/** Tables that lead out of the server: what the log writes to them is written there, by whoever replays it. */
export async function findWaysOut(admin: ServerConnection): Promise<string[]> {
  const names = await readNames(
    admin,
    `SELECT CONCAT(TABLE_SCHEMA, '.', TABLE_NAME, ' (', ENGINE, ')') AS name FROM information_schema.TABLES
     WHERE ENGINE IN (${LEADS_AWAY}) AND TABLE_SCHEMA NOT IN (${SYSTEM_SCHEMAS}) ORDER BY name`,
  );
  const [what, lead] = names.length === 1 ? ['table', 'leads'] : ['tables', 'lead'];
  return names.length === 0
    ? []
    : [
        `${names.length} ${what} ${lead} to other servers or files: ${names.join(', ')}; what the log writes to them was written there once more, and no proof reads them`,
      ];
}

/** What a restored server has that is not as a person may expect, although it is as planned. */
export async function findLooseEnds({ admin, kind }: Pick<RestoreTarget, 'admin' | 'kind'>): Promise<string[]> {
  // Only a scratch server is started anew before it is handed over.
  const emptied = kind === 'scratch' ? await memoryTables(admin) : [];
  return [...emptied, ...(await disabledEvents(admin)), ...(await enabledEvents(admin))];
}

async function memoryTables(admin: ServerConnection): Promise<string[]> {
  const names = await readNames(
    admin,
    `SELECT CONCAT(TABLE_SCHEMA, '.', TABLE_NAME) AS name FROM information_schema.TABLES
     WHERE ENGINE = 'MEMORY' AND TABLE_ROWS > 0 AND TABLE_SCHEMA NOT IN (${SYSTEM_SCHEMAS}) ORDER BY name`,
  );
  const [what, are] = names.length === 1 ? ['table', 'is'] : ['tables', 'are'];
  return names.length === 0
    ? []
    : [`${names.length} MEMORY ${what} ${are} empty after the restart, as after any restart: ${names.join(', ')}`];
}

/** Events replicate as SLAVESIDE_DISABLED, and a replica's dump has them so too. */
async function disabledEvents(admin: ServerConnection): Promise<string[]> {
  const names = await readNames(
    admin,
    `SELECT CONCAT(EVENT_SCHEMA, '.', EVENT_NAME) AS name FROM information_schema.EVENTS
     WHERE STATUS = 'SLAVESIDE_DISABLED' ORDER BY name`,
  );
  const [what, are] = names.length === 1 ? ['event', 'is'] : ['events', 'are'];
  return names.length === 0
    ? []
    : [
        `${names.length} ${what} ${are} disabled, as on any replica: ${names.join(', ')}; ` +
          'ALTER DEFINER = <its definer> EVENT <name> ENABLE enables one, SET GLOBAL event_scheduler = ON lets them run',
      ];
}

/** A session makes events as they are written down; an applier makes none that run. */
async function enabledEvents(admin: ServerConnection): Promise<string[]> {
  const names = await readNames(
    admin,
    `SELECT CONCAT(EVENT_SCHEMA, '.', EVENT_NAME) AS name FROM information_schema.EVENTS
     WHERE STATUS = 'ENABLED' AND EVENT_SCHEMA NOT IN (${SYSTEM_SCHEMAS}) ORDER BY name`,
  );
  const [what, are, run] = names.length === 1 ? ['event', 'is', 'runs'] : ['events', 'are', 'run'];
  return names.length === 0
    ? []
    : [`${names.length} ${what} ${are} enabled, and ${run} where event_scheduler is ON: ${names.join(', ')}`];
}

async function readNames(admin: ServerConnection, sql: string): Promise<string[]> {
  return (await admin.query<{ name: string }>(sql)).map(({ name }) => name);
}
