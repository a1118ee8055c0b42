import type { ServerConnection } from '../server/connection.ts';
import { SYSTEM_SCHEMAS } from '../server/facts.ts';

/** A table whose engine knows no transactions: what a crash halves, it does not make whole again. */
export interface FragileTable {
  /** `schema.table` */
  readonly name: string;
  /** 'MEMORY': any restart empties it. 'unknown' where the server cannot read the table's definition. */
  readonly engine: string;
}

/** All of the users' schemas, by name. */
export async function readFragileTables(connection: ServerConnection): Promise<FragileTable[]> {
  return await connection.query<{ name: string; engine: string }>(
    `SELECT CONCAT(TABLE_SCHEMA, '.', TABLE_NAME) AS name, IFNULL(ENGINE, 'unknown') AS engine FROM information_schema.TABLES
     WHERE TABLE_SCHEMA NOT IN (${SYSTEM_SCHEMAS}) AND TABLE_TYPE NOT LIKE '%VIEW' AND IFNULL(ENGINE, '') <> 'InnoDB'
     ORDER BY name`,
  );
}

/** True of what is gone with its server's process. */
export function isInMemory({ engine }: FragileTable): boolean {
  return engine === 'MEMORY';
}
