import type { Incident } from './incident.ts';

/** A loop is over when no group of it came for so many seconds of the log's time, or so many other groups came. */
export const MAX_GAP_SECONDS = 30;
export const MAX_GROUPS_BETWEEN = 100_000;

/** A loop is followed over so many files to each side: more are not needed to see that it is one. */
const MOST_FILES = 32;

/** What one file has of a loop of deletes that may have begun in the file before, or go on in the next. Plain data. */
export interface LoopPiece {
  /** The same for all pieces of a loop, whatever file they are in. */
  readonly key: string;
  /** Of the incident that it is, if it is large enough to be one. */
  readonly incident: string;
  readonly file: string;
  /** Of its first group, and behind its last one, bytes. */
  readonly start: number;
  readonly end: number;
  readonly deleted: number;
  readonly groups: number;
  /** Of its first and its last group, seconds since 1970. */
  readonly firstTime: number;
  readonly lastTime: number;
  /** Groups of the file that come before its first one, and behind its last one so far. */
  readonly before: number;
  readonly after: number;
}

/** A file's pieces in their order, and how many groups it has. */
export interface FileLoops {
  readonly file: string;
  readonly groups: number;
  readonly pieces: readonly LoopPiece[];
}

type Side = 'before' | 'after';

/** The log around loops. */
export interface LoopLog {
  /** null when there is none. */
  of(file: string): FileLoops | null;
  /** null when there is none, or when something may be hidden between the two. */
  beside(file: string, side: Side): FileLoops | null;
}

/** Tells of an incident what the files beside its own have of the same loop. Each file tells of its pieces by itself. */
export function withLoop(incident: Incident, log: LoopLog): Incident {
  if (incident.kind !== 'mass-delete') return incident;
  const own = log.of(incident.file);
  const piece = own?.pieces.find(({ incident: id }) => id === incident.id);
  if (own === null || piece === undefined) return incident;
  const pieces = [
    ...follow(own, piece, { log, side: 'before' }).reverse(),
    piece,
    ...follow(own, piece, { log, side: 'after' }),
  ];
  const [first = piece] = pieces;
  const last = pieces.at(-1) ?? piece;
  if (first === last) return incident;
  const loop = {
    deleted: pieces.reduce((sum, { deleted }) => sum + deleted, 0),
    groups: pieces.reduce((sum, { groups }) => sum + groups, 0),
    from: { file: first.file, position: first.start },
    to: { file: last.file, position: last.end },
  };
  return { ...incident, loop };
}

/** The pieces to one side, the nearest first. */
function follow(own: FileLoops, from: LoopPiece, { log, side }: { log: LoopLog; side: Side }): LoopPiece[] {
  const found: LoopPiece[] = [];
  let at = from;
  let between = 0;
  let inFile = own;
  for (let files = 0; files < MOST_FILES; files += 1) {
    // Only a file's first piece of a loop can go on with what was before the file, and only its last one behind it.
    if (inFile.file === at.file && outermost(inFile, at.key, side) !== at) break;
    const beside = log.beside(inFile.file, side);
    if (beside === null) break;
    inFile = beside;
    const next = outermost(inFile, at.key, side === 'before' ? 'after' : 'before');
    if (next === undefined) {
      between += inFile.groups;
      continue;
    }
    if (!goesOn(side === 'before' ? [next, at] : [at, next], between)) break;
    found.push(next);
    at = next;
    between = 0;
  }
  return found;
}

function outermost({ pieces }: FileLoops, key: string, side: Side): LoopPiece | undefined {
  const isOne = (piece: LoopPiece): boolean => piece.key === key;
  return side === 'before' ? pieces.find(isOne) : pieces.findLast(isOne);
}

function goesOn([one, next]: readonly [LoopPiece, LoopPiece], between: number): boolean {
  return next.firstTime - one.lastTime <= MAX_GAP_SECONDS && one.after + between + next.before <= MAX_GROUPS_BETWEEN;
}
