/**
 * How close the source is to removing what is not archived. Enters: its files, its settings, what is sealed here.
 * Leaves: a reading, and findings while there is still time. Pure but for `readPurgeGuard`.
 */
import type { Lineage } from '../archive/lineage.ts';
import { compareFiles, FIRST_EVENT_OFFSET } from '../binlog/coordinates.ts';
import { listBinaryLogs, type BinaryLog } from '../server/binary-logs.ts';
import type { ServerConnection } from '../server/connection.ts';
import { readLogExpiry, type LogExpiry } from '../server/log-expiry.ts';
import { peekBinlog } from '../server/peek-binlog.ts';
import type { Finding } from './finding.ts';
import { spellBytes, spellSeconds } from './spell.ts';

/** What may be removed on the source, and how long the rest stays. null: not limited, or not known. */
export interface PurgeGuard {
  /** `PURGE BINARY LOGS TO` this file removes only what is archived and sealed; null: nothing may be removed. */
  readonly safeTo: string | null;
  /** The source's oldest file that is not archived whole and sealed. */
  readonly oldestNeeded: string | null;
  /** How long the source keeps a file; 0: for ever. */
  readonly expireSeconds: number;
  /** Until the oldest needed file expires; the file that the source writes to never does. */
  readonly secondsLeft: number | null;
  /** How large all its files together may get; 0: as large as they like. */
  readonly limitBytes: number;
  /** What may still be written until the oldest needed file has to go. */
  readonly bytesLeft: number | null;
}

/** What the archive has of the lineage that the source writes on. */
export interface SealedFiles {
  readonly lineage: Pick<Lineage, 'firstFile' | 'handOver'>;
  /** False also for a file that is not archived. */
  readonly isSealed: (file: string) => boolean;
}

/** Past this part of its time, or its room, the archive's lag is worth a warning, then an error. */
const WARN_SHARE = 0.5;
const ERROR_SHARE = 0.9;

/** Asks the source, whose log must be the archived one. @param now seconds since 1970 on its clock */
export async function readPurgeGuard(
  connection: ServerConnection,
  archived: SealedFiles,
  now: number,
): Promise<{ guard: PurgeGuard; findings: Finding[] }> {
  const expiry = await readLogExpiry(connection);
  const logs = await listBinaryLogs(connection);
  const after = logs[neededIndex(logs, archived) + 1];
  // A file is finished when the next one is begun; servers count from there.
  const finishedAt =
    after === undefined || expiry.seconds === 0
      ? null
      : (await peekBinlog(connection.options, { file: after.file, position: FIRST_EVENT_OFFSET })).format.time;
  const guard = purgeGuard({ logs, archived, expiry, finishedAt, now });
  return { guard, findings: guardFindings(guard, { expiry, object: connection.options.name }) };
}

/** @param o.finishedAt when the oldest needed file was last written to; null for the one in use */
export function purgeGuard(o: {
  logs: readonly BinaryLog[];
  archived: SealedFiles;
  expiry: LogExpiry;
  finishedAt: number | null;
  now: number;
}): PurgeGuard {
  const { logs, archived, expiry, finishedAt, now } = o;
  const index = neededIndex(logs, archived);
  const needed = logs[index]?.file ?? null;
  const isFinished = index < logs.length - 1;
  const bytes = logs.slice(index).reduce((sum, log) => sum + log.bytes, 0);
  return {
    safeTo: index > 0 ? needed : null,
    oldestNeeded: needed,
    expireSeconds: expiry.seconds,
    secondsLeft: finishedAt === null || expiry.seconds === 0 ? null : finishedAt + expiry.seconds - now,
    limitBytes: expiry.maxTotalBytes,
    bytesLeft: isFinished && expiry.maxTotalBytes > 0 ? expiry.maxTotalBytes - bytes : null,
  };
}

/**
 * The first file, from the oldest on, that is not sealed here: purging is by prefix, so one sealed behind it does not
 * count. What lies before a hand-over is in the parent lineage.
 */
function neededIndex(logs: readonly BinaryLog[], { lineage, isSealed }: SealedFiles): number {
  const isSafe = (file: string): boolean =>
    isSealed(file) || (lineage.handOver !== null && compareFiles(file, lineage.firstFile) < 0);
  const index = logs.findIndex(({ file }) => !isSafe(file));
  return index < 0 ? logs.length - 1 : index; // the file in use is never sealed: the list is a moment old
}

/** What a person must know while there is still time. */
export function guardFindings(
  { oldestNeeded, expireSeconds, secondsLeft, limitBytes, bytesLeft }: PurgeGuard,
  { expiry, object }: { expiry: LogExpiry; object: string },
): Finding[] {
  const findings: Finding[] = [];
  const report = (share: number, found: string, fix: string): void => {
    if (share < WARN_SHARE) return;
    findings.push({ severity: share < ERROR_SHARE ? 'warning' : 'error', check: 'purge guard', object, found, fix });
  };
  const file = oldestNeeded ?? '';
  if (secondsLeft !== null) {
    const when = secondsLeft > 0 ? `goes in ${spellSeconds(secondsLeft)}` : 'goes at the next rotation';
    report(
      1 - secondsLeft / expireSeconds,
      `${file} is not archived whole, and ${when}: the primary keeps files for ${spellSeconds(expireSeconds)} (${expiry.variable})`,
      `Is \`lastgood archive\` running and catching up? Until it has: SET GLOBAL ${expiry.variable} = 0;`,
    );
  }
  if (bytesLeft !== null) {
    const when = bytesLeft > 0 ? `goes after ${spellBytes(bytesLeft)} more` : 'goes at the next rotation';
    report(
      1 - bytesLeft / limitBytes,
      `${file} is not archived whole, and ${when}: the primary keeps ${spellBytes(limitBytes)} of files`,
      'Is `lastgood archive` running and catching up? Until it has, raise max_binlog_total_size (binlog_space_limit in Percona Server).',
    );
  }
  return findings;
}
