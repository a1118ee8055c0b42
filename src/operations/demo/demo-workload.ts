import { waitFor } from '../../platform/wait.ts';
import type { ServerConnection } from '../../server/connection.ts';

const WRITING_MS = 60_000;

/** Makes a shop and a warehouse: two schemas of one company. */
export async function createSchemas(connection: ServerConnection): Promise<void> {
  for (const statement of [
    'CREATE DATABASE shop',
    'CREATE TABLE shop.customers (id INT PRIMARY KEY, name VARCHAR(50) NOT NULL)',
    "INSERT INTO shop.customers SELECT seq, CONCAT('customer ', seq) FROM shop.seq_1_to_500",
    `CREATE TABLE shop.orders (
       id INT AUTO_INCREMENT PRIMARY KEY, customer INT NOT NULL, cents INT NOT NULL,
       FOREIGN KEY (customer) REFERENCES customers (id))`,
    'CREATE DATABASE warehouse',
    'CREATE TABLE warehouse.movements (id INT AUTO_INCREMENT PRIMARY KEY, article INT NOT NULL, pieces INT NOT NULL)',
  ]) {
    await connection.query(statement);
  }
}

/** A writer on a connection of its own, at work until it is stopped. */
export interface Writer extends AsyncDisposable {
  /** Transactions so far. */
  readonly committed: number;
  /** Resolves once it has committed so many more. */
  commits(more: number, signal: AbortSignal | undefined): Promise<void>;
  /** Ends it after its present transaction. */
  stop(): Promise<void>;
}

/** Sells. */
export const ORDER =
  'INSERT INTO shop.orders (customer, cents) VALUES (1 + FLOOR(RAND() * 500), FLOOR(RAND() * 10000))';
/** Moves goods. */
export const MOVEMENT =
  'INSERT INTO warehouse.movements (article, pieces) VALUES (FLOOR(RAND() * 100), FLOOR(RAND() * 20) - 10)';

/** Runs one statement over and over. */
export function startWriter(connect: () => Promise<ServerConnection>, statement: string): Writer {
  const state = { stopping: false, committed: 0, failure: null as unknown };
  const run = async (): Promise<void> => {
    await using connection = await connect();
    while (!state.stopping) {
      await connection.query(statement);
      state.committed += 1;
    }
  };
  const running = run().catch((error: unknown) => {
    state.failure = error;
  });
  const stop = async (): Promise<void> => {
    state.stopping = true;
    await running;
  };
  return {
    get committed() {
      return state.committed;
    },
    commits: async (more, signal) => {
      const goal = state.committed + more;
      const reached = (): boolean => {
        if (state.failure !== null) throw state.failure as Error;
        return state.committed >= goal;
      };
      await waitFor(reached, { timeoutMs: WRITING_MS, what: `${more} more transactions`, signal });
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
