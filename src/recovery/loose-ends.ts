import type { ServerConnection } from '../server/connection.ts';
import { SYSTEM_SCHEMAS } from '../server/facts.ts';

/**
 * Rolls back XA transactions that were prepared at the cut and not finished: their locks would outlive the restore, and
 * who knew how they should end was connected to the source.
 *
 * @returns a warning for each, with its id as XA COMMIT would take it
 */
export async function rollBackPrepared(admin: ServerConnection): Promise<string[]> {
  // Source: MariaDB manual, "XA Transactions": FORMAT='SQL' gives ids as statements need them, since 10.3.3.
  const prepared = await admin.query<{ data: string }>("XA RECOVER FORMAT='SQL'");
  for (const { data } of prepared) await admin.query(`XA ROLLBACK ${data}`);
  return prepared.map(
    ({ data }) => `XA transaction ${data} was prepared at the target, but not yet committed: it is rolled back`,
  );
}

/** What a restored server has that is not as a person may expect, although it is as planned. */
export async function findLooseEnds(admin: ServerConnection): Promise<string[]> {
  return [...(await memoryTables(admin)), ...(await disabledEvents(admin))];
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
          'ALTER EVENT <name> ENABLE enables one, SET GLOBAL event_scheduler = ON lets them run',
      ];
}

async function readNames(admin: ServerConnection, sql: string): Promise<string[]> {
  return (await admin.query<{ name: string }>(sql)).map(({ name }) => name);
}
