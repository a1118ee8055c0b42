import { randomBytes } from 'node:crypto';
import type { ServerConnection } from '../../server/connection.ts';
import { quoteName } from '../../server/quote-name.ts';
import { FOREIGN_COMES, FOREIGN_GONE } from './place-table.ts';
import { connectUnlogged } from './unlogged-session.ts';

const NOWHERE = 'lastgood_no_schema';

/** For a session that has no default schema yet: it remembers how that is. */
export const REMEMBER_NO_SCHEMA = `PREPARE ${NOWHERE} FROM 'DO 0'`;

/**
 * Brings a session, which has run `REMEMBER_NO_SCHEMA`, to default schemas that no statement of its own chooses. A second session
 * makes and drops what has to be there meanwhile: in the same one that would commit its transaction, and take its GTID.
 */
export class MissingSchema implements AsyncDisposable {
  readonly #session: ServerConnection;
  readonly #keepsPlace: boolean;
  #helper: ServerConnection | null = null;

  /** @param o.keepsPlace true where a killed run's place is told: then also that such a schema may have been left */
  constructor(session: ServerConnection, o: { keepsPlace: boolean }) {
    this.#session = session;
    this.#keepsPlace = o.keepsPlace;
  }

  /**
   * Has the session execute statements while a schema is there that is not: so it gets a default schema that was dropped under the
   * source's session.
   *
   * @throws LastgoodError what `connect` and `ServerConnection.query` throw; a schema that is there after all stays
   */
  async whileThere(schema: string, statements: readonly string[]): Promise<void> {
    const helper = (this.#helper ??= await connectUnlogged(this.#session));
    if (this.#keepsPlace) await helper.query(FOREIGN_COMES);
    await helper.query(`CREATE DATABASE ${quoteName(schema)}`);
    try {
      for (const statement of statements) await this.#session.query(statement);
    } finally {
      await helper.query(`DROP DATABASE ${quoteName(schema)}`);
    }
    if (this.#keepsPlace) await helper.query(FOREIGN_GONE);
  }

  /**
   * Leaves the session without a default schema. A prepared statement runs with the default schema of when it was prepared, here none,
   * and the session comes back to its own: that one is gone then, so it has none.
   * Source: MariaDB 10.11 and MySQL 5.6 sql/sql_db.cc, mysql_change_db with force_switch; tried on both.
   *
   * @throws LastgoodError what `whileThere` throws
   */
  async leave(): Promise<void> {
    const gone = `lastgood_${randomBytes(6).toString('hex')}`;
    await this.whileThere(gone, [`USE ${gone}`]);
    await this.#session.query(`EXECUTE ${NOWHERE}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#helper?.close();
  }
}
