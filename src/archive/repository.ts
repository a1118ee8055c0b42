/**
 * The archive on disk: names, folders and lists. Enters: a folder. Leaves: lineages, segments, backups, rehearsals
 * as records. The files are the truth; nothing here keeps a second copy of it. Must not know SQLite or servers.
 */
import { randomUUID } from 'node:crypto';
import { access, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { compareFiles, isBinlogFileName, nextFile } from '../binlog/coordinates.ts';
import { makeDirectory, writeFileDurably } from '../platform/durable-file.ts';
import { LastgoodError } from '../platform/errors.ts';
import type { BackupRecord } from './backup-record.ts';
import { Ledger } from './ledger.ts';
import type { Lineage } from './lineage.ts';
import type { SegmentManifest } from './manifest.ts';
import type { RehearsalRecord } from './rehearsal-record.ts';

/** Readers refuse a newer one. */
const FORMAT = 1;

/** One archived binary log file. `bytes` is the size of the plain file, `path` where its bytes are. */
export interface ArchivedSegment {
  readonly lineage: string;
  readonly file: string;
  readonly state: 'open' | 'sealed';
  readonly path: string;
  readonly bytes: number;
  readonly manifest: SegmentManifest | null;
}

/**
 * Opens the repository at `path`; `create` makes it where there is none.
 *
 * @throws LastgoodError `REPOSITORY_MISSING`, `REPOSITORY_UNREADABLE`, `REPOSITORY_VERSION`
 */
export async function openRepository(path: string, options: { create?: boolean } = {}): Promise<Repository> {
  const file = join(path, 'repository.json');
  if (!(await exists(file))) {
    if (options.create !== true) throw new LastgoodError('REPOSITORY_MISSING', `no repository at '${path}'`);
    await makeDirectory(join(path, 'lineages'));
    await makeDirectory(join(path, 'backups'));
    await makeDirectory(join(path, 'rehearsals'));
    await writeRecord(file, { format: FORMAT, id: randomUUID() });
  }
  const { format, id } = await readRecord<{ format: number; id: string }>(file);
  if (format > FORMAT) {
    throw new LastgoodError(
      'REPOSITORY_VERSION',
      `repository '${path}' has format ${format}, this lastgood reads up to ${FORMAT}`,
    );
  }
  return new Repository(path, id);
}

/** Every path of the archive is made here. */
export class Repository {
  readonly path: string;
  readonly id: string;
  readonly ledger: Ledger;

  constructor(path: string, id: string) {
    this.path = path;
    this.id = id;
    this.ledger = new Ledger(join(path, 'ledger.jsonl'));
  }

  get catalogPath(): string {
    return join(this.path, 'catalog.sqlite');
  }

  /** One archiver per primary name. */
  archiverLockPath(name: string): string {
    return join(this.path, `archiver-${name}.lock`);
  }

  lineageFolder(id: string): string {
    return join(this.path, 'lineages', id);
  }

  backupFolder(id: string): string {
    return join(this.path, 'backups', id);
  }

  /** In the order they began. */
  async lineages(): Promise<Lineage[]> {
    const all = await this.#records<Lineage>('lineages', 'lineage.json');
    return all.sort((a, b) => compareText(a.createdAt, b.createdAt) || compareText(a.id, b.id));
  }

  async writeLineage(lineage: Lineage): Promise<void> {
    await makeDirectory(this.lineageFolder(lineage.id));
    await writeRecord(join(this.lineageFolder(lineage.id), 'lineage.json'), lineage);
  }

  /** Of one lineage, in the order of their file numbers. */
  async segments(lineage: string): Promise<ArchivedSegment[]> {
    const folder = this.lineageFolder(lineage);
    const names = await readFolder(folder);
    const present = new Set(names);
    const files = names.filter(isBinlogFileName).sort(compareFiles);
    const segments: ArchivedSegment[] = [];
    // One after the other: thousands of manifests at once are more files than a process may open.
    for (const file of files)
      segments.push(await segmentAt({ folder, lineage, file, sealed: present.has(manifestName(file)) }));
    return segments;
  }

  /** Names of a lineage's segments whose bytes are gone: sealed or passed over, from its first file on. */
  async missingSegments({ id, firstFile }: Lineage): Promise<string[]> {
    const names = new Set(await readFolder(this.lineageFolder(id)));
    const files = [...names].filter(isBinlogFileName);
    const sealed = [...names].filter((name) => name.endsWith('.json')).map((name) => name.slice(0, -'.json'.length));
    const last = [...files, ...sealed.filter(isBinlogFileName)].sort(compareFiles).at(-1) ?? firstFile;
    const missing: string[] = [];
    if (names.size === 1) return missing; // only lineage.json: nothing was archived yet
    for (let file = firstFile; compareFiles(file, last) <= 0; file = nextFile(file))
      if (!names.has(file)) missing.push(file);
    return missing;
  }

  /** Oldest first. */
  async backups(): Promise<BackupRecord[]> {
    const all = await this.#records<BackupRecord>('backups', 'backup.json');
    return all.sort((a, b) => compareText(a.startedAt, b.startedAt));
  }

  /** Oldest first. */
  async rehearsals(): Promise<RehearsalRecord[]> {
    const folder = join(this.path, 'rehearsals');
    const names = (await readFolder(folder)).filter((name) => name.endsWith('.json'));
    const all = await Promise.all(names.map(async (name) => readRecord<RehearsalRecord>(join(folder, name))));
    return all.sort((a, b) => compareText(a.startedAt, b.startedAt));
  }

  async writeRehearsal(record: RehearsalRecord): Promise<void> {
    await writeRecord(join(this.path, 'rehearsals', `${record.id}.json`), record);
  }

  /** Folders without the record are work in progress, or what a crash left of it. */
  async #records<R>(kind: string, name: string): Promise<R[]> {
    const found: R[] = [];
    for (const folder of await readFolder(join(this.path, kind))) {
      const path = join(this.path, kind, folder, name);
      if (!folder.endsWith('.partial') && (await exists(path))) found.push(await readRecord<R>(path));
    }
    return found;
  }
}

