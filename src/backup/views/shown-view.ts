import type { TableName } from '../../binlog/group.ts';
import type { ServerConnection } from '../../server/connection.ts';
import { within } from '../../server/quote-name.ts';
import { showCreate } from '../show-create.ts';

/** A view as SHOW CREATE VIEW has it. */
export interface ShownView {
  /** In the character set of its creator. */
  readonly creation: Buffer;
  readonly charset: string;
  readonly collation: string;
}

/** Reads it. The connection reads as stored. Throws as `showCreate` does. */
export async function showView(connection: ServerConnection, { schema, table }: TableName): Promise<ShownView> {
  const shown = await showCreate(connection, `SHOW CREATE VIEW ${within(schema, table)}`);
  const [, creation = Buffer.alloc(0), charset, collation] = shown;
  return { creation, charset: String(charset), collation: String(collation) };
}

/** In these a byte that looks like a quote or a backslash may be half of a letter. Source: MariaDB manual, "Supported Character Sets". */
const SPLIT_LETTERS = new Set(['big5', 'cp932', 'gb18030', 'gbk', 'sjis']);

/** True when the client surely finds the text's end: it reads SQL as if it were in a character set of its own. */
export function isPlainToClient({ creation, charset }: ShownView): boolean {
  return !SPLIT_LETTERS.has(charset) || creation.every((byte) => byte < 0x80);
}

/** SQL that runs statements in the session that the view was created in. */
export function createdWith({ charset, collation }: ShownView, sql: Buffer): Buffer {
  const before = `SET SESSION character_set_client = ${charset}, collation_connection = ${collation};\n`;
  return Buffer.concat([Buffer.from(before), sql, Buffer.from('SET NAMES utf8mb4;\n')]);
}
