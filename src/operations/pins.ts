import type { Pin, PinnedFiles } from '../archive/pins.ts';
import { findRecord } from '../archive/stored-records.ts';
import { compareFiles, parseCoordinates } from '../binlog/coordinates.ts';
import type { Plan } from '../recovery/plan.ts';
import { LastgoodError } from '../platform/errors.ts';
import type { OpenArchive } from './open-archive.ts';
import { makePlan } from './plan.ts';

/** Why a pin is made, and by whom. */
interface PinReason extends Pick<Pin, 'reason' | 'by'> {
  readonly at: Date;
}

/**
 * Keeps what a restore needs from being deleted: of an incident the backup and the segments up to the moment before it, of a backup
 * its files and the segment in which it stands.
 *
 * @throws LastgoodError `INCIDENT_UNKNOWN`, `BACKUP_MISSING` for an id that is neither, `REPOSITORY_UNREADABLE` for a backup of which
 * nobody knows what a restore from it needs, and what `makePlan` throws when no restore
 * reaches the incident: then there is nothing to pin
 */
export async function pinById(
  archive: Pick<OpenArchive, 'repository' | 'catalog'>,
  id: string,
  options: PinReason & { signal?: AbortSignal | undefined },
): Promise<Pin> {
  const pin = id.startsWith('inc-') ? await incidentPin(archive, id, options) : await backupPin(archive, id, options);
  await archive.repository.pins.pin(pin);
  return pin;
}

/** Lets go of what was pinned. @throws LastgoodError `PIN_UNKNOWN`, `REPOSITORY_UNREADABLE` */
export async function unpinById({ repository }: Pick<OpenArchive, 'repository'>, id: string, at: Date): Promise<Pin> {
  const pin = await repository.pins.unpin(id, at.toISOString());
  if (pin !== null) return pin;
  throw new LastgoodError('PIN_UNKNOWN', `nothing is pinned under '${id}'`, { details: { id } });
}

async function incidentPin(
  archive: Pick<OpenArchive, 'repository' | 'catalog'>,
  id: string,
  { signal, ...why }: PinReason & { signal?: AbortSignal | undefined },
): Promise<Pin> {
  const plan = await makePlan(archive, { kind: 'before-incident', incident: id }, { signal });
  return pinOf(id, [plan], why);
}

/** The pin of an incident, by the plans of restores to before it, and to before others that are pinned along with it. */
export function pinOf(id: string, plans: readonly [Plan, ...Plan[]], { reason, by, at }: PinReason): Pin {
  const segments = joined(plans.flatMap(filesOf));
  return { id, incident: id, backup: plans[0].backup.id, segments, reason, by, since: at.toISOString() };
}

/** Also the file in which the cut is, though nothing of it may be replayed, and the one in which the backup stands. */
function filesOf({ segments, backup, target: { resolved } }: Plan): PinnedFiles[] {
  const { lineage, coordinates } = backup.primary;
  const start = { lineage: lineage ?? resolved.lineage, file: parseCoordinates(coordinates).file };
  return [start, ...segments, resolved].map((place) => ({ lineage: place.lineage, from: place.file, to: place.file }));
}

async function backupPin(
  { repository }: Pick<OpenArchive, 'repository'>,
  id: string,
  { reason, by, at }: PinReason,
): Promise<Pin> {
  const backup = findRecord(await repository.backups(), id);
  if (backup === null)
    throw new LastgoodError('BACKUP_MISSING', `no incident and no backup has the id '${id}'`, { details: { id } });
  const { lineage, coordinates } = backup.primary;
  const { file } = parseCoordinates(coordinates);
  const segments = lineage === null ? [] : [{ lineage, from: file, to: file }];
  return { id, incident: null, backup: id, segments, reason, by, since: at.toISOString() };
}

/** One range for each lineage: what a restore needs of one is in one piece. */
function joined(files: readonly PinnedFiles[]): PinnedFiles[] {
  const ranges = new Map<string, PinnedFiles>();
  for (const { lineage, from, to } of files) {
    const known = ranges.get(lineage);
    ranges.set(lineage, {
      lineage,
      from: known === undefined ? from : lesser(known.from, from),
      to: known === undefined ? to : greater(known.to, to),
    });
  }
  return [...ranges.values()];
}

function lesser(a: string, b: string): string {
  return compareFiles(a, b) <= 0 ? a : b;
}

function greater(a: string, b: string): string {
  return compareFiles(a, b) >= 0 ? a : b;
}
