import type { Repository } from '../../archive/repository.ts';
import { compareFiles } from '../../binlog/coordinates.ts';
import type { FormatDescription } from '../../binlog/format-description.ts';
import type { GroupVisitor } from '../../binlog/group.ts';
import { LastgoodError } from '../../platform/errors.ts';
import { segmentFinder } from '../plan-ranges.ts';
import type { PlanSegment } from '../plan.ts';
import { readPart } from '../read-part.ts';

/** Where the log is that a plan replays and skips. */
export interface BehindSource {
  readonly repository: Repository;
  readonly signal?: AbortSignal | undefined;
  /** Bytes read so far, and all there are. */
  readonly progress?: ((done: { bytes: number; totalBytes: number }) => void) | undefined;
  /** A part that is not in the archive, or cannot be read to its end; thrown when not given. What follows it is read all the same. */
  readonly onDamage?: ((error: LastgoodError) => void) | undefined;
  /** True ends the reading. */
  readonly isOver?: (() => boolean) | undefined;
}

/** `[from, to)` of one archived file. */
export type Stretch = Pick<PlanSegment, 'lineage' | 'file' | 'from' | 'to'>;

/**
 * The parts of a plan's files from the first skipped group to the cut, the skipped ones among them: file by file, in the order
 * of replay. Pure.
 */
export function stretchesBehind(kept: readonly Stretch[], skipped: readonly Stretch[]): Stretch[] {
  const files = inOrder(joinFiles([...kept, ...skipped]), kept);
  const starts = joinFiles(skipped);
  const at = files.findIndex((file) => starts.has(keyOf(file)));
  const from = starts.get(keyOf(files[at] ?? NOWHERE))?.from;
  return from === undefined ? [] : files.slice(at).map((file, index) => (index === 0 ? { ...file, from } : file));
}

/** The parts of a plan's files from its backup to the last skipped part, in the order of replay. Pure. */
export function stretchesBefore(kept: readonly Stretch[], skipped: readonly Stretch[]): Stretch[] {
  const files = inOrder(joinFiles([...kept, ...skipped]), kept);
  const last = files.findLastIndex((file) => skipped.some((part) => keyOf(part) === keyOf(file)));
  const starts = skipped.filter((part) => keyOf(part) === keyOf(files[last] ?? NOWHERE)).map(({ from }) => from);
  const to = starts.reduce((latest, start) => Math.max(latest, start), 0);
  return files.slice(0, last + 1).map((file, index) => (index === last ? { ...file, to } : file));
}

const NOWHERE = { lineage: '', file: '' };

function keyOf({ lineage, file }: Pick<Stretch, 'lineage' | 'file'>): string {
  return `${lineage}/${file}`;
}

function joinFiles(parts: readonly Stretch[]): Map<string, Stretch> {
  const files = new Map<string, Stretch>();
  for (const { lineage, file, from, to } of parts) {
    const known = files.get(keyOf({ lineage, file }));
    const joined = { from: Math.min(known?.from ?? from, from), to: Math.max(known?.to ?? to, to) };
    files.set(keyOf({ lineage, file }), { lineage, file, ...joined });
  }
  return files;
}

/** Lineages follow one another as in the plan; one of which all is skipped comes first. */
function inOrder(files: ReadonlyMap<string, Stretch>, kept: readonly Stretch[]): Stretch[] {
  const lineages = [...new Set(kept.map(({ lineage }) => lineage))];
  return [...files.values()].sort((a, b) => {
    return lineages.indexOf(a.lineage) - lineages.indexOf(b.lineage) || compareFiles(a.file, b.file);
  });
}

/** Receives the groups of several files. `enterFile` comes before those of each. */
export interface LogVisitor extends GroupVisitor {
  enterFile(part: Stretch, format: FormatDescription): void;
}

/**
 * Reads stretches one after the other, each from its first group on.
 *
 * @throws LastgoodError `ARCHIVE_GAP`, `ARCHIVE_DAMAGED`, unless `onDamage` takes them
 */
export async function readBehind(
  stretches: readonly Stretch[],
  visitor: LogVisitor,
  { repository, signal, progress, onDamage = fail, isOver = () => false }: BehindSource,
): Promise<void> {
  const findSegment = segmentFinder(repository);
  const totalBytes = stretches.reduce((sum, { from, to }) => sum + to - from, 0);
  let before = 0;
  for (const stretch of stretches) {
    if (isOver()) return;
    const { lineage, file, from, to } = stretch;
    const segment = await findSegment(stretch);
    const start = { offset: from, gtidState: null };
    const told = (offset: number): void => progress?.({ bytes: before + Math.min(offset, to) - from, totalBytes });
    const visitorOf = (format: FormatDescription): LogVisitor => {
      visitor.enterFile(stretch, format);
      return visitor;
    };
    const damage =
      segment === undefined
        ? new LastgoodError('ARCHIVE_GAP', `${file} of lineage ${lineage} is not in the archive`)
        : await readPart({ segment, start, to, signal, progress: told, isOver }, visitorOf);
    if (damage !== null) onDamage(damage);
    before += to - from;
  }
}

function fail(error: LastgoodError): never {
  throw error;
}
