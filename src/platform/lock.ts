import { randomUUID } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { link, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { readBootId } from './boot-id.ts';
import { hasCode } from './error-code.ts';
import { LastgoodError } from './errors.ts';
import { storageFailure } from './durable-file.ts';

/** Who holds a lock. */
export interface LockHolder {
  readonly pid: number;
  readonly host: string;
  /** RFC 3339, UTC: when the lock was taken. */
  readonly startedAt: string;
  readonly purpose: string;
  /** False when the process that took the lock is gone. On another host it counts as alive: nobody here can know. */
  readonly alive: boolean;
  /** True where it is certain that the process is gone: one in another container that has this machine's name may live unseen. */
  readonly gone: boolean;
}

/** Held until disposed of, or until the process is gone. */
export interface Lock extends AsyncDisposable {
  readonly path: string;
}

interface LockFile extends Omit<LockHolder, 'alive' | 'gone'> {
  readonly nonce: string;
  /** The process's start in clock ticks since boot, and the boot: a pid alone may be given out again. */
  readonly processStart: string | null;
  readonly bootId: string | null;
  /** Process numbers mean something only within it; not in locks of earlier versions. */
  readonly pidNamespace?: string | null;
}

/**
 * Takes the lock at `path`, also from a holder that is gone. Two that try at once never both get it.
 *
 * @throws LastgoodError `LOCKED` naming the live holder
 */
export async function acquireLock(path: string, purpose: string): Promise<Lock> {
  const mine = describeSelf(purpose);
  const draft = `${path}.${mine.nonce}`;
  try {
    try {
      await writeDraft(draft, mine);
      await claim(path, draft, mine);
      await sweep(path, draft);
    } finally {
      await rm(draft, { force: true });
    }
  } catch (error) {
    throw storageFailure(path, error);
  }
  return { path, [Symbol.asyncDispose]: () => release(path, mine.nonce) };
}

/**
 * Makes the lock at `path` of a folder that nobody else knows yet, and whose lock nobody takes over. It appears with its whole content
 * or not at all, also where the file system has no hard links.
 *
 * @throws LastgoodError `STORAGE_FAILED`
 */
export async function markHeld(path: string, purpose: string): Promise<void> {
  const mine = describeSelf(purpose);
  const draft = `${path}.${mine.nonce}`;
  try {
    await writeDraft(draft, mine);
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw storageFailure(path, error);
  }
}

async function claim(path: string, draft: string, mine: LockFile): Promise<void> {
  while (!(await linkIfFree({ path, draft, mine }))) {
    const theirs = await readLockFile(path);
    if (theirs === null) continue; // released a moment ago
    if (isAlive(theirs)) throw locked(path, theirs);
    if (await takeOver({ path, draft, mine, stale: theirs })) return;
  }
}

/**
 * Removes what processes that were killed while they took this lock have left beside it. The caller holds the lock: who
 * still tries for it makes a draft anew when it is gone, and then finds the lock held.
 */
async function sweep(path: string, draft: string): Promise<void> {
  const folder = dirname(path);
  for (const name of await readdir(folder)) {
    const left = join(folder, name);
    if (!name.startsWith(`${basename(path)}.`) || left === draft) continue;
    const owner = await readLockFile(left).catch(() => null);
    if (owner === null || !isAlive(owner)) await rm(left, { force: true });
  }
}

/** Who holds the lock at `path`; null when nobody does. */
export async function readLock(path: string): Promise<LockHolder | null> {
  const file = await readLockFile(path);
  if (file === null) return null;
  const { pid, host, startedAt, purpose } = file;
  return { pid, host, startedAt, purpose, alive: isAlive(file), gone: isGone(file) };
}

async function writeDraft(draft: string, content: LockFile): Promise<void> {
  await using file = await open(draft, 'wx', 0o600);
  await file.writeFile(`${JSON.stringify(content)}\n`);
  await file.sync();
}

/** A hard link appears with its whole content or not at all, and only where nothing is. */
async function linkIfFree({ path, draft, mine }: { path: string; draft: string; mine: LockFile }): Promise<boolean> {
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    if (!hasCode(error, 'ENOENT')) throw error;
    await writeDraft(draft, mine); // swept away by the holder
    return false;
  }
}

