import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { compareFiles, isBinlogFileName } from '../binlog/coordinates.ts';
import { damageOfFailure, type Damage } from './damage.ts';
import type { KeyRing } from './key-ring.ts';
import type { SegmentManifest } from './manifest.ts';
import { manifestName, type ArchivedSegment } from './repository.ts';
import { formOf, storedName } from './stored-form.ts';
import { verifyRecord, type StoredRecord } from './verify-record.ts';

/** One of the primary's files, as its lineage's folder has it. */
export interface ListedFile {
  readonly file: string;
  /** Of the stored bytes, or where they should be. */
  readonly path: string;
  readonly manifestPath: string;
  /** False when only its manifest is there. */
  readonly hasBytes: boolean;
  /** null when its bytes cannot be read: they are not there, or nothing that can be relied on says how they are stored. */
  readonly segment: ArchivedSegment | null;
  readonly manifest: StoredRecord<SegmentManifest> | null;
  /** Of name, size, time and manifest: changes when an archiver touches the file. */
  readonly signature: string;
}

/** What a lineage's folder holds, in the order of the log. */
export interface LineageListing {
  readonly files: readonly ListedFile[];
  /** What is wrong with the folder and the manifests, without a look at the segments' bytes. */
  readonly damages: readonly Damage[];
}

export interface ListingOptions {
  readonly folder: string;
  readonly lineage: string;
  /** What all file names begin with, `binlog`; null: not known. */
  readonly base: string | null;
  readonly keys: KeyRing | null;
}

/** Lists a lineage's folder with everything in it that nobody wrote. */
export async function listLineage({ folder, lineage, base, keys }: ListingOptions): Promise<LineageListing> {
  let names: string[];
  try {
    names = (await readdir(folder)).sort();
  } catch (error) {
    return { files: [], damages: [damageOfFailure(error, { check: 'readable', path: folder, offset: null })] };
  }
  const { stored, damages } = sortOut(folder, names, base);
  const files: ListedFile[] = [];
  for (const [file, present] of stored) {
    const listed = await listFile({ folder, lineage, file, keys }, present);
    files.push(listed.listed);
    damages.push(...listed.damages);
  }
  return { files: files.sort((a, b) => compareFiles(a.file, b.file)), damages };
}

/** `binlog.000042` with nothing, or what its stored forms and its manifest add to the name. */
const SUFFIX = /(?:\.zst|\.enc|\.json)?$/;

/** What belongs to each of the primary's files: names in the folder. All else is foreign, or was left by a crash. */
function sortOut(
  folder: string,
  names: readonly string[],
  base: string | null,
): { stored: Map<string, Set<string>>; damages: Damage[] } {
  const stored = new Map<string, Set<string>>();
  const damages: Damage[] = [];
  for (const name of names) {
    if (name === 'lineage.json') continue;
    const unfinished = name.endsWith('.partial');
    const whole = unfinished ? name.slice(0, -'.partial'.length) : name;
    const file = whole.replace(SUFFIX, '');
    const ours = isBinlogFileName(file) && (base === null || baseOf(file) === base);
    const at = { path: join(folder, name), offset: null };
    if (unfinished && (ours || whole === 'lineage.json'))
      damages.push({ check: 'leftover', ...at, found: 'it was being written when the archiver ended' });
    else if (ours) stored.set(file, (stored.get(file) ?? new Set()).add(name));
    else damages.push({ check: 'foreign file', ...at, found: 'it is no file of this lineage: nobody here wrote it' });
  }
  return { stored, damages };
}

/** The part of a binary log file's name that all files of a server share. */
export function baseOf(file: string): string {
  return file.slice(0, file.lastIndexOf('.'));
}

interface FilePlace {
  readonly folder: string;
  readonly lineage: string;
  readonly file: string;
  readonly keys: KeyRing | null;
}

async function listFile(
  at: FilePlace,
  present: ReadonlySet<string>,
): Promise<{ listed: ListedFile; damages: readonly Damage[] }> {
  const { folder, file } = at;
  const manifestPath = join(folder, manifestName(file));
  const manifest = present.has(manifestName(file)) ? await verifyRecord<SegmentManifest>(manifestPath) : null;
  const content = manifest?.content ?? null;
  const name = content === null ? likeliestName(file, present) : storedName(file, formOf(content));
  const damages = [...(manifest?.damages ?? []), ...otherForms({ folder, file, name, present, content })];
  const hasBytes = present.has(name);
  const { segment, signature, problem } = hasBytes ? await statSegment(at, name, manifest) : NOTHING;
  const path = join(folder, name);
  const listed = { file, path, manifestPath, hasBytes, manifest, segment, signature };
  return { listed, damages: [...damages, ...problem] };
}

interface SegmentState {
  readonly segment: ArchivedSegment | null;
  readonly signature: string;
  readonly problem: readonly Damage[];
}

const NOTHING: SegmentState = { segment: null, signature: '', problem: [] };

async function statSegment(at: FilePlace, name: string, manifest: ListedFile['manifest']): Promise<SegmentState> {
  const { folder, lineage, file, keys } = at;
  const path = join(folder, name);
  try {
    const { size, mtimeMs, ino } = await stat(path);
    const content = manifest?.content ?? null;
    const signature = [name, size, mtimeMs, ino, manifest?.sha256].join(' ');
    if (name !== file && content === null)
      return { segment: null, signature, problem: unknownForm(at, name, manifest) };
    const bytes = name === file ? size : (content?.bytes ?? size);
    const state = manifest === null ? 'open' : 'sealed';
    return { segment: { lineage, file, state, path, bytes, manifest: content, keys }, signature, problem: [] };
  } catch (error) {
    return { ...NOTHING, problem: [damageOfFailure(error, { check: 'readable', path, offset: null })] };
  }
}

/** Compressed or encrypted bytes tell nothing without their manifest; a damaged one has its own finding. */
function unknownForm({ folder, file }: FilePlace, name: string, manifest: ListedFile['manifest']): Damage[] {
  if (manifest !== null) return [];
  const found = `it is not there: nothing says what '${name}' holds`;
  return [{ check: 'manifest', path: join(folder, manifestName(file)), offset: null, found }];
}

/** Without a manifest that says how the bytes are stored. */
function likeliestName(file: string, present: ReadonlySet<string>): string {
  return [file, `${file}.zst`, `${file}.enc`].find((name) => present.has(name)) ?? file;
}

/** The plain form stays until the manifest of the stored one is durable: a crash may leave both. */
function otherForms(o: {
  folder: string;
  file: string;
  name: string;
  present: ReadonlySet<string>;
  content: SegmentManifest | null;
}): Damage[] {
  const { folder, file, name, present, content } = o;
  const others = [...present].filter((other) => other !== name && other !== manifestName(file));
  return others.map((other) => ({
    check: other === file || content === null ? 'leftover' : 'foreign file',
    path: join(folder, other),
    offset: null,
    found: `the segment is stored in '${name}' too`,
  }));
}
