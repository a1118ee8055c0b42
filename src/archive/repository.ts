/**
 * The archive on disk: names, folders and lists. Enters: a folder. Leaves: lineages, segments, backups, rehearsals
 * as records. The files are the truth; nothing here keeps a second copy of it. Must not know SQLite or servers.
 */
import { randomUUID } from 'node:crypto';
import { dirname, join } from 'node:path';
import { compareFiles, isBinlogFileName, nextFile } from '../binlog/coordinates.ts';
import { makeDirectory, writeFileDurably } from '../platform/durable-file.ts';
import { LastgoodError } from '../platform/errors.ts';
import { whyNoFolder } from '../platform/folder-way.ts';
import { whyNoBackup, type BackupRecord } from './backup-record.ts';
import { refuseUsedFolder, REPOSITORY_FOLDERS, REPOSITORY_RECORD } from './begin-folder.ts';
import { readKeyRing, type KeyRing } from './key-ring.ts';
import { Ledger } from './ledger.ts';
import { findOwnAncestor, type Lineage } from './lineage.ts';
import type { SegmentManifest } from './manifest.ts';
import { Pins } from './pins.ts';
import { exists, isNoFolder, readFolder, sizeOf } from './presence.ts';
import { renderRecord } from './record-text.ts';
import { whyNoRehearsal, type RehearsalRecord } from './rehearsal-record.ts';
import { formOf, isPlain, storedName } from './stored-form.ts';
import {
  isDamagedRecord,
  notUsable,
  ofPlace,
  readEach,
  readRecord,
  readWrittenRecord,
  recordGone,
  type RecordPlace,
  type StoredRecords,
} from './stored-records.ts';

/** Readers refuse a newer one. 2: sealed segments may be compressed or encrypted. */
const FORMAT = 2;
const BACKUP_RECORD = 'backup.json';
const LINEAGE_RECORD = 'lineage.json';

/** One archived binary log file. Its bytes are read through `openSegment`, never from `path`. */
export interface ArchivedSegment {
  readonly lineage: string;
  readonly file: string;
  readonly state: 'open' | 'sealed';
  /** Where the stored bytes are: `binlog.000042`, or that with `.zst` or `.enc`. */
  readonly path: string;
  /** Of the plain file, also when it is stored in another form. */
  readonly bytes: number;
  readonly manifest: SegmentManifest | null;
  /** What encrypted bytes are read with; null without a key file. */
  readonly keys: KeyRing | null;
}

/**
 * Opens the repository at `path`; `create` makes it where there is none, and raises an older format to the present one.
 *
 * @throws LastgoodError `REPOSITORY_MISSING`, also for a folder in which something else lives, `REPOSITORY_UNREADABLE`,
 * `REPOSITORY_VERSION`, `FILE_UNREADABLE` and `KEY_FILE_INVALID` for the key file
 */
export async function openRepository(
  path: string,
  options: {
    create?: boolean;
    /** Of `repository.encryption_key_file`; null or none: encrypted segments cannot be read. */
    keyFile?: string | null;
  } = {},
): Promise<Repository> {
  const file = join(path, REPOSITORY_RECORD);
  if (!(await exists(file))) {
    if (await isNoFolder(path)) throw noFolder(path);
    if (await holdsLineages(path)) throw recordGone(file, 'lineages are');
    if (options.create !== true) throw new LastgoodError('REPOSITORY_MISSING', `no repository at '${path}'`);
    await refuseUsedFolder(path);
    for (const folder of REPOSITORY_FOLDERS) await makeDirectory(join(path, folder));
    await writeRecord(file, { format: FORMAT, id: randomUUID() });
  }
  const { format, id } = await readRecord<{ format: number; id: string }>(file);
  if (format > FORMAT) {
    throw new LastgoodError(
      'REPOSITORY_VERSION',
      `repository '${path}' has format ${format}, this lastgood reads up to ${FORMAT}`,
    );
  }
  if (options.create === true && format < FORMAT) await writeRecord(file, { format: FORMAT, id });
  const { keyFile = null } = options;
  return new Repository(path, id, keyFile === null ? null : await readKeyRing(keyFile));
}

/** Every path of the archive is made here. */
export class Repository {
  readonly path: string;
  readonly id: string;
  readonly ledger: Ledger;
  readonly pins: Pins;
  /** null: no key file is configured. */
  readonly keys: KeyRing | null;

  constructor(path: string, id: string, keys: KeyRing | null) {
    this.path = path;
    this.id = id;
    this.keys = keys;
    this.ledger = new Ledger(join(path, 'ledger.jsonl'));
    this.pins = new Pins(join(path, 'pins.jsonl'));
  }

  get catalogPath(): string {
    return join(this.path, 'catalog.sqlite');
  }

  /** One archiver per primary name. */
  archiverLockPath(name: string): string {
    return join(this.path, `archiver-${name}.lock`);
  }

  /** Of every archiver that there was or is: one that has just begun has its lock before its first lineage. */
  async archiverNames(): Promise<string[]> {
    const ofLineages = (await this.lineages()).map(({ name }) => name);
    const ofLocks = (await readFolder(this.path)).map((file) => /^archiver-(.+)\.lock$/.exec(file)?.[1] ?? '');
    return [...new Set([...ofLineages, ...ofLocks.filter((name) => name !== '')])];
  }

