/**
 * What a disk holds after a crash. `DiskRecorder` notes after each step what is in a folder and what of it was synced;
 * `writeImage` makes a folder of such a note, as a killed process or a power cut could have left it.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Step, StepHooks } from './crash-steps.ts';

/** Names, and which file or folder each one leads to. */
type Entries = Readonly<Record<string, string>>;

/** The disk after one step. Files are known by inode and time of birth, contents by their hash. */
export interface DiskState {
  readonly number: number;
  readonly step: string;
  readonly root: string;
  readonly folders: Record<string, Entries>;
  readonly contents: Record<string, string>;
  readonly syncedFolders: Record<string, Entries>;
  readonly syncedContents: Record<string, string>;
  /** By folder: names that were taken away, and the folder not synced since. */
  readonly removed: Record<string, readonly string[]>;
}

/**
 * How unsynced changes fared. `kill`: all are there, only the process is gone. The others are power cuts: `lost`: none is
 * there; `unlinked`: of them only removals, and SQLite's own; `names`: names, but no bytes; `zeros`: names and lengths, the bytes are
 * zero; `torn`: some bytes are zero, some are there, the last are not.
 */
export const FATES = ['kill', 'lost', 'unlinked', 'names', 'zeros', 'torn'] as const;
export type Fate = (typeof FATES)[number];

const CATALOG = /^catalog\.sqlite/;

/** Notes a state after each step, in `folder`; several threads of one process may do so. */
export class DiskRecorder implements StepHooks {
  readonly #root: string;
  readonly #folder: string;
  /** What files held when their sync began: it promises nothing of what is written during it. */
  readonly #syncing = new Map<string, string>();

  constructor(root: string, folder: string) {
    this.#root = root;
    this.#folder = folder;
    mkdirSync(join(folder, 'contents'), { recursive: true });
  }

