import type { TableName } from '../../binlog/group.ts';
import type { ServerConnection } from '../../server/connection.ts';
import { within } from '../../server/quote-name.ts';
import { clientReads } from '../client-charset.ts';
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

/** SQL that runs statements in the session that the view was created in. */
export function createdWith({ charset, collation }: ShownView, sql: Buffer): Buffer {
  const client = clientReads(charset);
  const before = `${client.before}SET SESSION character_set_client = ${charset}, collation_connection = ${collation};\n`;
  return Buffer.concat([Buffer.from(before), sql, Buffer.from(`${client.after}SET NAMES utf8mb4;\n`)]);
}
