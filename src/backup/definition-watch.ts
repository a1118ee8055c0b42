import { pause } from '../platform/wait.ts';
import { connect, type ServerConnection } from '../server/connection.ts';
import type { ServerOptions } from '../server/server-options.ts';

const LOOK_EVERY_MS = 1000;

/**
 * The server counts each statement it begins, its applier's too: `Com_create_table`, `Com_truncate` and so on. What
 * belongs to no schema does not count here. Source: MariaDB manual, "Server Status Variables"; tried on 10.11.
 */
const COUNTERS = `SHOW GLOBAL STATUS WHERE Variable_name REGEXP '^Com_(create|drop|alter|rename|truncate|optimize|repair)_?'
  AND Variable_name NOT REGEXP '_(user|role|server|temporary)'`;

/**
 * Tells whether definitions may have changed since it began. A dump's snapshot covers rows, not definitions: those
 * are read when their turn comes, and would be newer than the rows.
 */
export class DefinitionWatch implements AsyncDisposable {
  readonly #connection: ServerConnection;
  readonly #before: string;

  private constructor(connection: ServerConnection, before: string) {
    this.#connection = connection;
    this.#before = before;
  }

  /** Begins to watch, on a connection of its own. */
  static async begin(server: ServerOptions): Promise<DefinitionWatch> {
    const connection = await connect(server);
    return new DefinitionWatch(connection, await readCounters(connection));
  }

  async changed(): Promise<boolean> {
    return (await readCounters(this.#connection)) !== this.#before;
  }

  /** Calls `onChange` once, soon after a change; returns then, or when `done` comes. */
  async untilChange(onChange: () => void, done: AbortSignal): Promise<void> {
    while (!done.aborted) {
      if (await this.changed()) {
        onChange();
        return;
      }
      await pause(LOOK_EVERY_MS, done).catch(() => undefined); // done ends the pause
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection.close();
  }
}

async function readCounters(connection: ServerConnection): Promise<string> {
  return JSON.stringify(await connection.query(COUNTERS));
}
