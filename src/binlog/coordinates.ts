import { LastgoodError } from '../platform/errors.ts';

/** Offset of the first event in every binary log file: the magic number takes bytes 0 to 3. */
export const FIRST_EVENT_OFFSET = 4;

/** A dump command has four bytes for the position: what lies behind 4 GiB of a file is asked for from before. */
export const MAX_ASKABLE_POSITION = 0xffffffff;

/** A place in a server's binary log. `position` is a byte offset from the file's start, 4 is the first event. */
export interface Coordinates {
  readonly file: string;
  readonly position: number;
}

const FILE_NAME = /^[^/\\]+\.\d{6,}$/;

/** True for a name as servers give it: a base name, a dot and at least six digits. */
export function isBinlogFileName(name: string): boolean {
  return FILE_NAME.test(name);
}

/** Parses `binlog.000042:1537`. @throws LastgoodError `COORDINATES_INVALID` */
export function parseCoordinates(text: string): Coordinates {
  const match = /^(.+):(\d+)$/.exec(text);
  const file = match?.[1];
  const position = Number(match?.[2]);
  if (
    file === undefined ||
    !isBinlogFileName(file) ||
    !Number.isSafeInteger(position) ||
    position < FIRST_EVENT_OFFSET
  ) {
    throw new LastgoodError('COORDINATES_INVALID', `cannot read coordinates '${text}'`);
  }
  return { file, position };
}

/** Writes `binlog.000042:1537`. */
export function formatCoordinates({ file, position }: Coordinates): string {
  return `${file}:${position}`;
}

/** Orders by file number, then offset: negative when `a` is earlier. Both must be of one lineage. */
export function compareCoordinates(a: Coordinates, b: Coordinates): number {
  return compareFiles(a.file, b.file) || a.position - b.position;
}

/** Orders file names as the server counts them: `binlog.1000000` follows `binlog.999999`. */
export function compareFiles(a: string, b: string): number {
  return fileNumber(a) - fileNumber(b);
}

/** The number after the last dot. */
export function fileNumber(file: string): number {
  return Number(file.slice(file.lastIndexOf('.') + 1));
}

/** The name after this one: `binlog.000043` follows `binlog.000042`, and `binlog.1000000` follows `binlog.999999`. */
export function nextFile(file: string): string {
  const dot = file.lastIndexOf('.') + 1;
  return file.slice(0, dot) + String(fileNumber(file) + 1).padStart(file.length - dot, '0');
}
