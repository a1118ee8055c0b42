/**
 * The second way to replay: one client session executes the log, statement by statement, for a target that may not replicate.
 * Enters: ranges of a log, a target. Leaves: the same result as an applier's. Must not know plans or the archive.
 */
import { EVENT } from '../../binlog/event-type.ts';
import { parseFormatDescription } from '../../binlog/format-description.ts';
import { throwIfAborted } from '../../platform/wait.ts';
import type { Replayed, ReplayOptions } from '../replay.ts';
import { formatOf, readLoggedEvents, type EndedGroup, type LoggedEvent } from './logged-events.ts';
import { requireRoom } from './largest-event.ts';
import { LogExecutor } from './log-executor.ts';
import { openPlaceKeeper } from './place-keeper.ts';
import { requireFittingTarget } from './fitting-target.ts';
import { prepareGtids, type TargetGtids } from './target-gtids.ts';
import { raiseLimits } from './target-session.ts';

/**
 * Has the target execute exactly the ranges through one client session. Takes and gives what `replay` does. After an error the
 * target holds a part of them, and nothing of what stands behind the error.
 *
 * @throws LastgoodError `TOOL_FAILED` with the place in the log and the target's own message, `PREFLIGHT_FAILED`, `ARCHIVE_DAMAGED`,
 *   `SERVER_UNREACHABLE`, `PRIVILEGE_MISSING`, `INTERRUPTED`
 */
export async function replayInSession(options: ReplayOptions): Promise<Replayed> {
  const { target, identity, ranges, log, signal } = options;
  throwIfAborted(signal);
  requireFittingTarget(target, identity);
  const gtids = await prepareGtids(target, identity.gtidState, log);
  const done = new Progress(options);
  try {
    if (ranges.length > 0) await executeRanges(options, gtids, done);
  } catch (error) {
    await gtids.finish().catch(() => undefined); // the first error says why; where the target stands is only a help
    throw error;
  }
  return { groups: done.groups, gtidState: await gtids.finish(), executed: done.reached };
}

async function executeRanges(options: ReplayOptions, gtids: TargetGtids, done: Progress): Promise<void> {
  const { target, ranges, groupsBefore = 0, keepsPlace = false, log, signal } = options;
  await using limits = await raiseLimits(target, log);
  if (!limits.isLargest) {
    const inHalves = target.flavor === 'mariadb';
    await requireRoom(ranges, { packetBytes: limits.packetBytes, inHalves }, signal);
  }
  const place = keepsPlace ? await openPlaceKeeper(target, { groups: groupsBefore, log }) : null;
  await using executor = await LogExecutor.open({
    target,
    limits,
    gtids,
    place,
    log,
    signal,
    done: (group) => {
      gtids.executed(group.gtid);
      done.group(group);
    },
  });
  await executeAll(executor, options, done);
}

async function executeAll(executor: LogExecutor, { ranges, signal }: ReplayOptions, done: Progress): Promise<void> {
  for (const [index, range] of ranges.entries()) {
    executor.enter(range, formatOf(range));
    for await (const events of readLoggedEvents(range, signal)) {
      // It is a file's first event.
      if (index > 0 && events.some(isServerStart)) await executor.startAnew();
      await executor.execute(events);
    }
    await executor.leave();
    done.range(index);
  }
}

/** The source was started then: its sessions, with their temporary tables, were gone. */
function isServerStart({ type, buffer, at, length }: LoggedEvent): boolean {
  if (type !== EVENT.FORMAT_DESCRIPTION) return false;
  return parseFormatDescription(buffer.subarray(at, at + length))?.createdAt !== 0;
}

/** How far the replay is. */
class Progress {
  groups = 0;
  reached: Replayed['executed'] = null;
  readonly #options: ReplayOptions;
  readonly #totalBytes: number;
  #index = 0;
  #before = 0;

  constructor(options: ReplayOptions) {
    this.#options = options;
    this.#totalBytes = options.ranges.reduce((sum, { from, to }) => sum + to - from, 0);
  }

  group({ end }: EndedGroup): void {
    this.groups += 1;
    const range = this.#options.ranges[this.#index];
    if (range !== undefined) this.#report(end - range.from);
  }

  /** It is executed to its end. */
  range(index: number): void {
    const range = this.#options.ranges[index];
    if (range === undefined) return;
    this.reached = { file: range.file, position: range.to };
    this.#before += range.to - range.from;
    this.#index = index + 1;
    this.#report(0);
  }

  #report(bytes: number): void {
    this.#options.progress?.({ bytes: this.#before + bytes, totalBytes: this.#totalBytes });
  }
}
