/**
 * Jobs that read much, in worker threads. Enters: a job as plain data, and the file that runs it. Leaves: its result, or its
 * error as the table knows it: what is thrown in a thread loses what it is on its way.
 */
import { parentPort, Worker } from 'node:worker_threads';
import { isLastgoodError, LastgoodError, type ErrorCode, type ErrorDetails } from './errors.ts';
import { interrupted } from './wait.ts';

/** Runs one job, in whatever thread. @param onBytes told how many bytes more were read, now and then */
export type RunJob<Job, Result> = (job: Job, onBytes: (bytes: number) => void, signal?: AbortSignal) => Promise<Result>;

/** Whoever runs the jobs: this thread, or several others. */
export interface JobRunner<Job, Result> extends AsyncDisposable {
  /** How many jobs are worth giving at once: with threads some lie ready while a long one holds up the order. */
  readonly width: number;
  run(job: Job): Promise<Result>;
}

interface RunnerOptions<Job, Result> {
  /** 1: every job is run in this thread. */
  readonly jobs: number;
  /** What runs a job in this thread. */
  readonly run: RunJob<Job, Result>;
  /** The file of a thread, which calls `serveJobs` with the same. */
  readonly thread: URL;
  readonly onBytes: (bytes: number) => void;
  readonly signal?: AbortSignal | undefined;
}

/** What a thread tells. */
type ThreadMessage<Result> =
  | { readonly kind: 'bytes'; readonly bytes: number }
  | { readonly kind: 'done'; readonly result: Result }
  | { readonly kind: 'failed'; readonly stack: string }
  | {
      readonly kind: 'refused';
      readonly code: ErrorCode;
      readonly message: string;
      readonly details: ErrorDetails;
      readonly hint: string;
    };

/**
 * This thread takes the first job, and others are started when there are more, up to so many at once. Alone it takes two: while
 * one waits for its bytes, the other goes on.
 */
export function startJobs<Job, Result>(options: RunnerOptions<Job, Result>): JobRunner<Job, Result> {
  return new Crew(options);
}

/** The other end, in the thread's own file: takes one job after the other. */
export function serveJobs<Job, Result>(run: RunJob<Job, Result>): void {
  const tell = (message: ThreadMessage<Result>): void => parentPort?.postMessage(message);
  parentPort?.on('message', (job: Job) => {
    void serve(job, run, tell);
  });
}

/** Often enough for a bar, seldom enough to cost nothing. */
const TELL_EVERY_BYTES = 8 * 1024 * 1024;

