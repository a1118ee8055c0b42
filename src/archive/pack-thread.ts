import { Worker } from 'node:worker_threads';
import { LastgoodError } from '../platform/errors.ts';
import { threadFile } from '../platform/thread-file.ts';
import { BLOCK_BYTES } from './block-table.ts';
import { newestKey, type KeyRing } from './key-ring.ts';
import type { PackAnswer, PackOrder } from './pack-messages.ts';
import type { SegmentIdentity } from './encrypted-form.ts';
import type { Packed } from './segment-pack.ts';
import { storedName, type StoredForm } from './stored-form.ts';

/** The thread is told of so much at once: waking it costs the archiver more than telling it, and little is left at a file's end. */
const TOLD_BYTES = 4 * BLOCK_BYTES;
/** Its JavaScript holds a few objects; the blocks are outside. */
const HEAP_MEGABYTES = { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 64 };

/** The thread for what is configured; null when segments stay as they are. */
export function packThreadFor(compression: StoredForm['compression'], keys: KeyRing | null): PackThread | null {
  return compression === 'none' && keys === null ? null : new PackThread(compression, keys);
}

/**
 * Stores segments in their compressed or encrypted form while they grow, in a thread of its own. One at a time, as one
 * archiver writes them.
 */
export class PackThread implements AsyncDisposable {
  readonly form: StoredForm;
  readonly #keys: KeyRing | null;
  readonly #worker = this.#start();
  #waiting: { resolve(answer: PackAnswer): void; reject(error: unknown): void } | null = null;
  #bug: { readonly error: unknown } | null = null;

  /** Its thread starts at once, beside what comes before the first segment. @param keys null: not encrypted; else with the newest of them */
  constructor(compression: StoredForm['compression'], keys: KeyRing | null) {
    this.#keys = keys;
    const encryption = keys === null ? null : ({ algorithm: 'aes-256-gcm', keyId: newestKey(keys).id } as const);
    this.form = { compression, encryption };
  }

  /**
   * Begins with a segment, of which nothing need be written yet.
   *
   * @param options.plainPath of the open segment
   * @param options.fingerprintKey for the fingerprint of what is read there; null: none
   */
  begin(
    identity: SegmentIdentity,
    { plainPath, fingerprintKey }: { plainPath: string; fingerprintKey: Uint8Array | null },
  ): RunningPack {
    const storedPath = storedName(plainPath, this.form);
    const partialPath = `${storedPath}.partial`;
    const key = this.#keys === null ? null : newestKey(this.#keys);
    const { compression } = this.form;
    this.#tell({ order: 'begin', job: { identity, plainPath, partialPath, compression, key, fingerprintKey } });
    return new RunningPack({
      ...{ form: this.form, storedPath, partialPath },
      tell: (order) => {
        this.#tell(order);
      },
      ask: (order) => this.#ask(order),
    });
  }

  #tell(order: PackOrder): void {
    this.#worker.postMessage(order);
  }

  async #ask(order: PackOrder): Promise<PackAnswer> {
    if (this.#bug !== null) throw this.#bug.error;
    const answer = new Promise<PackAnswer>((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
    this.#tell(order);
    return await answer;
  }

  #start(): Worker {
    const worker = new Worker(threadFile('archive/pack-worker'), { resourceLimits: HEAP_MEGABYTES });
    worker.on('message', (answer: PackAnswer) => this.#waiting?.resolve(answer));
    worker.on('error', (error: unknown) => {
      this.#bug = { error };
      this.#waiting?.reject(error);
    });
    return worker;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate();
  }
}

interface PackParts {
  readonly form: StoredForm;
  readonly storedPath: string;
  readonly partialPath: string;
  tell(order: PackOrder): void;
  ask(order: PackOrder): Promise<PackAnswer>;
}

/** The stored form of one open segment, in the making. */
export class RunningPack {
  readonly form: StoredForm;
  readonly storedPath: string;
  /** Where the bytes are until the segment is sealed. */
  readonly partialPath: string;
  readonly #parts: PackParts;
  #told = 0;

  constructor(parts: PackParts) {
    this.form = parts.form;
    this.storedPath = parts.storedPath;
    this.partialPath = parts.partialPath;
    this.#parts = parts;
  }

  /** So many bytes of the plain file are written. */
  grow(to: number): void {
    if (Math.floor(to / TOLD_BYTES) === Math.floor(this.#told / TOLD_BYTES)) return;
    this.#told = to;
    this.#parts.tell({ order: 'grow', to });
  }

  /**
   * The plain file is complete, with so many bytes. When this returns so is the stored form, under
   * `partialPath`, read back and compared.
   *
   * @throws LastgoodError `STORAGE_FAILED`
   */
  async finish(bytes: number): Promise<Packed> {
    const answer = await this.#parts.ask({ order: 'finish', bytes });
    if (answer.answer === 'packed') return answer.packed;
    if (answer.answer === 'failed') throw new LastgoodError(answer.code, answer.message, { details: answer.details });
    throw new Error('the packing thread answered something else');
  }

  /** The segment stays open: nothing is kept but its plain bytes. */
  async discard(): Promise<void> {
    await this.#parts.ask({ order: 'discard' });
  }
}
