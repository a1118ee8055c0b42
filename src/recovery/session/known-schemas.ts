import type { ServerConnection } from '../../server/connection.ts';

/** Which schemas the target has, asked once for each until a statement may have changed that. */
export class KnownSchemas {
  readonly #target: ServerConnection;
  readonly #known = new Map<string, boolean>();

  constructor(target: ServerConnection) {
    this.#target = target;
  }

  /** True or false when it is known without asking. */
  recall(name: string): boolean | undefined {
    return this.#known.get(name);
  }

  /** Asks the target; everything before must be executed. */
  async ask(name: string): Promise<boolean> {
    const rows = await this.#target.query(
      'SELECT 1 FROM information_schema.SCHEMATA WHERE BINARY SCHEMA_NAME = ? OR (@@lower_case_table_names > 0 AND SCHEMA_NAME = LOWER(?))',
      [name, name],
    );
    this.#known.set(name, rows.length > 0);
    return rows.length > 0;
  }

  /** A statement creates or drops one. */
  forget(): void {
    this.#known.clear();
  }
}