async function serve<Job, Result>(
  job: Job,
  run: RunJob<Job, Result>,
  tell: (message: ThreadMessage<Result>) => void,
): Promise<void> {
  let untold = 0;
  try {
    const result = await run(job, (bytes) => {
      untold += bytes;
      if (untold < TELL_EVERY_BYTES) return;
      tell({ kind: 'bytes', bytes: untold });
      untold = 0;
    });
    tell({ kind: 'bytes', bytes: untold });
    tell({ kind: 'done', result });
  } catch (error) {
    // Not every error can be sent as it is; what a bug's report needs can.
    if (!isLastgoodError(error))
      tell({ kind: 'failed', stack: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    else tell({ kind: 'refused', code: error.code, message: error.message, details: error.details, hint: error.hint });
  }
}

interface Waiting<Job, Result> {
  readonly job: Job;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/** Who runs a job. */
type Taker = Worker | Seat;

/** One of the jobs in this thread. */
interface Seat {
  /** Over when its job is. */
  work: Promise<void>;
}

/** This thread and others: each takes the next job as soon as it is free. */
class Crew<Job, Result> implements JobRunner<Job, Result> {
  readonly width: number;
  readonly #options: RunnerOptions<Job, Result>;
  readonly #threads: Worker[] = [];
  readonly #idle: Worker[] = [];
  /** In this thread. */
  readonly #seats: readonly Seat[];
  readonly #atWork = new Map<Taker, Waiting<Job, Result>>();
  readonly #queue: Waiting<Job, Result>[] = [];
  /** After it no job is taken: a late result could be taken for another job's. */
  #failure: { readonly error: unknown } | null = null;
  #disposed = false;
  /** Ends what runs in this thread. */
  readonly #over = new AbortController();
  readonly #abort = (): void => {
    this.#over.abort();
    this.#fail(interrupted());
  };

  constructor(options: RunnerOptions<Job, Result>) {
    this.#options = options;
    this.width = 2 * Math.max(1, options.jobs);
    this.#seats = Array.from({ length: options.jobs <= 1 ? 2 : 1 }, () => ({ work: Promise.resolve() }));
    options.signal?.addEventListener('abort', this.#abort);
  }

  async run(job: Job): Promise<Result> {
    if (this.#options.signal?.aborted === true) throw interrupted();
    if (this.#failure !== null) throw this.#failure.error;
    return await new Promise<Result>((resolve, reject) => {
      this.#queue.push({ job, resolve, reject });
      this.#give();
    });
  }

  #give(): void {
    const taker = this.#queue.length === 0 || this.#failure !== null ? undefined : this.#taker();
    if (taker === undefined) return;
    const next = this.#queue.shift() as Waiting<Job, Result>;
    this.#atWork.set(taker, next);
    if (taker instanceof Worker) taker.postMessage(next.job);
    else taker.work = this.#runHere(taker, next.job);
  }

  #taker(): Taker | undefined {
    const free = this.#seats.find((seat) => !this.#atWork.has(seat));
    return free ?? this.#idle.pop() ?? (this.#threads.length < this.#options.jobs - 1 ? this.#start() : undefined);
  }

  async #runHere(seat: Seat, job: Job): Promise<void> {
    const { run, onBytes } = this.#options;
    try {
      const result = await run(job, onBytes, this.#over.signal);
      this.#end(seat)?.resolve(result);
    } catch (error) {
      this.#end(seat)?.reject(error);
    }
    this.#give();
  }

  #start(): Worker {
    const thread = new Worker(this.#options.thread);
    this.#threads.push(thread);
    thread.on('message', (message: ThreadMessage<Result>) => {
      this.#hear(thread, message);
    });
    const fail = this.#fail.bind(this);
    thread.on('error', fail).on('messageerror', fail);
    thread.on('exit', (code) => {
      if (!this.#disposed) this.#fail(new Error(`a thread ended in the middle of its work, with code ${code}`));
    });
    return thread;
  }

  #hear(thread: Worker, message: ThreadMessage<Result>): void {
    if (message.kind === 'bytes') {
      this.#options.onBytes(message.bytes);
      return;
    }
    const waiting = this.#end(thread);
    this.#idle.push(thread);
    if (message.kind === 'done') waiting?.resolve(message.result);
    else waiting?.reject(message.kind === 'failed' ? failureOf(message.stack) : refusal(message));
    this.#give();
  }

  #end(taker: Taker): Waiting<Job, Result> | undefined {
    const waiting = this.#atWork.get(taker);
    this.#atWork.delete(taker);
    return waiting;
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    for (const { reject } of [...this.#atWork.values(), ...this.#queue.splice(0)]) reject(error);
    this.#atWork.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#options.signal?.removeEventListener('abort', this.#abort);
    this.#disposed = true;
    this.#queue.length = 0;
    this.#over.abort();
    await Promise.all([...this.#seats.map(({ work }) => work), ...this.#threads.map((thread) => thread.terminate())]);
  }
}

function failureOf(stack: string): Error {
  return Object.assign(new Error(stack.split('\n', 1)[0]), { stack });
}

function refusal(told: { code: ErrorCode; message: string; details: ErrorDetails; hint: string }): LastgoodError {
  return new LastgoodError(told.code, told.message, { details: told.details, hint: told.hint });
}
