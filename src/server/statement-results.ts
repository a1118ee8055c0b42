/** What a server says when it refuses a statement. */
export interface StatementError {
  readonly errno: number;
  readonly message: string;
}

/** A packet of a `mysql2` connection: the payload is `buffer[offset, end)`. */
export interface ResultPacket {
  readonly buffer: Buffer;
  readonly offset: number;
  readonly end: number;
}

const OK = 0x00;
const LOCAL_FILE = 0xfb;
const EOF = 0xfe;
const ERROR = 0xff;
/** A row may begin with the same byte, but is longer then. Source: MySQL 8.4 manual, "EOF_Packet". */
const EOF_MAX_BYTES = 9;
/** Mark, number 2, '#', SQL state 5. */
const ERROR_HEAD_BYTES = 9;

/** Behind two numbers: status and warnings, 2 bytes each. Source: MySQL 8.4 manual, "OK_Packet". */
const OK_TAIL_BYTES = 4;

/** Reads the answers to statements in the text protocol, and keeps nothing of what they hold but the last one's note. */
export class ResultReader {
  /** Statements that were answered to the end. */
  whole = 0;
  /** What the server says of the last one: how many rows it changed, or loaded. */
  info = '';
  /** Columns and rows both end in an EOF. */
  #part: 'head' | 'columns' | 'rows' = 'head';

  /** @returns the error that ends all; what is wanted of us otherwise */
  take({ buffer, offset, end }: ResultPacket): 'more' | 'local-file' | StatementError {
    const mark = buffer[offset] ?? OK;
    const isEof = mark === EOF && end - offset < EOF_MAX_BYTES;
    if (mark === ERROR && this.#part !== 'columns') return readError(buffer.subarray(offset, end));
    if (mark === OK && this.#part === 'head') this.info = readInfo(buffer.subarray(offset, end));
    if (this.#part === 'head') return this.#head(mark, isEof);
    if (!isEof) return 'more';
    if (this.#part === 'rows') this.whole += 1;
    this.#part = this.#part === 'columns' ? 'rows' : 'head';
    return 'more';
  }

  #head(mark: number, isEof: boolean): 'more' | 'local-file' {
    if (mark === LOCAL_FILE) return 'local-file';
    if (mark === OK || isEof) this.whole += 1;
    else this.#part = 'columns';
    return 'more';
  }
}

function readInfo(payload: Buffer): string {
  const warningsEnd = skipNumber(payload, skipNumber(payload, 1)) + OK_TAIL_BYTES;
  return payload.toString('utf8', warningsEnd);
}

/** @returns where the number of one to nine bytes ends */
function skipNumber(payload: Buffer, at: number): number {
  const first = payload[at] ?? 0;
  return at + (first < 0xfb ? 1 : first === 0xfc ? 3 : first === 0xfd ? 4 : 9);
}

function readError(payload: Buffer): StatementError {
  const hasState = payload[3] === 0x23;
  return { errno: payload.readUInt16LE(1), message: payload.toString('utf8', hasState ? ERROR_HEAD_BYTES : 3) };
}
