import { fileNumber } from '../../binlog/coordinates.ts';
import type { Incident, LastGood } from '../../incident/incident.ts';
import { withLoop } from '../../incident/loop-borders.ts';
import { settle } from '../../incident/settlement.ts';
import { isNextFile } from '../binlog-files.ts';
import type { FileScan } from './scan-file.ts';
import { Stretches } from './stretches.ts';

/** Puts together what the files of one server tell, each read by itself. @returns all incidents, in log order */
export function joinSeries(series: readonly FileScan[]): Incident[] {
  const scans = withoutDoubles(series);
  const incidents: Incident[] = [];
  let before: LastGood | null = null;
  let previous: FileScan | null = null;
  for (const scan of scans) {
    if (previous === null || !continues(previous, scan)) before = null;
    incidents.push(...scan.incidents.map((incident) => withLastGood(incident, before)));
    before = scan.last ?? before;
    previous = scan;
  }
  const stretches = new Stretches(scans);
  const settlements = scans.flatMap((scan) => scan.settlements);
  const cuts = new Set(scans.map(({ cut }) => cut));
  return settle(incidents, settlements, stretches.isUnbroken.bind(stretches)).map((incident) =>
    cuts.has(incident.id) ? withEnd(incident, stretches) : withLoop(incident, stretches),
  );
}

/** Where the next file goes on without it, a group that its file ends in was never finished: its source crashed. */
function withEnd(incident: Incident, stretches: Stretches): Incident {
  return stretches.beside(incident.file, 'after') === null ? incident : { ...incident, state: 'rolled-back' };
}

/** A file may be there twice, as it was and compressed, or while it was written and whole: the one that has more counts. */
function withoutDoubles(scans: readonly FileScan[]): FileScan[] {
  const kept: FileScan[] = [];
  for (const scan of scans) {
    const at = kept.findIndex((other) => isCopy(other, scan));
    const other = kept[at];
    if (other === undefined) kept.push(scan);
    else if (tellsMore(scan, other)) kept[at] = scan;
  }
  return kept;
}

function isCopy({ file, openedAt }: FileScan, other: FileScan): boolean {
  return fileNumber(file.name) === fileNumber(other.file.name) && openedAt !== null && openedAt === other.openedAt;
}

function tellsMore({ scanned, isWhole }: FileScan, other: FileScan): boolean {
  return (
    scanned.groups > other.scanned.groups || (scanned.groups === other.scanned.groups && isWhole && !other.isWhole)
  );
}

/** True when nothing can be missing between the two. A file that ends without ROTATE or STOP may be half a copy. */
function continues({ file, scanned }: FileScan, next: FileScan): boolean {
  return isNextFile(file, next.file) && (scanned.end === 'rotate' || scanned.end === 'stop');
}

/** A file alone does not know what was before its first group; only there is the time unknown. */
function withLastGood(incident: Incident, before: LastGood | null): Incident {
  const isKnown = incident.lastGood !== null && incident.lastGood.time !== null;
  return before === null || isKnown ? incident : { ...incident, lastGood: before };
}
