/** How mariadb-dump begins an event's line. Source: client/mysqldump.c of MariaDB 10.11, dump_events_for_db. */
const LINE = Buffer.from('\n/*!50106 CREATE*/ /*!50117 DEFINER=`');
/** More than two names, quoted, can be long. */
const LONGEST = 4096;
const QUOTED = '`((?:[^`]|``)*)`';
/** Of the first definer alone: a role has no host, and what comes behind it is text of people. */
const ACCOUNT = new RegExp(`^([^\`]*DEFINER=)${QUOTED}@${QUOTED}(?!\`)`);
/** What may become one, or go on. */
const UNFINISHED = new RegExp(`^[^\`]*DEFINER=\`(?:[^\`]|\`\`)*(?:\`(?:@(?:\`(?:[^\`]|\`\`)*\`?)?)?)?$`);

/**
 * An event's definition with its definer as it is stored. Servers divide an event's definer at its first `@`, where it is shown and where
 * it runs: `bob@example.com`@`%` is shown as `bob`@`example.com@%`, which no server takes back. No host has an `@`.
 *
 * Source: tried on MariaDB 10.11.19 and MySQL 5.6.24; sql/event_data_objects.cc, Event_basic::load_string_fields and load_from_row.
 *
 * @param text of SHOW CREATE EVENT, one byte for a character
 */
export function withWholeDefiner(text: string): string {
  return text.replace(ACCOUNT, (shown, before: string, user: string, host: string) => {
    const at = host.lastIndexOf('@');
    const role = `${before}\`${user}@${host.slice(0, at)}\``;
    if (at < 0) return shown;
    return at === host.length - 1 ? role : `${role}@\`${host.slice(at + 1)}\``;
  });
}

/** Passes a dump on as it comes, with the definers of its events as they are stored. */
export class EventDefiners {
  #held: Buffer = Buffer.alloc(0);

  push(chunk: Buffer): Buffer {
    const text = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    const pieces: Buffer[] = [];
    let from = 0;
    for (let at = text.indexOf(LINE); at >= 0; at = text.indexOf(LINE, from)) {
      const head = text.toString('latin1', at, at + LONGEST);
      const length = lengthOf(head);
      if (length === null && head.length < LONGEST) return this.#hold(text, { pieces, from, at });
      const mended = withWholeDefiner(head.slice(0, length ?? LINE.length));
      pieces.push(text.subarray(from, at), Buffer.from(mended, 'latin1'));
      from = at + (length ?? LINE.length);
    }
    return this.#hold(text, { pieces, from, at: beginningAt(text, from) });
  }

  /** What was held back. */
  end(): Buffer {
    return this.#held;
  }

  #hold(text: Buffer, o: { pieces: Buffer[]; from: number; at: number }): Buffer {
    this.#held = text.subarray(o.at);
    const last = text.subarray(o.from, o.at);
    return o.pieces.length === 0 ? last : Buffer.concat([...o.pieces, last]);
  }
}

/** Of what stands up to the account's end, or to its place where there is none; null while that is not certain: a backtick at a piece's end may be half of one in a name. */
function lengthOf(head: string): number | null {
  const end = ACCOUNT.exec(head)?.[0].length ?? head.length;
  if (end < head.length) return end;
  return UNFINISHED.test(head) ? null : LINE.length;
}

/** Where the text's end may be the beginning of an event's line; its end, when it is not. */
function beginningAt(text: Buffer, from: number): number {
  const at = text.lastIndexOf('\n');
  const isBeginning = at >= from && text.subarray(at).equals(LINE.subarray(0, text.length - at));
  return isBeginning ? at : text.length;
}
