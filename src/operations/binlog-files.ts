import { open, readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { compareFiles, fileNumber, FIRST_EVENT_OFFSET, isBinlogFileName } from '../binlog/coordinates.ts';
import { BINLOG_MAGIC, ENCRYPTED_MAGIC } from '../binlog/event-type.ts';
import { hasCode } from '../platform/error-code.ts';
import { LastgoodError } from '../platform/errors.ts';

/** A file to be read as a binary log. */
export interface BinlogFile {
  /** As it was given, or the folder as it was given and the name in it. */
  readonly path: string;
  /** The server's name for it: the base name, without .gz or .zst. */
  readonly name: string;
  /** As stored. */
  readonly bytes: number;
  /** null: it is the server's file as it is. */
  readonly compression: Compression | null;
}

/** The path of standard input. */
export const STDIN = '-';

export type Compression = 'gzip' | 'zstd';

/** Files of one base name in one folder, in log order: as far as names tell, the log of one server. */
export type BinlogSeries = readonly BinlogFile[];

/**
 * Finds the files behind `paths`: each file named, whatever it holds, and of each folder named the files that begin
 * as binary logs do. Series are ordered by the time in their first event, their files by number.
 *
 * @throws LastgoodError `FILE_UNREADABLE` when a path is missing, may not be read, or a folder holds no binary log
 */
export async function findBinlogFiles(paths: readonly string[]): Promise<BinlogSeries[]> {
  const heads: Head[] = [];
  for (const path of paths) heads.push(...(await readHeads(path)));
  const series = new Map<string, Head[]>();
  for (const head of new Map(heads.map((head) => [head.realPath, head])).values()) {
    const key = join(dirname(head.realPath), withoutNumber(head.file.name));
    series.set(key, [...(series.get(key) ?? []), head]);
  }
  return [...series.values()]
    .map((members) => members.toSorted((a, b) => compareFiles(a.file.name, b.file.name)))
    .toSorted((a, b) => openedAt(a) - openedAt(b))
    .map((members) => members.map(({ file }) => file));
}

/** True when `next` is the file a server would write after `file`. */
export function isNextFile(file: BinlogFile, next: BinlogFile): boolean {
  return fileNumber(next.name) === fileNumber(file.name) + 1;
}

/** What the name and the first bytes of a file tell. */
interface Head {
  readonly file: BinlogFile;
  readonly realPath: string;
  readonly isBinlog: boolean;
  /** Seconds since 1970 in the header of the first event; Infinity when there is none. */
  readonly openedAt: number;
}

function openedAt(members: readonly Head[]): number {
  return Math.min(...members.map((member) => member.openedAt));
}

function withoutNumber(name: string): string {
  return name.replace(/\.\d+$/, '');
}

/** How compressed files begin and are named. Source: RFC 1952 and RFC 8878. */
const COMPRESSED: readonly { compression: Compression; magic: Buffer; suffix: string }[] = [
  { compression: 'gzip', magic: Buffer.from([0x1f, 0x8b]), suffix: '.gz' },
  { compression: 'zstd', magic: Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), suffix: '.zst' },
];
const HEAD_BYTES = FIRST_EVENT_OFFSET + 4;

async function readHeads(path: string): Promise<Head[]> {
  try {
    const found = await stat(path);
    if (!found.isDirectory()) return [await readHead(path)];
    const entries = await readdir(path, { withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile()).map((entry) => join(path, entry.name));
    const heads = (await readAll(files)).filter((head) => head.isBinlog);
    if (heads.length === 0) throw new LastgoodError('FILE_UNREADABLE', `no binary log in folder '${path}'`);
    return heads;
  } catch (cause) {
    if (cause instanceof LastgoodError) throw cause;
    throw unreadable(path, cause);
  }
}

/** The error for a file that cannot be opened or read. */
export function unreadable(path: string, cause: unknown): LastgoodError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new LastgoodError('FILE_UNREADABLE', `cannot read '${path}': ${why}`, { cause, details: { path } });
}

/** How bytes that begin so are compressed; null: not at all. */
export function compressionOf(head: Buffer): Compression | null {
  return COMPRESSED.find(({ magic }) => head.subarray(0, magic.length).equals(magic))?.compression ?? null;
}

/** A folder may hold more files than a process may open. */
const OPEN_AT_ONCE = 64;

async function readAll(paths: readonly string[]): Promise<Head[]> {
  const heads: Head[] = [];
  for (let at = 0; at < paths.length; at += OPEN_AT_ONCE)
    heads.push(...(await Promise.all(paths.slice(at, at + OPEN_AT_ONCE).map(readIfLog))).flat());
  return heads;
}

/** A key beside the logs is for its server alone: what no server calls a log, and this user may not read, is passed over. */
async function readIfLog(path: string): Promise<Head[]> {
  try {
    return [await readHead(path)];
  } catch (cause) {
    const name = COMPRESSED.reduce((left, { suffix }) => basename(left, suffix), path);
    if (hasCode(cause, 'EACCES', 'EPERM') && !isBinlogFileName(name)) return [];
    throw unreadable(path, cause);
  }
}

async function readHead(path: string): Promise<Head> {
  await using handle = await open(path, 'r');
  const { size } = await handle.stat();
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
  const magic = buffer.subarray(0, BINLOG_MAGIC.length);
  const packed = COMPRESSED.find((form) => buffer.subarray(0, form.magic.length).equals(form.magic));
  const name = basename(path, packed?.suffix);
  const isPlain = magic.equals(BINLOG_MAGIC) || magic.equals(ENCRYPTED_MAGIC);
  return {
    file: { path, name, bytes: size, compression: packed?.compression ?? null },
    realPath: await realpath(path),
    isBinlog: isPlain || (packed !== undefined && isBinlogFileName(name)),
    openedAt: magic.equals(BINLOG_MAGIC) && bytesRead === HEAD_BYTES ? buffer.readUInt32LE(4) : Infinity,
  };
}
