import { createHash } from 'node:crypto';

/** One line of a file whose lines are JSON objects and are only ever added. */
export interface ReadLine<T extends object> {
  /** What it says, without its hashes; null when it is no entry. */
  readonly record: T | null;
  /** What is wrong with it, as the end of a sentence; null when nothing is. */
  readonly problem: string | null;
}

/** What a file holds, each byte as one character. */
export interface WholeLines {
  readonly lines: readonly string[];
  /** How many bytes they take. */
  readonly bytes: number;
  /** The last one has lost its line end, and something else stands there. */
  readonly isEndLost: boolean;
}

/** The hashes of a line: its last two fields. */
interface Hashes {
  readonly previousLineSha256?: string | null;
  readonly recordSha256?: string;
}

/**
 * A line as it stands in its file, with its line end. Its last field is the SHA-256 of the line without that field, the one
 * before it that of the line before: any changed letter shows, and any removed line but the last.
 *
 * @param before the line before, as `wholeLines` gives it; null for the first, and behind a bad one, which may be mended
 */
export function renderLine(record: object, before: string | null): string {
  return `${withHash({ ...record, previousLineSha256: before === null ? null : hashOf(before) })}\n`;
}

/**
 * The lines of a file. A last line that a crash tore while it was added is left out: one without its end, or one of which a
 * power cut left zeros.
 */
export function wholeLines(content: Buffer): WholeLines {
  const lines = content.toString('latin1').split('\n');
  const rest = lines.pop() ?? '';
  if (isWithOtherEnd(rest)) return { lines: [...lines, rest], bytes: content.length, isEndLost: true };
  if (RUN_OF_ZEROS.test(lines.at(-1) ?? '')) lines.pop();
  return { lines, bytes: lines.reduce((sum, { length }) => sum + length + 1, 0), isEndLost: false };
}

/**
 * Reads `wholeLines`. Those of earlier versions have no hashes: only the next line can say whether one was changed.
 *
 * @param isEntry what a line must be
 */
export function readLines<T extends object>(
  lines: readonly string[],
  isEntry: (record: object) => record is T,
): ReadLine<T>[] {
  const read: ReadLine<T>[] = [];
  for (const [index, line] of lines.entries()) {
    const { record, problem, hashes } = readLine(line);
    if (record === null || !isEntry(record)) read.push({ record: null, problem: problem ?? 'is no entry' });
    // A line that shows itself that it was changed needs no second witness.
    else if (index > 0 && read[index - 1]?.problem !== null) read.push({ record, problem });
    else read.push({ record, problem: problem ?? problemBefore(hashes, lines[index - 1] ?? null) });
  }
  return read;
}

/** What a power cut leaves out are pages; one zero in the middle is a flipped bit. */
const RUN_OF_ZEROS = /^\0|\0[^]*\0/;
/** The field's own name may be what was changed; no line without it ends like this. */
const ENDS_IN_HASH = /":"[0-9a-f]{64}"\}$/;

/** What is torn is the beginning of a line; a whole one with another letter at its end was not torn. */
function isWithOtherEnd(rest: string): boolean {
  return !rest.endsWith('\0') && parse(rest.slice(0, -1)) !== null;
}

function readLine(line: string): ReadLine<object> & { hashes: Hashes } {
  const parsed = parse(line);
  if (parsed === null) return { record: null, problem: 'is no entry', hashes: {} };
  const { recordSha256, ...hashed } = parsed;
  const { previousLineSha256: _, ...record } = hashed;
  const isHashed = recordSha256 !== undefined || ENDS_IN_HASH.test(line);
  const isIntact = !isHashed || Buffer.from(withHash(hashed)).toString('latin1') === line;
  const problem = isIntact ? null : 'is not as it was written: its hash over itself is another';
  return { record, problem, hashes: parsed };
}

function problemBefore({ previousLineSha256 }: Hashes, before: string | null): string | null {
  if (previousLineSha256 === undefined || previousLineSha256 === null) return null;
  if (before !== null && previousLineSha256 === hashOf(before)) return null;
  return 'does not follow the line that it was written behind: that one was changed or removed';
}

function parse(line: string): (object & Hashes) | null {
  try {
    const parsed = JSON.parse(Buffer.from(line, 'latin1').toString('utf8')) as unknown;
    return typeof parsed === 'object' ? parsed : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function withHash(content: object): string {
  return JSON.stringify({ ...content, recordSha256: sha256(Buffer.from(JSON.stringify(content))) });
}

function hashOf(line: string): string {
  return sha256(Buffer.from(line, 'latin1'));
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
