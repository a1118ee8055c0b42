import { join } from 'node:path';
import { compareFiles, fileNumber, FIRST_EVENT_OFFSET, nextFile } from '../binlog/coordinates.ts';
import { parseGtidState } from '../binlog/gtid-text.ts';
import type { Flavor, GtidState } from '../binlog/gtid.ts';
import { isLastgoodError } from '../platform/errors.ts';
import type { Damage } from './damage.ts';
import { continuesFrom } from './gtid-continuity.ts';
import type { Lineage } from './lineage.ts';
import type { SegmentDigest } from './manifest.ts';
import type { SegmentReport } from './verify-segment.ts';
import type { ListedFile } from './verify-listing.ts';

/** A file of a lineage with what its bytes say; `report` is null when they were not read. */
export interface CheckedFile {
  readonly listed: ListedFile;
  readonly report: Omit<SegmentReport, 'update'> | null;
  /** Of the bytes, else of the manifest; null when neither can be relied on. */
  readonly digest: SegmentDigest | null;
}

/**
 * What must hold between the files of one lineage: none missing, each manifest chained to the one before, each file beginning
 * where the one before ended, the first one being what lineage.json says. Pure.
 *
 * @param files in the order of their numbers
 */
export function verifyOrder(lineage: Lineage, folder: string, files: readonly CheckedFile[]): Damage[] {
  const damages: Damage[] = [];
  let previous: CheckedFile | null = null;
  for (const file of files) {
    damages.push(...missingBefore({ lineage, folder, previous, file }), ...verifyOne(lineage, file));
    if (previous === null) damages.push(...verifyFirst(lineage, file));
    else if (follows(previous, file)) damages.push(...verifyLink({ lineage, previous, file }));
    previous = file;
  }
  return [...damages, ...verifyOpenOnes(files)];
}

function follows(previous: CheckedFile, file: CheckedFile): boolean {
  return fileNumber(file.listed.file) === fileNumber(previous.listed.file) + 1;
}

/** One finding for each run of missing files: a file with a wrong number must not list a million of them. */
function missingBefore(o: {
  lineage: Lineage;
  folder: string;
  previous: CheckedFile | null;
  file: CheckedFile;
}): Damage[] {
  const { lineage, folder, previous, file } = o;
  const expected = previous === null ? lineage.firstFile : nextFile(previous.listed.file);
  const count = fileNumber(file.listed.file) - fileNumber(expected);
  if (count < 0) return [{ check: 'foreign file', path: file.listed.path, offset: null, found: beforeFirst(lineage) }];
  if (count === 0) return [];
  const others = count === 1 ? '' : `, nor are the ${count - 1} files after it`;
  const found = `it is not there${others}, though '${file.listed.file}' is`;
  return [{ check: 'missing segment', path: join(folder, expected), offset: null, found }];
}

function beforeFirst({ firstFile }: Lineage): string {
  return `the lineage begins with '${firstFile}', or the file stands twice`;
}

/** What must hold for each file, whatever stands before it. */
function verifyOne(lineage: Lineage, { listed, report }: CheckedFile): Damage[] {
  const { file, hasBytes, manifest, path } = listed;
  if (!hasBytes) return [{ check: 'missing segment', path, offset: null, found: 'only its manifest is there' }];
  const damages: Damage[] = [];
  const names = manifest?.content?.file ?? file;
  if (manifest !== null && names !== file)
    damages.push({ check: 'manifest', path: manifest.path, offset: null, found: `it is the manifest of '${names}'` });
  if (report !== null && report.flavor !== null && report.flavor !== lineage.flavor)
    damages.push(another(path, `it was written by a ${report.flavor} server, the lineage is of ${lineage.flavor}`));
  return damages;
}

function another(path: string, found: string): Damage {
  return { check: 'lineage', path, offset: FIRST_EVENT_OFFSET, found };
}

