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

/** How mariadb-dump begins and ends what is in its creator's character set. Source: client/mysqldump.c of MariaDB 10.11, switch_cs_variables and restore_cs_variables. */
const LINE = Buffer.from('\n/*!50003 SET character_set_client  = ');
const END = Buffer.concat([LINE, Buffer.from('@saved_cs_client')]);
/** Such a line is not so long, bytes. */
const LONGEST = 200;
const NAME = /^(@saved_cs_client|\w+) \*\/ /;

/**
 * Passes a dump of the tool on as it comes, with commands where a text in such a character set begins and ends, and with the heads of
 * programs as they are meant. Of a text that may have one, all is held until it ends.
 */
export class ClientCharsets {
  readonly #heads: Heads;
  #held: Buffer = Buffer.alloc(0);
  #after = '';
  /** Of the open text; null: none is open, or it can have none. */
  #open: readonly Head[] | null = null;

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
    if (this.#open !== null) return this.#close(text, from, { pieces, heads: this.#open });
    const at = text.indexOf(LINE, from);
    const end = at < 0 ? -1 : text.indexOf(10, at + 1);
    if (end < 0) {
      const until = at >= 0 && text.length - at < LONGEST ? at : beginningAt(text, from);
      if (until > from) pieces.push(text.subarray(from, until));
      return until;
    }
    const told = this.#commandAt(text.toString('latin1', at + LINE.length, end));
    pieces.push(text.subarray(from, at + 1), Buffer.from(told), text.subarray(at + 1, end));
    return end;
  }

  /** The open text, once its end is there. */
  #close(text: Buffer, from: number, { pieces, heads }: { pieces: Buffer[]; heads: readonly Head[] }): number {
    const end = text.indexOf(END, from);
    if (end < 0) return from;
    this.#open = null;
    pieces.push(withHeads(text.subarray(from, end), heads));
    return end;
  }

  #commandAt(rest: string): string {
    const name = NAME.exec(rest)?.[1];
    if (name === undefined) return '';
    const { before, after } = name === '@saved_cs_client' ? { before: this.#after, after: '' } : clientReads(name);
    this.#after = after;
    this.#open = this.#heads.get(name) ?? null;
    return before;
  }
}

/** Where the text's end may be the beginning of such a line; its end, when it is not. */
function beginningAt(text: Buffer, from: number): number {
  const at = text.lastIndexOf(10);
  const isBeginning = at >= from && text.subarray(at).equals(LINE.subarray(0, text.length - at));
  return isBeginning ? at : text.length;
}
