/**
 * Names, comments and definers of routines, events and triggers. Servers show a program's text with its body in the character set of its creator,
 * and what they write themselves in UTF-8: read in one of the two, the other one is something else. Enters: the names. Leaves: how the text is to have them.
 *
 * Source: tried on MariaDB 10.11.19 and MySQL 5.6.24; sql/event_data_objects.cc, Event_timed::get_create_event, and sql/sp.cc, show_create_sp.
 */
import type { ServerConnection } from '../server/connection.ts';
import { quoteName } from '../server/quote-name.ts';

/** A piece of a text, as it is shown and as it is meant. */
export interface Head {
  readonly shown: Buffer;
  readonly meant: Buffer;
}

/** By the character set of the creator. */
export type Heads = ReadonlyMap<string, readonly Head[]>;

interface Program {
  readonly type: string;
  readonly name: string;
  readonly comment: string;
  /** `user@host`, as it is stored. */
  readonly definer: string;
  readonly charset: string;
}

const PROGRAMS = `
  SELECT ROUTINE_TYPE AS type, ROUTINE_NAME AS name, ROUTINE_COMMENT AS comment, DEFINER AS definer,
    CHARACTER_SET_CLIENT AS charset
  FROM information_schema.ROUTINES
  UNION ALL SELECT 'EVENT', EVENT_NAME, EVENT_COMMENT, DEFINER, CHARACTER_SET_CLIENT FROM information_schema.EVENTS
  UNION ALL SELECT 'TRIGGER', '', '', DEFINER, CHARACTER_SET_CLIENT FROM information_schema.TRIGGERS`;

/** Of all programs whose creator's character set is another one than ours, and that have more than ASCII in names, comments or definers. */
export async function readHeads(connection: ServerConnection): Promise<Heads> {
  const heads = new Map<string, Head[]>();
  for (const { charset, ...program } of await connection.query<Program>(PROGRAMS)) {
    if (charset.startsWith('utf8')) continue;
    for (const text of textsOf(program)) {
      const shown = Buffer.from(text);
      const meant = await converted(connection, shown, charset);
      if (meant !== null) heads.set(charset, [...(heads.get(charset) ?? []), { shown, meant }]);
    }
  }
  return heads;
}

function textsOf({ type, name, comment, definer }: Omit<Program, 'charset'>): string[] {
  const at = definer.lastIndexOf('@');
  const account = `${quoteName(definer.slice(0, at))}@${quoteName(definer.slice(at + 1))}`;
  const texts = [`${type} ${quoteName(name)}`, `COMMENT '${escaped(comment)}'`, `DEFINER=${account}`];
  return texts.filter((text) => /[^\0-\x7f]/.test(text));
}

/** As servers write it. Source: MariaDB 10.11 sql/sql_show.cc, append_unescaped. */
function escaped(text: string): string {
  const names: Readonly<Record<string, string>> = { '\0': '\\0', '\n': '\\n', '\r': '\\r', '\\': '\\\\', "'": "''" };
  return text.replaceAll(/[\0\n\r\\']/g, (one) => names[one] ?? one);
}

/** null where the character set does not have it. */
async function converted(connection: ServerConnection, text: Buffer, charset: string): Promise<Buffer | null> {
  const [row] = await connection.query<{ there: string; back: string }>(
    `SELECT HEX(there) AS there, HEX(CONVERT(there USING utf8mb4)) AS back
     FROM (SELECT CONVERT(_utf8mb4 X'${text.toString('hex')}' USING ${charset}) AS there) AS text`,
  );
  if (row?.back.toLowerCase() !== text.toString('hex')) return null;
  return Buffer.from(row.there, 'hex');
}

/** A program's text as it is meant: each head stands in it once, before whatever people wrote. Pure. */
export function withHeads(text: Buffer, heads: readonly Head[]): Buffer {
  const found = heads
    .map((head) => ({ ...head, at: text.indexOf(head.shown) }))
    .filter(({ at }) => at >= 0)
    .sort((one, other) => one.at - other.at || other.shown.length - one.shown.length); // one may begin as another one
  let from = 0;
  const pieces = found.flatMap(({ shown, meant, at }) => {
    if (at < from) return []; // the same one, of another program
    const before = text.subarray(from, at);
    from = at + shown.length;
    return [before, meant];
  });
  return Buffer.concat([...pieces, text.subarray(from)]);
}
