import { openSegment } from '../archive/read-segment.ts';
import type { ArchivedSegment, Repository } from '../archive/repository.ts';
import { isOfSource } from '../binlog/event-view.ts';
import { readBinlog } from '../binlog/read-binlog.ts';
import { LastgoodError } from '../platform/errors.ts';
import { segmentFinder } from './plan-ranges.ts';
import type { Plan, PlanSegment } from './plan.ts';

/** The first place of a plan's part of the archive that is not as it was written. */
export interface Damage {
  readonly file: string;
  readonly path: string;
  readonly offset: number;
  readonly problem: string;
  /** `LINEAGE/FILE:POS` of the last whole group before it, of those that the plan replays: up to there the archive still leads. null where there is none. */
  readonly reaches: string | null;
}

/**
 * Reads all that the plan replays and compares every event with its checksum: slow, so only asked when a replay has
 * failed and someone must know whether it was the archive's fault. null when nothing is wrong with it.
 */
export async function findDamage(
  repository: Repository,
  { segments }: Pick<Plan, 'segments'>,
  signal?: AbortSignal,
): Promise<Damage | null> {
  const findSegment = segmentFinder(repository);
  // A file that something is cut out of has several parts; it is read once, up to its last one.
  for (const part of new Map(segments.map((one) => [`${one.lineage}/${one.file}`, one])).values()) {
    const segment = await findSegment(part);
    const damage = segment === undefined ? null : await damageIn(segment, part, signal);
    if (damage !== null) return damage;
  }
  return null;
}

/** The error that tells of it, in place of `cause`, which only told what came of it. */
export function damageError({ file, path, offset, problem, reaches }: Damage, cause: unknown): LastgoodError {
  const target = `--before-coordinates ${reaches ?? ''}`;
  return new LastgoodError('ARCHIVE_DAMAGED', `${file} is damaged at ${offset}: ${problem}`, {
    cause,
    details: { file, offset, path },
    hint:
      reaches === null
        ? undefined
        : `Keep the file: put a second copy of it in its place, or the server's own, and run again. Without one a restore ends before it: \`lastgood plan ${target}\`.`,
  });
}

/** From the file's start, which says how to read the rest, to the part's end; what follows is not ours. */
async function damageIn(
  segment: ArchivedSegment,
  part: PlanSegment,
  signal: AbortSignal | undefined,
): Promise<Damage | null> {
  const { file, to } = part;
  await using source = await openSegment(segment);
  const { problems, bytes } = await readBinlog(source, {
    visitor: { query: () => undefined, group: () => undefined },
    verifyChecksums: true,
    until: (offset) => offset >= to,
    ...(signal === undefined ? {} : { signal }),
  });
  const wrong = problems.filter((problem) => !isOfSource(problem));
  const first = wrong.find(({ offset }) => offset < to);
  const { path } = segment;
  const found = first ?? (bytes < to ? { offset: bytes, problem: `the file ends before ${to}` } : null);
  if (found === null) return null;
  const reaches = await lastWholeGroup(segment, { ...part, to: found.offset }, signal);
  return { file, path, offset: found.offset, problem: found.problem, reaches };
}

/** Its start: who plans up to a place reads also the group behind it. */
async function lastWholeGroup(
  segment: ArchivedSegment,
  { lineage, file, from, to }: PlanSegment,
  signal: AbortSignal | undefined,
): Promise<string | null> {
  const last: { start?: number } = {};
  await using source = await openSegment(segment);
  await readBinlog(source, {
    visitor: {
      query: () => undefined,
      group: ({ start, end }) => {
        if (start >= from && end <= to) last.start = start;
      },
    },
    verifyChecksums: false,
    until: (offset) => offset >= to,
    ...(signal === undefined ? {} : { signal }),
  });
  return last.start === undefined ? null : `${lineage}/${file}:${last.start}`;
}