  /** Of the archiver of a primary name: what it notes of itself. */
  archiverRecordPath(name: string): string {
    return join(this.path, `archiver-${name}.json`);
  }

  /** Of the archiver of a primary name: what it told of incidents. */
  alertRecordPath(name: string): string {
    return join(this.path, `alerts-${name}.jsonl`);
  }

  lineageFolder(id: string): string {
    return join(this.path, 'lineages', id);
  }

  backupFolder(id: string): string {
    return join(this.path, 'backups', id);
  }

  /**
   * In the order they began, as their records stand: an archiver goes on with edited ones, by bytes alone.
   *
   * @throws LastgoodError `REPOSITORY_UNREADABLE`, `ARCHIVE_DAMAGED` for one that is its own ancestor
   */
  async lineages(): Promise<Lineage[]> {
    await this.#checkLineageFolders();
    const all: Lineage[] = [];
    for (const place of await this.#places('lineages', LINEAGE_RECORD)) {
      if (!(await exists(place.path))) continue; // a folder that has only begun
      const record = ofPlace(place, await readRecord<Lineage>(place.path));
      all.push({ ...record, handOver: record.handOver ?? null }); // absent in older records
    }
    const wrong = findOwnAncestor(all);
    if (wrong !== null) throw ownAncestor(join(this.lineageFolder(wrong.id), LINEAGE_RECORD));
    return all.sort((a, b) => compareText(a.createdAt, b.createdAt) || compareText(a.id, b.id));
  }

  /**
   * One error for each lineage whose record says something else than was written: its parent, its hand-over or its server may be
   * another's, and a restore that believed it would lead through the wrong log.
   */
  async editedLineages(): Promise<LastgoodError[]> {
    const places = await this.#places('lineages', LINEAGE_RECORD);
    const { unreadable } = await readEach(places, async (place) =>
      (await exists(place.path)) ? await readWrittenRecord<Lineage>(place) : null,
    );
    return unreadable.map(({ error }) => error);
  }

  async writeLineage(lineage: Lineage): Promise<void> {
    await makeDirectory(this.lineageFolder(lineage.id));
    await writeRecord(join(this.lineageFolder(lineage.id), LINEAGE_RECORD), lineage);
  }

  /** Of one lineage, in the order of their file numbers; without those whose bytes are gone, or whose manifest is damaged. */
  async segments(lineage: string): Promise<ArchivedSegment[]> {
    return [...(await this.storedSegments(lineage)).records];
  }

  /**
   * As `segments`, with the manifests that are damaged: nobody knows what such a file holds, so it counts as missing, and all others
   * can be used. One that cannot be read, as for want of a right, may be good: that is thrown.
   */
  async storedSegments(lineage: string): Promise<StoredRecords<ArchivedSegment>> {
    const folder = this.lineageFolder(lineage);
    const names = await readFolder(folder);
    const present = new Set(names);
    const files = [...new Set(names.map(segmentOf).filter((file) => file !== null))].sort(compareFiles);
    const places = files.map((file) => ({ id: file, path: join(folder, manifestName(file)) }));
    const read = async ({ id: file }: RecordPlace): Promise<ArchivedSegment | null> =>
      await readSegmentAt({ folder, lineage, file, keys: this.keys }, present);
    // One after the other: thousands of manifests at once are more files than a process may open.
    const { records, unreadable } = await readEach(places, read, isDamagedRecord);
    return { records: records.filter((segment) => segment !== null), unreadable };
  }

  /** Names of a lineage's segments whose bytes are gone: sealed or passed over, from its first file on. */
  async missingSegments({ id, firstFile }: Lineage): Promise<string[]> {
    const names = await readFolder(this.lineageFolder(id));
    if (names.length === 1) return []; // only lineage.json: nothing was archived yet
    const there = new Set((await this.segments(id)).map(({ file }) => file));
    const known = names.map((name) => segmentOf(name.replace(/\.json$/, ''))).filter((file) => file !== null);
    const last = known.sort(compareFiles).at(-1) ?? firstFile;
    const missing: string[] = [];
    for (let file = firstFile; compareFiles(file, last) <= 0; file = nextFile(file))
      if (!there.has(file)) missing.push(file);
    return missing;
  }

  /**
   * Oldest first. One that cannot be read may stand anywhere in any lineage, and may be the only one that a pin, a rule of retention or
   * a person counts on: nothing restores from it, and whoever deletes backups or segments must not delete any while there is one.
   */
  async backups(): Promise<StoredRecords<BackupRecord>> {
    const places = await this.#places('backups', BACKUP_RECORD);
    const found = await readEach(places, readBackup);
    return { records: byStart(found.records.filter((record) => record !== null)), unreadable: found.unreadable };
  }

