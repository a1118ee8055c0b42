import { quoteName } from '../../server/quote-name.ts';
import { clientReads } from '../client-charset.ts';

/** A stored text and what was set when it was created: all of it decides what it means. */
export interface StoredText {
  readonly schema: string;
  /** In the character set of its creator. */
  readonly creation: Buffer;
  readonly charset: string;
  readonly collation: string;
  readonly sqlMode: string;
  /** Left as it is while loading when not given. */
  readonly timeZone?: string;
  /** What the schema's collation was, where it is another one now. */
  readonly schemaCollation?: { readonly then: string; readonly now: string } | null;
}

/** SQL for the `mariadb` or `mysql` client that makes it as it was, and sets the session back. Pure. */
export function createStored(o: StoredText): Buffer {
  const { sqlMode, timeZone = '+00:00', schemaCollation = null } = o;
  const alter = (collation: string): string => `ALTER DATABASE ${quoteName(o.schema)} COLLATE ${collation};\n`;
  const client = clientReads(o.charset);
  const before = [
    `USE ${quoteName(o.schema)};\n`,
    schemaCollation === null ? '' : alter(schemaCollation.then),
    client.before,
    `SET SESSION character_set_client = ${o.charset}, collation_connection = ${o.collation}, `,
    `sql_mode = '${sqlMode}', time_zone = '${timeZone}';\nDELIMITER ;;\n`,
  ];
  const after = [
    `;;\nDELIMITER ;\n${client.after}SET NAMES utf8mb4;\n`,
    "SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO', time_zone = '+00:00';\n",
    schemaCollation === null ? '' : alter(schemaCollation.now),
  ];
  return Buffer.concat([Buffer.from(before.join('')), o.creation, Buffer.from(after.join(''))]);
}
