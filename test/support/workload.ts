import { randomInt } from 'node:crypto';
import type { ServerConnection } from '../../src/server/connection.ts';

export interface WorkloadOptions {
  /** Created with their tables when missing; `shop` and `crm` when not given. */
  readonly schemas?: readonly string[];
  /** Connections that write at once; 2 when not given. */
  readonly writers?: number;
  readonly engine?: 'InnoDB' | 'MyISAM' | 'Aria';
}

export interface Workload extends AsyncDisposable {
  /** Transactions committed so far. */
  readonly committed: number;
  /** Ends the writers after their present transactions. Throws what a writer met. */
  stop(): Promise<void>;
}

const ACCOUNTS = 20;
const TRANSACTIONS_PER_CALL = 25;

/**
 * Writes until stopped: transfers between accounts, each with a line in a journal, so that in every consistent
 * copy the balances' sum is 0 and the journal has as many lines as the transfers' count says (`isWhole`).
 */
export async function startWorkload(
  connect: () => Promise<ServerConnection>,
  { schemas = ['shop', 'crm'], writers = 2, engine = 'InnoDB' }: WorkloadOptions = {},
): Promise<Workload> {
  {
    await using connection = await connect();
    for (const schema of schemas) await createSchema(connection, schema, engine);
  }
  const state = { stopping: false, committed: 0 };
  const write = async (writer: number): Promise<void> => {
    await using connection = await connect();
    for (let call = writer; !state.stopping; call += 1) {
      const schema = schemas[call % schemas.length] ?? '';
      await connection.query(`CALL \`${schema}\`.transfer(?, ?)`, [TRANSACTIONS_PER_CALL, randomInt(1_000_000)]);
      state.committed += TRANSACTIONS_PER_CALL;
    }
  };
  const running = Promise.all(
    Array.from({ length: writers }, async (_, writer) => {
      await write(writer);
    }),
  );
  running.catch(() => undefined); // stop() throws it
  const stop = async (): Promise<void> => {
    state.stopping = true;
    await running;
  };
  return {
    get committed() {
      return state.committed;
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** True when a copy of a workload's schema shows no transfer by half. */
export async function isWhole(connection: ServerConnection, schema: string): Promise<boolean> {
  const [row] = await connection.query<{ balance: string; lines: string; transfers: string }>(
    `SELECT (SELECT SUM(balance) FROM \`${schema}\`.account) AS balance,
            (SELECT COUNT(*) FROM \`${schema}\`.journal) AS \`lines\`,
            (SELECT SUM(transfers) FROM \`${schema}\`.account) AS transfers`,
  );
  return row !== undefined && Number(row.balance) === 0 && Number(row.lines) * 2 === Number(row.transfers);
}

async function createSchema(connection: ServerConnection, schema: string, engine: string): Promise<void> {
  const statements = [
    `CREATE DATABASE IF NOT EXISTS \`${schema}\``,
    `CREATE TABLE IF NOT EXISTS \`${schema}\`.account (
       id INT PRIMARY KEY, balance BIGINT NOT NULL DEFAULT 0, transfers BIGINT NOT NULL DEFAULT 0) ENGINE=${engine}`,
    `INSERT IGNORE INTO \`${schema}\`.account (id) VALUES ${Array.from({ length: ACCOUNTS }, (_, id) => `(${id})`).join()}`,
    `CREATE TABLE IF NOT EXISTS \`${schema}\`.journal (
       id BIGINT AUTO_INCREMENT PRIMARY KEY, payer INT NOT NULL, payee INT NOT NULL, amount INT NOT NULL,
       note VARBINARY(100) NOT NULL) ENGINE=${engine}`,
    `CREATE OR REPLACE PROCEDURE \`${schema}\`.transfer(IN n INT, IN seed INT)
     BEGIN
       DECLARE i INT DEFAULT 0;
       DECLARE a INT;
       DECLARE b INT;
       WHILE i < n DO
         SET a = FLOOR(RAND(seed + i) * ${ACCOUNTS}), b = (a + 1 + (seed + i) MOD ${ACCOUNTS - 1}) MOD ${ACCOUNTS};
         START TRANSACTION;
         UPDATE account SET balance = balance + IF(id = a, -1, 1), transfers = transfers + 1 WHERE id IN (a, b);
         INSERT INTO journal (payer, payee, amount, note) VALUES (a, b, 1, UNHEX(SHA2(CONCAT(seed, i), 512)));
         COMMIT;
         SET i = i + 1;
       END WHILE;
     END`,
  ];
  const isMysql = connection.flavor === 'mysql';
  for (const statement of statements) {
    if (isMysql && statement.includes('OR REPLACE')) {
      await connection.query(`DROP PROCEDURE IF EXISTS \`${schema}\`.transfer`);
    }
    await connection.query(isMysql ? statement.replace('CREATE OR REPLACE', 'CREATE') : statement);
  }
}