  /** Oldest first. Only estimates and "last rehearsal" rest on them. */
  async rehearsals(): Promise<StoredRecords<RehearsalRecord>> {
    const folder = join(this.path, 'rehearsals');
    const names = (await readFolder(folder)).filter((name) => name.endsWith('.json'));
    const places = names.map((name) => ({ id: name.slice(0, -'.json'.length), path: join(folder, name) }));
    const { records, unreadable } = await readEach(places, readRehearsal);
    return { records: byStart(records), unreadable };
  }

  async writeRehearsal(record: RehearsalRecord): Promise<void> {
    await writeRecord(join(this.path, 'rehearsals', `${record.id}.json`), record);
  }

  /** A lineage's record is written before its first segment: a folder that has one was a lineage's. */
  async #checkLineageFolders(): Promise<void> {
    for (const id of await readFolder(join(this.path, 'lineages'))) {
      const names = await readFolder(this.lineageFolder(id), []);
      const hasSegments = names.some((name) => segmentOf(name.replace(/\.json$/, '')) !== null);
      if (hasSegments && !names.includes(LINEAGE_RECORD))
        throw recordGone(join(this.lineageFolder(id), LINEAGE_RECORD), 'segments are');
    }
  }

  /** In the order of their names; without what is being made. */
  async #places(kind: string, name: string): Promise<RecordPlace[]> {
    const folders = (await readFolder(join(this.path, kind))).filter((folder) => !folder.endsWith('.partial')).sort();
    return folders.map((id) => ({ id, path: join(this.path, kind, id, name) }));
  }
}

/** null where there is no backup: its folder comes into being whole, so one that holds something and has no record has lost it. */
async function readBackup(place: RecordPlace): Promise<BackupRecord | null> {
  const { path } = place;
  if (!(await exists(path))) {
    if ((await readFolder(dirname(path), [])).length === 0) return null;
    throw recordGone(path, "the backup's files are");
  }
  const record = await readWrittenRecord<BackupRecord>(place);
  const why = whyNoBackup(record);
  if (why !== null) throw notUsable(path, why);
  return record;
}

async function readRehearsal(place: RecordPlace): Promise<RehearsalRecord> {
  const record = await readWrittenRecord<RehearsalRecord>(place);
  const why = whyNoRehearsal(record);
  if (why !== null) throw notUsable(place.path, why);
  return record;
}

function byStart<R extends { readonly startedAt: string }>(records: readonly R[]): R[] {
  return records.toSorted((a, b) => compareText(a.startedAt, b.startedAt));
}

/** `binlog.000042.json`, beside the segment. */
export function manifestName(file: string): string {
  return `${file}.json`;
}

/** Writes a JSON record durably, with its own hash in it. */
export async function writeRecord(path: string, record: object): Promise<void> {
  await writeFileDurably(path, renderRecord(record));
}

interface SegmentPlace {
  readonly folder: string;
  readonly lineage: string;
  readonly file: string;
  readonly keys: KeyRing | null;
}

/**
 * One segment as it is now; null when it is not there, or its bytes are gone.
 *
 * @param listed the folder's names, when they were just read; an archiver may have sealed the segment since then
 */
export async function readSegmentAt(
  place: SegmentPlace,
  listed?: ReadonlySet<string>,
): Promise<ArchivedSegment | null> {
  const { folder, lineage, file, keys } = place;
  const present = listed ?? new Set(await readFolder(folder));
  if (present.has(manifestName(file))) return await readSealed(place);
  if (!present.has(file)) return null;
  const path = join(folder, file);
  const bytes = await sizeOf(path);
  if (bytes === null) return await readSegmentAt(place);
  return { lineage, file, state: 'open', path, bytes, manifest: null, keys };
}

async function readSealed({ folder, lineage, file, keys }: SegmentPlace): Promise<ArchivedSegment | null> {
  const manifest = await readRecord<SegmentManifest>(join(folder, manifestName(file)));
  const form = formOf(manifest);
  const path = join(folder, storedName(file, form));
  const storedBytes = await sizeOf(path);
  if (storedBytes === null) return null;
  const bytes = isPlain(form) ? storedBytes : manifest.bytes;
  return { lineage, file, state: 'sealed', path, bytes, manifest, keys };
}

/** The segment whose bytes may be under this name, in whatever form; null for any other file. */
function segmentOf(name: string): string | null {
  const file = name.replace(/\.(?:zst|enc)$/, '');
  return isBinlogFileName(file) ? file : null;
}

/** True when a repository was made at `path`: its record is the last thing that an empty one gets. */
async function holdsLineages(path: string): Promise<boolean> {
  return (await readFolder(join(path, 'lineages'), [])).length > 0;
}

function noFolder(path: string): LastgoodError {
  return new LastgoodError('REPOSITORY_UNREADABLE', `repository '${path}' ${whyNoFolder(path)}`, {
    details: { path },
    hint: 'Is repository.url right? It names a folder, which `lastgood archive` makes on its first run.',
  });
}

/** Who follows the parents would go round for ever. */
function ownAncestor(path: string): LastgoodError {
  return new LastgoodError('ARCHIVE_DAMAGED', `'${path}' is damaged: by its parents the lineage comes after itself`, {
    details: { path },
    hint: 'Put the file back from a second copy of the archive, then run `lastgood verify`.',
  });
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
