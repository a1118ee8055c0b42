import { join } from 'node:path';
import { mkdir } from 'node:fs/promises';
import { takeOut, type Salvaged } from '../../src/operations/salvage/take-out.ts';
import { listTables, readTableStates } from '../../src/recovery/table-state.ts';
import type { ServerConnection } from '../../src/server/connection.ts';
import { checksums } from './compare.ts';
import type { TestServer } from './servers.ts';

/** A schema with one of everything, and things of the same name elsewhere. */
export const SHOP = [
  "CREATE USER IF NOT EXISTS 'app'@'%' IDENTIFIED BY 'app-password'",
  'CREATE DATABASE IF NOT EXISTS crm',
  'CREATE TABLE IF NOT EXISTS crm.customer (id INT PRIMARY KEY, name VARCHAR(50))',
  "INSERT IGNORE INTO crm.customer VALUES (1, 'Ann'), (2, 'Bob')",
  "CREATE DATABASE shop CHARACTER SET latin1 COLLATE latin1_german1_ci COMMENT 'it''s ours'",
  'CREATE SEQUENCE shop.numbers START WITH 100 CACHE 5',
  `CREATE TABLE shop.\`product é\` (id INT AUTO_INCREMENT PRIMARY KEY, price FLOAT, label VARCHAR(40) CHARACTER SET utf8mb4,
     twice DOUBLE AS (price * 2) STORED, tags SET('a', 'ü'), raw BLOB, hidden INT INVISIBLE DEFAULT 7, CHECK (price < 1000))`,
  "INSERT INTO shop.`product é` (price, label, tags, raw) VALUES (1/3, 'naïve 😀', 'a,ü', x'00FF0A27'), (1e-30, '', '', NULL)",
  `CREATE TABLE shop.orders (id BIGINT PRIMARY KEY DEFAULT nextval(shop.numbers), product INT, customer INT, note TEXT,
     CONSTRAINT of_product FOREIGN KEY (product) REFERENCES shop.\`product é\` (id),
     CONSTRAINT of_customer FOREIGN KEY (customer) REFERENCES crm.customer (id) ON DELETE CASCADE)`,
  "INSERT INTO shop.orders (product, customer, note) VALUES (1, 1, 'first'), (2, 2, 'dé\\'jà'), (NULL, NULL, NULL)",
  'CREATE TABLE shop.old (a CHAR(9), b TIMESTAMP(3) NULL) ENGINE=MyISAM PARTITION BY KEY (a) PARTITIONS 3',
  "INSERT INTO shop.old VALUES ('x', '2026-03-29 02:30:00.123'), (NULL, NULL)",
  'CREATE TABLE shop.journal (what VARCHAR(90))',
  'CREATE TRIGGER shop.after_order AFTER INSERT ON shop.orders FOR EACH ROW INSERT INTO shop.journal VALUES (NEW.note)',
  "CREATE TRIGGER shop.second AFTER INSERT ON shop.orders FOR EACH ROW INSERT INTO journal VALUES ('née')",
  'CREATE FUNCTION shop.doubled(n INT) RETURNS INT DETERMINISTIC RETURN n * 2',
  "CREATE PROCEDURE shop.reorder() SQL SECURITY INVOKER BEGIN INSERT INTO shop.orders (note) VALUES ('again'); END",
  "CREATE PROCEDURE shop.anywhere(t VARCHAR(90)) BEGIN EXECUTE IMMEDIATE CONCAT('DELETE FROM ', t); END",
  'CREATE VIEW shop.a_first AS SELECT id, doubled FROM (SELECT id, shop.doubled(id) AS doubled FROM shop.orders) AS o',
  'CREATE VIEW shop.spending AS SELECT c.name, o.id FROM shop.orders o JOIN crm.customer c ON c.id = o.customer',
  'CREATE VIEW shop.a_on_view AS SELECT * FROM shop.spending',
  'CREATE VIEW shop.notes AS SELECT id, note FROM shop.orders',
  'CREATE VIEW shop.a_checked AS SELECT id FROM shop.notes WHERE id > 0 WITH CASCADED CHECK OPTION',
  'CREATE TABLE shop.gone (id INT)',
  'CREATE VIEW shop.broken AS SELECT * FROM shop.gone',
  'DROP TABLE shop.gone',
  "CREATE EVENT shop.nightly ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01' DO DELETE FROM shop.journal",
  "GRANT SELECT ON shop.* TO 'app'@'%'",
  "GRANT UPDATE (note) ON shop.orders TO 'app'@'%'",
  "GRANT EXECUTE ON PROCEDURE shop.reorder TO 'app'@'%'",
  "GRANT SELECT ON crm.* TO 'app'@'%'",
];

