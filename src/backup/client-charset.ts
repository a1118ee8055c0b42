/**
 * The character set in which the `mariadb` or `mysql` client reads SQL. Enters: SQL with texts in the character sets of their creators.
 * Leaves: the same, with commands that tell the client of those in which it would take half of a letter for a backslash or a quote, and
 * so not find the text's end. Must not know what the texts are of.
 */

import { withHeads, type Head, type Heads } from './program-heads.ts';

/** In these the second byte of a letter may look so. Source: MariaDB manual, "Supported Character Sets"; tried on MariaDB 10.11.19 and MySQL 5.6.24. */
const SPLIT_LETTERS: readonly string[] = ['big5', 'cp932', 'gb18030', 'gbk', 'sjis'];
/** MariaDB's client does not know it. What gbk does not have of it are digits behind bytes that are nothing else. */
const READ_AS: ReadonlyMap<string, string> = new Map([['gb18030', 'gbk']]);
/** What dumps are written in. */
const OWN = 'utf8mb4';

/**
 * SQL around what is in a character set, at the beginning of statements. In binary mode the client takes no longer form of this command. It sends SET NAMES
 * with each, so what is set otherwise must stand behind it. Empty where nothing has to be told.
 *
 * Source: client/mysql.cc of MariaDB 10.11, com_charset and read_and_execute.
 */
export function clientReads(charset: string): { readonly before: string; readonly after: string } {
  const isSplit = SPLIT_LETTERS.includes(charset);
  return isSplit
    ? { before: command(READ_AS.get(charset) ?? charset), after: command(OWN) }
    : { before: '', after: '' };
}

function command(charset: string): string {
  return `\\C ${charset}\n`;
}

/**
 * How mariadb-dump begins what is in its creator's character set, of programs and of views. Two whole lines are longer than a name can be; all
 * else of people that may hold the end of a line stands in such a text.
 * Source: client/mysqldump.c of MariaDB 10.11, switch_cs_variables and get_view_structure.
 */
const BEGIN = Buffer.from('\n/*!5000');
const LINES =
  /^\n\/\*!5000([13]) SET @saved_col_connection += @@collation_connection \*\/ ?\S+\n(?=\/\*!5000\1 SET character_set_client += (\w+) \*\/.*\n)/;
/** And how it ends that. */
const ENDS: ReadonlyMap<string, Buffer> = new Map([
  ['1', Buffer.from('\n/*!50001 SET character_set_client      = @saved_cs_client')],
  ['3', Buffer.from('\n/*!50003 SET character_set_client  = @saved_cs_client')],
]);
/** Both lines at the beginning are not so long, bytes. */
const LONGEST = 200;

/** A text in its creator's character set. */
interface OpenText {
  readonly end: Buffer;
  readonly heads: readonly Head[];
  /** What stands behind it. */
  readonly after: string;
}

/**
 * Passes a dump of the tool on as it comes, with commands where a text in such a character set begins and ends, and with the heads of
 * programs as they are meant. Of a text that may have one, all is held until it ends.
 */
export class ClientCharsets {
  readonly #heads: Heads;
  #held: Buffer = Buffer.alloc(0);
  #open: OpenText | null = null;

  constructor(heads: Heads = new Map()) {
    this.#heads = heads;
  }

  push(chunk: Buffer): Buffer {
    const text = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    const pieces: Buffer[] = [];
    let from = 0;
    for (let to = this.#step(text, from, pieces); to > from; to = this.#step(text, from, pieces)) from = to;
    this.#held = text.subarray(from);
    return pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces);
  }

  /** What was held back. */
  end(): Buffer {
    return this.#held;
  }

  /** Passes on what is certain from there. @returns up to where that is */
  #step(text: Buffer, from: number, pieces: Buffer[]): number {
    return this.#open === null
      ? this.#toBegin(text, from, pieces)
      : this.#toEnd(text, from, { pieces, open: this.#open });
  }

  #toBegin(text: Buffer, from: number, pieces: Buffer[]): number {
    const at = text.indexOf(BEGIN, from);
    const until = at < 0 ? beginningAt(text, from, BEGIN) : at;
    if (until > from) pieces.push(text.subarray(from, until));
    if (at < 0) return until;
    const lines = text.toString('latin1', at, at + LONGEST);
    const [first, kind = '', charset = ''] = LINES.exec(lines) ?? [];
    const end = ENDS.get(kind);
    if (first === undefined || end === undefined) {
      if (lines.length < LONGEST) return at;
      pieces.push(text.subarray(at, at + 1));
      return at + 1;
    }
    const { before, after } = clientReads(charset);
    this.#open = { end, heads: (kind === '3' ? this.#heads.get(charset) : null) ?? [], after };
    pieces.push(text.subarray(at, at + first.length), Buffer.from(before));
    return at + first.length;
  }

  #toEnd(text: Buffer, from: number, { pieces, open }: { pieces: Buffer[]; open: OpenText }): number {
    const at = text.indexOf(open.end, from);
    if (at < 0 && open.heads.length > 0) return from;
    const until = at < 0 ? beginningAt(text, from, open.end) : at;
    if (until > from) pieces.push(withHeads(text.subarray(from, until), open.heads));
    if (at < 0) return until;
    this.#open = null;
    pieces.push(Buffer.from(`\n${open.after}`));
    return at + 1;
  }
}

/** Where the text's end may be the beginning of such a line; its end, when it is not. */
function beginningAt(text: Buffer, from: number, line: Buffer): number {
  const at = text.lastIndexOf(10);
  const isBeginning = at >= from && text.subarray(at).equals(line.subarray(0, text.length - at));
  return isBeginning ? at : text.length;
}
