import type { Repository } from '../../archive/repository.ts';
import { compareFiles } from '../../binlog/coordinates.ts';
import { LastgoodError } from '../../platform/errors.ts';
import { segmentFinder } from '../plan-ranges.ts';
import type { PlanSegment } from '../plan.ts';
import { readPart } from '../read-part.ts';
import type { GroupTouches } from './group-touches.ts';

/** Where the log is that a plan replays and skips. */
export interface BehindSource {
  readonly repository: Repository;
  readonly signal?: AbortSignal | undefined;
  /** Bytes read so far, and all there are. */
  readonly progress?: ((done: { bytes: number; totalBytes: number }) => void) | undefined;
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

/** Reads the stretches, each from its first group on. @throws LastgoodError `ARCHIVE_GAP`, `ARCHIVE_DAMAGED` */
export async function readBehind(
  stretches: readonly Stretch[],
  visitor: GroupTouches,
  { repository, signal, progress }: BehindSource,
): Promise<void> {
  const findSegment = segmentFinder(repository);
  const totalBytes = bytesOf(stretches);
  let before = 0;
  for (const stretch of stretches) {
    const { lineage, file, from, to } = stretch;
    const segment = await findSegment(stretch);
    if (segment === undefined)
      throw new LastgoodError('ARCHIVE_GAP', `${file} of lineage ${lineage} is not in the archive`);
    const at = before;
    const part = {
      ...{ segment, start: { offset: from, gtidState: null }, to, signal },
      progress: (offset: number) => progress?.({ bytes: at + Math.min(offset, to) - from, totalBytes }),
    };
    const damage = await readPart(part, (format) => {
      visitor.enterFile(stretch, format);
      return visitor;
    });
    if (damage !== null) throw damage;
    before += to - from;
  }
}

/** Of all together. Pure. */
export function bytesOf(stretches: readonly Stretch[]): number {
  return stretches.reduce((sum, { from, to }) => sum + to - from, 0);
}
