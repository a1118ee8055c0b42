import { Worker } from 'node:worker_threads';
import { interrupted } from '../../platform/wait.ts';
import { runReadingJob, type ReadingJob, type ReadingResults } from './reading-job.ts';

/** Whoever reads the archive's bytes: this thread, or several others. */
export interface Readers extends AsyncDisposable {
  /** How many jobs are worth giving at once: with threads some lie ready while a long one holds up the order. */
  readonly width: number;
  run<Kind extends ReadingJob['kind']>(job: Extract<ReadingJob, { kind: Kind }>): Promise<ReadingResults[Kind]>;
}

/** The thread's own file: beside this one, TypeScript or compiled as this one is. */
const THREAD = new URL(import.meta.url.replace(/readers(\.\w+)$/, 'reading-thread$1'));

/** What a reading thread tells. */
export type ThreadMessage =
  | { readonly kind: 'bytes'; readonly bytes: number }
  | { readonly kind: 'done'; readonly result: ReadingResults[keyof ReadingResults] }
  | { readonly kind: 'failed'; readonly error: unknown };

interface ReadersOptions {
  /** 1: everything is read in this thread. */
  readonly jobs: number;
  readonly onBytes: (bytes: number) => void;
  readonly signal?: AbortSignal | undefined;
}

/** Starts as many readers as there are jobs at once. */
export function startReaders(options: ReadersOptions): Readers {
  return options.jobs <= 1 ? readHere(options) : new Threads(options);
}

function readHere({ onBytes, signal }: ReadersOptions): Readers {
  return {
    width: 1,
    run: async (job) => (await runReadingJob(job, onBytes, signal)) as never,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

interface Waiting {
  readonly job: ReadingJob;
  readonly resolve: (result: never) => void;
  readonly reject: (error: unknown) => void;
}

/** Threads that take the next job as soon as they are free. */
class Threads implements Readers {
  readonly width: number;
  readonly #jobs: number;
  readonly #threads: Worker[] = [];
  readonly #idle: Worker[] = [];
  readonly #atWork = new Map<Worker, Waiting>();
  readonly #queue: Waiting[] = [];
  readonly #onBytes: (bytes: number) => void;
  readonly #signal: AbortSignal | undefined;
  readonly #abort = (): void => {
    this.#fail(interrupted());
  };

  constructor({ jobs, onBytes, signal }: ReadersOptions) {
    this.#jobs = jobs;
    this.width = 2 * jobs;
    this.#onBytes = onBytes;
    this.#signal = signal;
    signal?.addEventListener('abort', this.#abort);
  }

  async run<Kind extends ReadingJob['kind']>(job: Extract<ReadingJob, { kind: Kind }>): Promise<ReadingResults[Kind]> {
    if (this.#signal?.aborted === true) throw interrupted();
    return await new Promise<ReadingResults[Kind]>((resolve, reject) => {
      this.#queue.push({ job, resolve, reject });
      this.#give();
    });
  }

  /** A thread is started only when there is work for it. */
  #give(): void {
    if (this.#queue.length === 0) return;
    const thread = this.#idle.pop() ?? (this.#threads.length < this.#jobs ? this.#start() : undefined);
    if (thread === undefined) return;
    const next = this.#queue.shift() as Waiting;
    this.#atWork.set(thread, next);
    thread.postMessage(next.job);
  }

  #start(): Worker {
    const thread = new Worker(THREAD);
    this.#threads.push(thread);
    thread.on('message', (message: ThreadMessage) => {
      this.#hear(thread, message);
    });
    thread.on('error', (error) => {
      this.#fail(error);
    });
    return thread;
  }

  #hear(thread: Worker, message: ThreadMessage): void {
    if (message.kind === 'bytes') {
      this.#onBytes(message.bytes);
      return;
    }
    const waiting = this.#atWork.get(thread);
    this.#atWork.delete(thread);
    this.#idle.push(thread);
    if (message.kind === 'done') waiting?.resolve(message.result as never);
    else waiting?.reject(message.error);
    this.#give();
  }

  #fail(error: unknown): void {
    for (const { reject } of [...this.#atWork.values(), ...this.#queue.splice(0)]) reject(error);
    this.#atWork.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#signal?.removeEventListener('abort', this.#abort);
    await Promise.all(this.#threads.map((thread) => thread.terminate()));
  }
}