/**
 * Replaces exactly the stale lock that was read. The guard's name holds that lock's nonce, so that of several that
 * saw it stale only one replaces it, and one that comes late finds another nonce under `path` and goes away. The guard
 * is a lock itself: of one that was killed while taking over, it is taken over in the same way.
 */
async function takeOver(o: { path: string; draft: string; mine: LockFile; stale: LockFile }): Promise<boolean> {
  const guard = `${o.path}.takeover-${o.stale.nonce}`;
  await claim(guard, o.draft, o.mine);
  let taken = false;
  try {
    if ((await readLockFile(o.path))?.nonce !== o.stale.nonce) return false;
    await rename(guard, o.path);
    taken = true;
    return true;
  } finally {
    if (!taken) await rm(guard, { force: true });
  }
}

async function release(path: string, nonce: string): Promise<void> {
  try {
    if ((await readLockFile(path))?.nonce === nonce) await rm(path, { force: true });
  } catch (error) {
    throw storageFailure(path, error);
  }
}

async function readLockFile(path: string): Promise<LockFile | null> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null;
    throw error;
  }
  try {
    return JSON.parse(text) as LockFile;
  } catch (cause) {
    throw new LastgoodError('LOCKED', `cannot read the lock '${path}'`, {
      cause,
      hint: 'Is no other lastgood process at work here? Then remove that file.',
    });
  }
}

function describeSelf(purpose: string): LockFile {
  const { pid } = process;
  return {
    pid,
    host: hostname(),
    startedAt: new Date().toISOString(),
    purpose,
    nonce: randomUUID(),
    processStart: processStart(pid),
    bootId: readBootId(),
    pidNamespace: pidNamespace(),
  };
}

/**
 * A container that is started again under its name on the same machine counts its processes anew: a holder from before is then
 * seen as gone, so that it goes on after a kill. Two that run at once under one name are kept apart only by the source, which
 * serves one client per server id.
 */
function isAlive(holder: LockFile): boolean {
  if (holder.host !== hostname() && !isOurKernel(holder)) return true;
  if (holder.bootId !== readBootId()) return false;
  if (holder.processStart !== null) return processStart(holder.pid) === holder.processStart;
  try {
    process.kill(holder.pid, 0);
    return true;
  } catch (error) {
    return hasCode(error, 'EPERM');
  }
}

/** Of another process number space of this boot nothing is certain: its numbers say nothing here. */
function isGone(holder: LockFile): boolean {
  return !isAlive(holder) && (holder.bootId !== readBootId() || holder.pidNamespace === pidNamespace());
}

/** True when the holder's process numbers are ours, whatever the machine was called then. */
function isOurKernel({ bootId: boot, pidNamespace: namespace = null }: LockFile): boolean {
  return boot !== null && boot === readBootId() && namespace !== null && namespace === pidNamespace();
}

/** Null when it is gone, or only waits to be reaped. Source: proc(5), /proc/PID/stat fields 3 and 22. */
function processStart(pid: number): string | null {
  const stat = readProc(`/proc/${pid}/stat`);
  // Fields are counted from after the name, which may hold blanks and brackets.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ') ?? [];
  return fields[0] === 'Z' || fields[0] === 'X' ? null : (fields[19] ?? null);
}

/** Source: pid_namespaces(7): two processes with the same link see the same process numbers. */
function pidNamespace(): string | null {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return null; // no Linux
  }
}

function readProc(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null; // no such process, or no Linux
  }
}

function locked(path: string, { pid, host, startedAt, purpose }: LockFile): LastgoodError {
  return new LastgoodError(
    'LOCKED',
    `'${path}' is held by process ${pid} on ${host} (${purpose}, since ${startedAt})`,
    {
      details: { pid, host, purpose, startedAt },
      // Nobody here can know whether a process on another machine, or in a container that was made anew, still lives.
      ...(host === hostname() ? {} : { hint: `Is ${host} gone for good? Then remove '${path}' and run again.` }),
    },
  );
}
