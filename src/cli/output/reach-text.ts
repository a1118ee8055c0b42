import { formatCoordinates } from '../../binlog/coordinates.ts';
import type { ArchiveReach } from '../../operations/archive-reach.ts';
import { formatTime } from './time.ts';

/** Up to where a list reaches: what is not archived yet is in none. */
export function reachText(reach: ArchiveReach): string {
  return [endText(reach), stoppedText(reach)].filter((text) => text !== null).join('\n');
}

function endText({ end, lastTime }: ArchiveReach): string {
  if (end === null) return 'nothing is archived yet';
  const last = lastTime === null ? 'no transaction yet' : `last transaction of ${formatTime(lastTime)}`;
  return `archived up to ${formatCoordinates(end)}, ${last}`;
}

/** Null while an archiver runs. */
export function stoppedText({ archiverRunning }: ArchiveReach): string | null {
  if (archiverRunning) return null;
  return 'no archiver is running: what happened since is not in this list; `lastgood status` shows how much that is';
}