  before(step: Step): void {
    if (step.op === 'transaction') this.#lock();
    const path = join(this.#root, step.path);
    if (isSync(step) && statSync(path).isFile()) this.#syncing.set(path, this.#keep(readFileSync(path)));
  }

  halfway(step: Step): void {
    this.#note(step, 'half of');
  }

  after(step: Step): void {
    if (step.op === 'transaction') this.#unlock();
    this.#note(step, 'after');
  }

  #note(step: Step, when: 'half of' | 'after'): void {
    this.#lock();
    try {
      const path = join(this.#folder, 'last.json');
      const before = existsSync(path) ? readState(path) : null;
      const state: DiskState = {
        number: (before?.number ?? 0) + 1,
        step: `${when} ${step.op} ${step.path}`,
        root: identity(this.#root),
        ...this.#scan(),
        syncedFolders: { ...before?.syncedFolders },
        syncedContents: { ...before?.syncedContents },
        removed: { ...before?.removed },
      };
      const changed = join(this.#root, step.path);
      if (when === 'after') applyStep(state, { op: step.op, path: changed }, this.#syncing.get(changed));
      const text = JSON.stringify(state);
      writeFileSync(path, text);
      writeFileSync(join(this.#folder, `state-${String(state.number).padStart(5, '0')}.json`), text);
    } finally {
      this.#unlock();
    }
  }

  /** Another thread may take a file away meanwhile: then once more. */
  #scan(): Pick<DiskState, 'folders' | 'contents'> {
    for (;;) {
      const found: Pick<DiskState, 'folders' | 'contents'> = { folders: {}, contents: {} };
      try {
        this.#visit(this.#root, found);
        return found;
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
      }
    }
  }

  #visit(path: string, found: Pick<DiskState, 'folders' | 'contents'>): void {
    const entries: Record<string, string> = {};
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      const child = join(path, entry.name);
      const id = identity(child);
      entries[entry.name] = id;
      if (entry.isDirectory()) this.#visit(child, found);
      else found.contents[id] = this.#keep(readFileSync(child));
    }
    found.folders[identity(path)] = entries;
  }

  #keep(bytes: Buffer): string {
    const name = createHash('sha256').update(bytes).digest('hex');
    const path = join(this.#folder, 'contents', name);
    if (!existsSync(path)) writeFileSync(path, bytes);
    return name;
  }

  /** Between threads, and so that no state is noted in the middle of another thread's transaction. */
  #lock(): void {
    for (;;) {
      try {
        mkdirSync(join(this.#folder, 'lock'));
        return;
      } catch {
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1); // held by another thread
      }
    }
  }

  #unlock(): void {
    rmdirSync(join(this.#folder, 'lock'));
  }
}

function isSync({ op }: Step): boolean {
  return op === 'sync' || op === 'datasync';
}

function applyStep(state: DiskState, { op, path }: Step, syncedContent: string | undefined): void {
  if (op === 'rm' || op === 'unlink') {
    const folder = identity(dirname(path));
    state.removed[folder] = [...(state.removed[folder] ?? []), basename(path)];
  }
  if (!isSync({ op, path })) return;
  const id = identity(path);
  const entries = state.folders[id];
  if (entries !== undefined) {
    state.syncedFolders[id] = entries;
    state.removed[id] = [];
  } else if (syncedContent !== undefined) {
    state.syncedContents[id] = syncedContent;
  }
}

/** An inode is given out again: only with its time of birth it is one file. */
function identity(path: string): string {
  const { ino, birthtimeNs } = statSync(path, { bigint: true });
  return `${ino}-${birthtimeNs}`;
}

/** The states noted in `folder`, in their order. */
export function readStates(folder: string): DiskState[] {
  const names = readdirSync(folder).filter((name) => name.startsWith('state-'));
  return names.sort().map((name) => readState(join(folder, name)));
}

function readState(path: string): DiskState {
  return JSON.parse(readFileSync(path, 'utf8')) as DiskState;
}

/** A folder's files as a crash left them, by their paths; folders end with a slash and have no bytes. */
type Image = ReadonlyMap<string, Buffer>;

/** The image of `state` when its unsynced changes met `fate`. */
function imageOf(folder: string, state: DiskState, fate: Fate): Image {
  const image = new Map<string, Buffer>();
  const content = (name: string | undefined): Buffer | null =>
    name === undefined ? null : readFileSync(join(folder, 'contents', name));
  const visit = (id: string, path: string): void => {
    image.set(`${path}/`, Buffer.alloc(0));
    for (const [name, child] of Object.entries(entriesOf(state, id, fate))) {
      const at = `${path}/${name}`;
      if (state.folders[child] !== undefined || state.syncedFolders[child] !== undefined) {
        visit(child, at);
        continue;
      }
      const bytes = { now: content(state.contents[child]), synced: content(state.syncedContents[child]) };
      const found = CATALOG.test(name) ? catalogBytes(name, bytes.now, fate) : bytesOf(bytes, fate);
      if (found !== null) image.set(at, found);
    }
  };
  visit(state.root, '');
  return image;
}

function entriesOf({ folders, syncedFolders, removed }: DiskState, id: string, fate: Fate): Entries {
  if (fate !== 'lost' && fate !== 'unlinked') return folders[id] ?? {};
  const synced = Object.entries(syncedFolders[id] ?? {});
  if (fate === 'lost') return Object.fromEntries(synced);
  const catalog = Object.entries(folders[id] ?? {}).filter(([name]) => CATALOG.test(name));
  return Object.fromEntries([...synced.filter(([name]) => removed[id]?.includes(name) !== true), ...catalog]);
}

function bytesOf({ now, synced }: { now: Buffer | null; synced: Buffer | null }, fate: Fate): Buffer {
  const kept = synced ?? Buffer.alloc(0);
  const all = now ?? kept;
  if (fate === 'kill') return all;
  if (fate === 'lost' || fate === 'unlinked' || fate === 'names' || all.length <= kept.length) return kept;
  const added = all.subarray(kept.length);
  if (fate === 'zeros') return Buffer.concat([kept, Buffer.alloc(added.length)]);
  const third = Math.ceil(added.length / 3);
  return Buffer.concat([kept, Buffer.alloc(third), added.subarray(third, 2 * third)]);
}

/**
 * SQLite syncs by itself, unseen: its file as of the last checkpoint, with whatever of its journal. `torn` stands for a
 * disk that did not even keep that.
 */
function catalogBytes(name: string, now: Buffer | null, fate: Fate): Buffer | null {
  if (now === null || fate === 'lost') return null;
  if (fate === 'kill' || fate === 'unlinked') return now;
  if (name.endsWith('-shm')) return null;
  const isJournal = name.endsWith('-wal');
  if (fate === 'names') return isJournal ? null : now;
  if (fate === 'zeros') return isJournal ? Buffer.alloc(now.length) : now;
  return isJournal ? null : Buffer.alloc(now.length);
}

/** What makes two images the same: their names and bytes. */
function imageHash(image: Image): string {
  const hash = createHash('sha256');
  for (const path of [...image.keys()].sort()) hash.update(`${path}\0`).update(image.get(path) ?? '');
  return hash.digest('hex');
}

/** Puts an image into a folder that is not there yet. */
function writeImage(image: Image, target: string): void {
  mkdirSync(target, { recursive: true, mode: 0o700 });
  for (const [path, bytes] of image) {
    if (path.endsWith('/')) mkdirSync(join(target, path), { recursive: true, mode: 0o700 });
    else writeFileSync(join(target, path), bytes, { mode: 0o600 });
  }
}

/** States of a disk, and the folder where their contents are. */
export interface Recording {
  readonly folder: string;
  readonly states: readonly DiskState[];
}

/** Visits every image that a crash can leave, each once, in a folder of its own. @returns how many there are */
export async function eachImage(
  { folder, states }: Recording,
  fates: readonly Fate[],
  visit: (image: { path: string; fate: Fate; step: string }) => Promise<void>,
): Promise<number> {
  const seen = new Set<string>();
  for (const state of states) {
    for (const fate of fates) {
      const image = imageOf(folder, state, fate);
      const hash = imageHash(image);
      if (seen.has(hash)) continue;
      seen.add(hash);
      const path = join(folder, `image-${seen.size}`);
      writeImage(image, path);
      await visit({ path, fate, step: state.step });
      rmSync(path, { recursive: true });
    }
  }
  return seen.size;
}
