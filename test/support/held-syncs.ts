import { open, type FileHandle } from 'node:fs/promises';

/** While it lives, no fdatasync of this process ends before it is let through. */
export interface HeldSyncs extends Disposable {
  /** How many have begun, and wait or are done. */
  readonly begun: number;
  /** Lets those that wait through, and all that come later. */
  release(): void;
}

/** Holds back every `FileHandle.datasync`, as a slow disk would; with `fail` it then fails, as a broken one would. */
export async function holdSyncs({ fail = false } = {}): Promise<HeldSyncs> {
  await using handle = await open(import.meta.filename);
  const prototype = Object.getPrototypeOf(handle) as Pick<FileHandle, 'datasync'>;
  const { datasync } = prototype;
  let release = (): void => undefined;
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  let begun = 0;
  prototype.datasync = async function held(this: FileHandle) {
    begun += 1;
    const done = datasync.call(this); // before the handle may be closed
    await gate;
    await done;
    if (fail) throw Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO', syscall: 'fdatasync' });
  };
  return {
    get begun() {
      return begun;
    },
    release,
    [Symbol.dispose]() {
      prototype.datasync = datasync;
      release();
    },
  };
}