/** `binlog.000042.json`, beside the segment. */
export function manifestName(file: string): string {
  return `${file}.json`;
}

/** Reads a JSON record of the archive. @throws LastgoodError `REPOSITORY_UNREADABLE` */
async function readRecord<R>(path: string): Promise<R> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as R;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new LastgoodError('REPOSITORY_UNREADABLE', `cannot read '${path}': ${why}`, { cause });
  }
}

/** Writes a JSON record durably. */
export async function writeRecord(path: string, record: object): Promise<void> {
  await writeFileDurably(path, `${JSON.stringify(record, null, 2)}\n`);
}

async function segmentAt(at: {
  folder: string;
  lineage: string;
  file: string;
  sealed: boolean;
}): Promise<ArchivedSegment> {
  const { folder, lineage, file, sealed } = at;
  const path = join(folder, file);
  const manifest = sealed ? await readRecord<SegmentManifest>(join(folder, manifestName(file))) : null;
  return { lineage, file, state: sealed ? 'sealed' : 'open', path, bytes: (await stat(path)).size, manifest };
}

async function readFolder(path: string): Promise<string[]> {
  try {
    return await readdir(path);
  } catch (cause) {
    throw new LastgoodError('REPOSITORY_UNREADABLE', `cannot read folder '${path}'`, { cause });
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (cause) {
    // Only a missing file is "nothing there"; anything else is "cannot read".
    if (cause instanceof Error && 'code' in cause && (cause.code === 'ENOENT' || cause.code === 'ENOTDIR'))
      return false;
    throw new LastgoodError('REPOSITORY_UNREADABLE', `cannot read '${path}'`, { cause });
  }
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