function verifyFirst(lineage: Lineage, { listed, digest }: CheckedFile): Damage[] {
  if (digest === null || listed.file !== lineage.firstFile) return [];
  const { path, manifest } = listed;
  const damages: Damage[] = [];
  if (digest.openedAt !== lineage.firstOpenedAt) {
    const when = `it was begun at ${digest.openedAt} (seconds since 1970), lineage.json says ${lineage.firstOpenedAt}`;
    damages.push(another(path, when));
  }
  if (digest.gtidStart !== null && lineage.firstGtidState !== null && !isSameState(lineage, digest.gtidStart))
    damages.push(
      another(path, `it begins after GTIDs '${digest.gtidStart}', lineage.json says '${lineage.firstGtidState}'`),
    );
  const chained = manifest?.content?.previousManifestSha256 ?? null;
  if (manifest !== null && chained !== null) {
    const found = 'it names a manifest before it, but the lineage begins here';
    damages.push({ check: 'manifest chain', path: manifest.path, offset: null, found });
  }
  return damages;
}

function isSameState({ flavor, firstGtidState }: Lineage, gtidStart: string): boolean {
  const recorded = readState(flavor, firstGtidState ?? '');
  return recorded !== null && readState(flavor, gtidStart)?.equals(recorded) === true;
}

interface Link {
  readonly lineage: Lineage;
  readonly previous: CheckedFile;
  readonly file: CheckedFile;
}

function verifyLink(link: Link): Damage[] {
  return [...verifyChain(link), ...verifyGtids(link)];
}

/** A manifest that shows itself that it was changed breaks the chain too: that is said once. */
function verifyChain({ previous, file }: Link): Damage[] {
  const before = previous.listed.manifest;
  const { manifest } = file.listed;
  const content = manifest?.content ?? null;
  if (content === null || before === null || before.content === null) return [];
  if (content.previousManifestSha256 === before.sha256) return [];
  const found = `its SHA-256 is ${before.sha256}, the manifest of '${file.listed.file}' was chained to ${content.previousManifestSha256 ?? 'none'}`;
  return [{ check: 'manifest chain', path: before.path, offset: null, found }];
}

function verifyGtids({ lineage: { flavor }, previous, file }: Link): Damage[] {
  const ended = previous.digest?.gtidEnd ?? null;
  const begins = file.digest?.gtidStart ?? null;
  // Damaged events give a wrong state, and have their own findings.
  if (ended === null || begins === null || isDamaged(previous) || isDamaged(file)) return [];
  const [expected, found] = [readState(flavor, ended), readState(flavor, begins)];
  if (expected !== null && found !== null && continuesFrom(expected, found)) return [];
  const why = `at offset ${FIRST_EVENT_OFFSET}: it begins after GTIDs '${begins}', but '${previous.listed.file}' ended at '${ended}'`;
  return [{ check: 'continuity', path: file.listed.path, offset: FIRST_EVENT_OFFSET, found: why }];
}

function isDamaged({ report }: CheckedFile): boolean {
  return report?.damages.some(({ check }) => check === 'segment') === true;
}

/** null when a record says something that no server writes. */
function readState(flavor: Flavor, text: string): GtidState | null {
  try {
    return parseGtidState(flavor, text);
  } catch (error) {
    if (isLastgoodError(error, 'GTID_INVALID')) return null;
    throw error;
  }
}

/** Manifests are written in order: behind a segment without one there is none with one. */
function verifyOpenOnes(files: readonly CheckedFile[]): Damage[] {
  const lastSealed = files.findLast(({ listed }) => listed.manifest !== null)?.listed.file;
  if (lastSealed === undefined) return [];
  return files
    .filter(({ listed }) => listed.segment !== null && listed.manifest === null)
    .filter(({ listed }) => compareFiles(listed.file, lastSealed) < 0)
    .map(({ listed }) => ({
      check: 'manifest',
      path: listed.manifestPath,
      offset: null,
      found: `it is not there, but later segments have theirs`,
    }));
}
