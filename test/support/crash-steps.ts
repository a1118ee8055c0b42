/**
 * Wraps what changes files, in `node:fs/promises`, `node:fs` and better-sqlite3, so that something can be done around each step.
 * For programs under test: loaded before the program, nothing in the product knows of it.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import fs from 'node:fs';
import promises, { type FileHandle } from 'node:fs/promises';
import { createRequire, syncBuiltinESMExports } from 'node:module';
import { relative, resolve } from 'node:path';

/** One change of a file or folder below the root. */
export interface Step {
  readonly op: string;
  /** Relative to the root. */
  readonly path: string;
}

/** What is done around a step. Both may throw, and then the step fails with that. */
export interface StepHooks {
  before(step: Step): void;
  /** Only for writes: half of the bytes are there. */
  halfway(step: Step): void;
  after(step: Step): void;
}

type Callable = (...args: unknown[]) => unknown;
type Patchable = Record<string, Callable>;

/** Steps made on behalf of another step (rm calls unlink) are part of that one. */
const inside = new AsyncLocalStorage<true>();

/** Wraps everything below `root` for the rest of this process. */
export async function installSteps(root: string, hooks: StepHooks): Promise<void> {
  const tracker = new StepTracker(resolve(root), hooks);
  const handle = await promises.open('/dev/null', 'r');
  const prototype = Object.getPrototypeOf(handle) as Patchable;
  await handle.close();
  tracker.patchPaths(promises as unknown as Patchable, '');
  tracker.patchOpen();
  tracker.patchHandles(prototype);
  tracker.patchPaths(fs as unknown as Patchable, 'Sync');
  tracker.patchDescriptors();
  tracker.patchSqlite();
  syncBuiltinESMExports();
}

class StepTracker {
  readonly #root: string;
  readonly #hooks: StepHooks;
  readonly #handles = new WeakMap<object, string>();
  readonly #descriptors = new Map<number, string>();

  constructor(root: string, hooks: StepHooks) {
    this.#root = root;
    this.#hooks = hooks;
  }

