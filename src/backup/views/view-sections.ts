import { quoteName } from '../../server/quote-name.ts';
import { sqlLines } from '../sql-lines.ts';

/** Takes SQL, and resolves when there is room for more. */
export type Write = (sql: Buffer | string) => Promise<void>;

/** What views are made with: statements for accounts that are there meanwhile. */
interface Accounts {
  readonly create: readonly string[];
  readonly drop: readonly string[];
}

/** Begins a section of the schema. A line break in its name goes on as a comment, as mariadb-dump has it. */
export function sectionHead(schema: string): string {
  return `\n--\n-- Current Database: ${quoteName(schema).replaceAll('\n', '\n-- ')}\n--\n\n`;
}

/** What statements on views are written for. */
export const LOADING = ['SET NAMES utf8mb4', "SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO', time_zone = '+00:00'"];

/**
 * Puts SQL into sections that begin with the name of their schema, as mariadb-dump does, so that whoever wants less than
 * a whole dump can leave the others out: each has all that it needs.
 */
export class ViewSections {
  readonly #accounts: Accounts;
  readonly #write: Write;
  #schema: string | null = null;

  constructor(accounts: Accounts, write: Write) {
    this.#accounts = accounts;
    this.#write = write;
  }

  /** Takes statements of a schema, which is the default one while they run. */
  async add(schema: string, sql: Buffer | string): Promise<void> {
    if (schema !== this.#schema) {
      await this.end();
      this.#schema = schema;
      const head = sectionHead(schema);
      await this.#write(head + sqlLines([`USE ${quoteName(schema)}`, ...LOADING, ...this.#accounts.create]));
    }
    await this.#write(sql);
  }

  /** Ends the last section. */
  async end(): Promise<void> {
    if (this.#schema !== null) await this.#write(sqlLines(this.#accounts.drop));
    this.#schema = null;
  }
}
