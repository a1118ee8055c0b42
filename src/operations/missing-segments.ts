/**
 * What the repository had and has no more. Enters: the archive's folders, and the catalog as their witness. Leaves:
 * findings; what a source lost is told by losses.ts.
 */
import type { Lineage } from '../archive/lineage.ts';
import type { UnreadableRecord } from '../archive/stored-records.ts';
import { compareFiles } from '../binlog/coordinates.ts';
import type { LostSegment } from '../catalog/lost-segments.ts';
import type { Finding } from './finding.ts';
import type { OpenArchive } from './open-archive.ts';

type Archive = Pick<OpenArchive, 'repository' | 'catalog'>;

/**
 * Segments whose files are gone from the repository, have fewer bytes than were durable, or a damaged manifest; also those of lineages whose folders
 * are gone.
 *
 * @param lineages of which it is asked
 */
export async function findMissingSegments(archive: Archive, lineages: readonly Lineage[]): Promise<Finding[]> {
  const lost = archive.catalog.lost();
  const findings: Finding[] = [];
  for (const lineage of lineages) {
    const own = lost.filter((item) => item.lineage === lineage.id);
    findings.push(...(await findIn(archive, lineage, own)));
  }
  const known = archive.catalog.lineages().map(({ id }) => id);
  const gone = lost.filter(({ lineage }) => !known.includes(lineage));
  for (const id of new Set(gone.map(({ lineage }) => lineage)))
    findings.push(missingFinding(id, filesOf(gone.filter(({ lineage }) => lineage === id))));
  return findings;
}

async function findIn(
  { repository, catalog }: Archive,
  lineage: Lineage,
  lost: readonly LostSegment[],
): Promise<Finding[]> {
  const { records, unreadable } = await repository.storedSegments(lineage.id);
  const there = new Set(records.map(({ file }) => file));
  const damaged = new Set(unreadable.map(({ id }) => id));
  const gone = filesOf(lost).filter((file) => !there.has(file));
  const notThere = new Set([...(await repository.missingSegments(lineage)), ...gone]);
  const missing = [...notThere].filter((file) => !damaged.has(file)).sort(compareFiles);
  const cut = lost.filter(({ file }) => there.has(file));
  return [
    ...(missing.length === 0 ? [] : [missingFinding(lineage.id, missing)]),
    ...unreadable.map((record) => damagedFinding(lineage.id, record)),
    ...cut.map((item) => cutFinding(item, catalog.segment(lineage.id, item.file)?.digest.indexedTo ?? 0)),
  ];
}

function filesOf(lost: readonly LostSegment[]): string[] {
  return lost.map(({ file }) => file);
}

const NEXT_STEPS = [
  'Run `lastgood verify`: it tells what is left.',
  '`lastgood archive` asks the source again for what is missing at the end of the archive.',
  'Put everything else back from a second copy, each file with its manifest.',
  'If there is none, take a backup now: `lastgood backup`. No restore can cross this place.',
].join(' ');

const MANY = 3;

function missingFinding(lineage: string, missing: readonly string[]): Finding {
  const all = `${missing.length} files between ${missing[0] ?? ''} and ${missing.at(-1) ?? ''}`;
  return {
    severity: 'error',
    check: 'missing segments',
    object: lineage,
    found: `archived files are gone from the repository: ${missing.length > MANY ? all : missing.join(', ')}`,
    fix: NEXT_STEPS,
  };
}

function damagedFinding(lineage: string, { id, error }: UnreadableRecord): Finding {
  return {
    severity: 'error',
    check: 'damaged manifest',
    object: lineage,
    found: `nothing of ${id} can be used: ${error.message}`,
    fix: error.hint,
  };
}

function cutFinding({ lineage, file, indexedTo }: LostSegment, readableTo: number): Finding {
  return {
    severity: 'error',
    check: 'lost bytes',
    object: lineage,
    found: `${file} was archived up to ${indexedTo}, and can be read only up to ${readableTo} now`,
    fix: NEXT_STEPS,
  };
}