  /** Calls that name their file: the last path of two is the one that changes (rename, link). */
  patchPaths(target: Patchable, suffix: '' | 'Sync'): void {
    for (const op of ['rename', 'link', 'copyFile', 'unlink', 'rm', 'mkdir', 'writeFile', 'appendFile', 'truncate']) {
      const second = op === 'rename' || op === 'link' || op === 'copyFile';
      this.#patch(target, `${op}${suffix}`, (args) => {
        const path = args[second ? 1 : 0];
        return typeof path === 'string' ? { op, path } : null;
      });
    }
  }

  patchOpen(): void {
    const target = promises as unknown as Patchable;
    const original = target['open'] as Callable;
    target['open'] = async (...args: unknown[]) => {
      const path = String(args[0]);
      const op = changeByOpening(path, args[1]);
      const open = async (): Promise<object> => (await original(...args)) as object;
      const handle = op === null ? await open() : await this.#run({ op, path }, open);
      this.#handles.set(handle, path);
      return handle;
    };
  }

  patchHandles(prototype: Patchable): void {
    for (const op of ['write', 'writev', 'writeFile', 'appendFile', 'truncate', 'sync', 'datasync']) {
      const original = prototype[op] as Callable;
      const find = (handle: object): Step | null => {
        const path = this.#handles.get(handle);
        return path === undefined ? null : { op, path };
      };
      const run = this.#run.bind(this);
      const halves = this.#writeInHalves.bind(this);
      prototype[op] = async function (this: FileHandle, ...args: unknown[]) {
        const step = find(this);
        const work = async (): Promise<unknown> => await original.apply(this, args);
        if (step === null) return await work();
        return await run(step, op === 'write' ? async () => halves(step, { handle: this, original, args }) : work);
      };
    }
  }

  /** The plain calls, as streams and synchronous writers make them. */
  patchDescriptors(): void {
    const target = fs as unknown as Patchable;
    const openSync = target['openSync'] as Callable;
    target['openSync'] = (...args: unknown[]) => {
      const path = String(args[0]);
      const op = changeByOpening(path, args[1]);
      const open = (): unknown => openSync(...args);
      const descriptor = op === null ? open() : this.#run({ op, path }, open);
      this.#descriptors.set(descriptor as number, path);
      return descriptor;
    };
    for (const op of ['write', 'writev', 'ftruncate', 'fsync', 'fdatasync']) {
      this.#patch(target, `${op}Sync`, (args) => {
        const path = this.#descriptors.get(args[0] as number);
        return path === undefined ? null : { op: SAME_AS[op] ?? op, path };
      });
    }
    for (const stream of ['createWriteStream', 'open', 'write']) this.#refuse(target, stream);
  }

  /** SQLite writes by itself; its transactions are the steps. */
  patchSqlite(): void {
    const Sqlite = createRequire(import.meta.url)('better-sqlite3') as { prototype: Patchable };
    const original = Sqlite.prototype['transaction'] as Callable;
    const run = this.#run.bind(this);
    Sqlite.prototype['transaction'] = function (this: { readonly name: string }, ...args: unknown[]) {
      const transaction = original.apply(this, args) as Callable & Patchable;
      const step = { op: 'transaction', path: this.name };
      const wrapped = ((...values: unknown[]) => run(step, () => transaction(...values))) as Callable & Patchable;
      for (const kind of ['immediate', 'deferred', 'exclusive']) {
        wrapped[kind] = (...values: unknown[]) => run(step, () => (transaction[kind] as Callable)(...values));
      }
      return wrapped;
    };
  }

  #patch(target: Patchable, name: string, find: (args: unknown[]) => Step | null): void {
    const original = target[name];
    if (original === undefined) return;
    const wrapped = (args: unknown[]): unknown => {
      const step = find(args);
      return step === null ? original(...args) : this.#run(step, () => original(...args));
    };
    // A failure of an asynchronous call is a rejection, also when a hook makes it.
    target[name] = name.endsWith('Sync') ? (...args) => wrapped(args) : async (...args) => await wrapped(args);
  }

  /** A way to write that this tracker cannot see would make every test on it worthless. */
  #refuse(target: Patchable, name: string): void {
    const original = target[name] as Callable;
    target[name] = (...args: unknown[]) => {
      if (typeof args[0] === 'string' && this.#below(args[0]) !== null && !/^(?:r|undefined)$/.test(String(args[1]))) {
        throw new Error(`fs.${name} is not tracked by crash-steps.ts: add it`);
      }
      return original(...args);
    };
  }

  #run<T>(found: Step, work: () => T): T {
    const path = this.#below(found.path);
    if (path === null || inside.getStore() === true) return work();
    const step = { op: found.op, path };
    this.#hooks.before(step);
    const result = inside.run(true, work);
    if (result instanceof Promise) {
      return result.then((value: unknown) => {
        this.#hooks.after(step);
        return value;
      }) as T;
    }
    this.#hooks.after(step);
    return result;
  }

  async #writeInHalves(
    { op, path }: Step,
    { handle, original, args }: { handle: FileHandle; original: Callable; args: unknown[] },
  ): Promise<unknown> {
    const [bytes, offset, length, position] = args;
    const below = this.#below(path);
    if (below === null || !Buffer.isBuffer(bytes) || typeof length !== 'number' || typeof position !== 'number') {
      return await original.apply(handle, args);
    }
    const half = Math.floor(length / 2);
    await original.call(handle, bytes, offset, half, position);
    this.#hooks.halfway({ op, path: below });
    const rest = [bytes, Number(offset) + half, length - half, position + half];
    const written = (await original.apply(handle, rest)) as { bytesWritten: number };
    return { ...written, bytesWritten: half + written.bytesWritten };
  }

  #below(path: string): string | null {
    const below = relative(this.#root, resolve(path));
    return below.startsWith('..') ? null : below;
  }
}

/** A file that is opened to be written is made or emptied by that alone. */
function changeByOpening(path: string, flags: unknown): string | null {
  if (typeof flags !== 'string' || !/[wa]/.test(flags)) return null;
  if (!fs.existsSync(path)) return 'create';
  return flags.startsWith('w') ? 'truncate' : null;
}

const SAME_AS: Readonly<Record<string, string>> = { fsync: 'sync', fdatasync: 'datasync', ftruncate: 'truncate' };

/** A step's kind, of `<op> <path>`: what is left when ids, nonces and file numbers are put aside. */
export function stepClass(step: string): string {
  return step
    .replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'UUID')
    .replace(/-[0-9a-f]{8}(?=\/|$)/g, '-ID')
    .replace(/binlog\.\d+/, 'binlog.N');
}
