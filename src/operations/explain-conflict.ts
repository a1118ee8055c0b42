import type { Repository } from '../archive/repository.ts';
import { readSegmentFormat } from '../archive/read-segment.ts';
import type { ArchivedSegment } from '../archive/repository.ts';
import type { Coordinates } from '../binlog/coordinates.ts';
import type { Logger } from '../platform/logger.ts';
import { segmentFinder } from '../recovery/plan-ranges.ts';
import type { Plan, PlanSegment } from '../recovery/plan.ts';
import type { Explained } from '../recovery/restore-phases.ts';
import { orSalvage } from '../recovery/salvage-commands.ts';
import type { ServerConnection } from '../server/connection.ts';
import type { DescribedGroup } from './evidence/group-describer.ts';
import { readDescribed } from './evidence/read-described.ts';
import { findClash } from './skip/clash.ts';
import { clashText } from './skip/clash-text.ts';

/** What a conflict is explained with. */
export interface ConflictSource {
  readonly repository: Repository;
  readonly plan: Pick<Plan, 'segments' | 'skipped'>;
  readonly log: Logger;
  readonly signal?: AbortSignal | undefined;
}

type ExplainConflict = (at: Coordinates, message: string, target: ServerConnection) => Promise<Explained | null>;

/**
 * Explains where a replay stopped: the group that could not be applied, and where rows clash, the row that the log brings and
 * the row that the target has. It never throws: the error itself says what matters.
 */
export function conflictExplainer(source: ConflictSource): ExplainConflict {
  return async (at, message, target) => {
    try {
      return await explain(source, { at, message, target });
    } catch (error) {
      source.log.debug({ err: error }, 'cannot explain why the replay stopped');
      return null;
    }
  };
}

async function explain(
  { repository, plan, log, signal }: ConflictSource,
  { at, message, target }: { at: Coordinates; message: string; target: ServerConnection },
): Promise<Explained | null> {
  const part = partBehind(plan.segments, at);
  const segment = part === null ? undefined : await segmentFinder(repository)(part);
  const group = part === null || segment === undefined ? null : await groupIn(segment, part);
  if (group === null || segment === undefined || part === null) return null;
  const found = await findClash({ segment, group, message, target, log, signal });
  return { more: clashText(group, found), hint: waysOut(plan, { ...group, lineage: part.lineage }) };
}

/** Where something was left out, a replay that ends earlier, and one that leaves out nothing; else nothing is known. */
function waysOut(
  { skipped: [first] }: Pick<Plan, 'skipped'>,
  { gtid, lineage, file, start }: Pick<DescribedGroup, 'gtid' | 'file' | 'start'> & { lineage: string },
): string | undefined {
  if (first === undefined) return undefined;
  const before = gtid === null ? `--before-coordinates ${lineage}/${file}:${start}` : `--before-gtid ${gtid}`;
  return `What is left out is missed from there on. The same --skip works up to that transaction, with \`${before}\` as the target; or restore to \`--before ${first.id}\`${orSalvage(first)}.`;
}

/**
 * What of the plan comes behind a place: where several lineages are served, a file's name has its lineage's before it.
 * A server's positions are four bytes wide.
 */
function partBehind(segments: readonly PlanSegment[], { file, position }: Coordinates): PlanSegment | null {
  const isIt = (part: PlanSegment): boolean => part.file === file || `${part.lineage}.${part.file}` === file;
  const inFile = segments.findIndex((part) => isIt(part) && position < part.to % 2 ** 32);
  if (inFile < 0) return segments[segments.findLastIndex(isIt) + 1] ?? null;
  const part = segments[inFile] as PlanSegment;
  return { ...part, from: Math.max(part.from, position) };
}

async function groupIn(segment: ArchivedSegment, { from, to }: PlanSegment): Promise<DescribedGroup | null> {
  const { format } = await readSegmentFormat(segment);
  const found: DescribedGroup[] = [];
  await readDescribed({
    ...{ segment, to, start: { format, offset: from, gtidState: null } },
    visit: (group) => {
      found.push(group);
      return false;
    },
  });
  return found[0] ?? null;
}