/** They were made in their time, like those that come with the log. */
export const PASSED_EVENTS = [
  "SET timestamp = UNIX_TIMESTAMP('2001-01-01')",
  "CREATE EVENT shop.once ON SCHEDULE AT '2001-01-02' DO DELETE FROM shop.journal",
  "CREATE EVENT shop.sale ON SCHEDULE EVERY 1 DAY ENDS '2001-01-03' DO DELETE FROM shop.journal",
  'SET timestamp = DEFAULT',
];

/** What the server holds as `shop`, as after a restore of it. */
export async function takenFrom(
  server: TestServer,
  admin: ServerConnection,
  names: readonly string[] = [],
): Promise<Salvaged> {
  const temporary = join(server.directory, 'client');
  await mkdir(temporary, { recursive: true, mode: 0o700 });
  const tables = await readTableStates(admin, await listTables(admin));
  const scratch = { admin, login: server.serverOptions('scratch server'), temporary };
  return await takeOut(scratch, { tables }, { schema: 'shop', names });
}

/** Everything that a schema is, with its own name left out, so that schemas of different names can be compared. */
export async function portrait(connection: ServerConnection, schema: string): Promise<Record<string, unknown>> {
  const without = (text: unknown): string => String(text).replaceAll(`\`${schema}\``, '`SCHEMA`');
  const rows = async (sql: string): Promise<Record<string, unknown>[]> => await connection.query(sql, [schema]);
  const sums = Object.entries(await checksums(connection, [schema]));
  const tables = await rows(
    'SELECT TABLE_NAME AS name, TABLE_TYPE AS type FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? ORDER BY 1',
  );
  const created: string[] = [];
  for (const { name, type } of tables) {
    const quoted = `\`${schema}\`.\`${String(name)}\``;
    const [row] = await connection.query(`SHOW CREATE ${type === 'VIEW' ? 'VIEW' : 'TABLE'} ${quoted}`);
    created.push(without(Object.values(row ?? {})[1]));
    if (type === 'SEQUENCE') created.push(JSON.stringify(await connection.query(`SELECT * FROM ${quoted}`)));
  }
  return {
    sums: sums.map(([name, sum]) => [name.slice(schema.length + 1), sum]),
    created,
    schema: await rows(
      `SELECT DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME, SCHEMA_COMMENT FROM information_schema.SCHEMATA
       WHERE SCHEMA_NAME = ?`,
    ),
    triggers: (
      await rows(
        `SELECT TRIGGER_NAME, EVENT_OBJECT_TABLE, ACTION_STATEMENT, ACTION_ORDER, ACTION_TIMING, SQL_MODE, DEFINER,
                CHARACTER_SET_CLIENT, COLLATION_CONNECTION
         FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = ? ORDER BY 1`,
      )
    ).map((row) => without(JSON.stringify(row))),
    routines: await rows(
      `SELECT ROUTINE_NAME, ROUTINE_TYPE, ROUTINE_DEFINITION, SQL_MODE, SECURITY_TYPE, DEFINER, DTD_IDENTIFIER,
              CHARACTER_SET_CLIENT, COLLATION_CONNECTION FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = ? ORDER BY 1`,
    ),
    events: await rows(
      `SELECT EVENT_NAME, EVENT_DEFINITION, INTERVAL_VALUE, INTERVAL_FIELD, STARTS, TIME_ZONE, DEFINER, SQL_MODE
       FROM information_schema.EVENTS WHERE EVENT_SCHEMA = ? ORDER BY 1`,
    ),
  };
}
