import { EventEmitter, once } from 'node:events';
import ZongJi from '@vlasky/zongji';
import type { Logger } from '../../platform/logger.ts';
import { interrupted, throwIfAborted } from '../../platform/wait.ts';
import { startArchiveServer } from '../../server/archive-server.ts';
import type { MappedTable } from './mapped-table.ts';
import { ROWS_FILE, ROWS_IDENTITY, rowsLog, type ServedEvent } from './rows-log.ts';
import type { RowsHead } from './rows-events.ts';

/** Values as the decoder gives them for the types of `servedColumn`, by column; of a column that the image lacks, null. */
export type RawImage = Readonly<Record<string, unknown>>;

/** The rows of one event. */
export interface RowsBatch {
  readonly table: MappedTable;
  readonly head: RowsHead;
  /** `after` is null but for an update. */
  readonly rows: readonly { readonly before: RawImage; readonly after: RawImage | null }[];
}

/** An event to decode; those with rows say what they are. */
export interface DecoderEvent extends ServedEvent {
  readonly rows: Pick<RowsBatch, 'table' | 'head'> | null;
}

export interface RowsOptions {
  /** The FORMAT_DESCRIPTION event of the file that they are from. */
  readonly formatEvent: Buffer;
  /** TABLE_MAP events and events of rows, as the decoder can read them. */
  readonly events: AsyncIterable<DecoderEvent>;
  readonly log: Logger;
  readonly signal?: AbortSignal | undefined;
}

/** So many events may be on their way: enough to keep decoder and consumer busy, and memory flat. */
const MOST_WAITING = 64;

/**
 * Decodes rows: zongji, connected to an archive server on loopback that serves nothing else. Rows come in the order
 * of the log; while nobody takes them no more are read.
 */
export async function* readRows({ formatEvent, events, log, signal }: RowsOptions): AsyncGenerator<RowsBatch> {
  const queue = new BatchQueue();
  const range = rowsLog(formatEvent, queue.watch(events));
  await using server = await startArchiveServer({ identity: ROWS_IDENTITY, ranges: [range], log });
  const { host, port, user, password } = server;
  const decoder = new ZongJi({ host, port, user, password, dateStrings: true, timezone: 'Z' });
  const stop = (): void => {
    queue.fail(interrupted());
  };
  signal?.addEventListener('abort', stop, { once: true });
  decoder.on('error', (error: Error) => {
    queue.fail(server.failure ?? error);
  });
  decoder.on('binlog', (event) => {
    const type = event.getTypeName();
    if (type === 'Xid') queue.end();
    else if ('rows' in event) queue.decoded(event.rows as readonly DecodedRow[], type === 'UpdateRows');
  });
  try {
    decoder.start({ filename: ROWS_FILE, position: 4, serverId: 2 });
    yield* queue.batches();
    throwIfAborted(signal);
  } finally {
    signal?.removeEventListener('abort', stop);
    queue.fail(new Error('nobody reads'));
    await ended(decoder);
  }
}

async function ended(decoder: ZongJi): Promise<void> {
  await new Promise<void>((resolve) => {
    decoder.on('stopped', resolve);
    decoder.stop();
  });
}

type DecodedRow = RawImage & { readonly before?: RawImage; readonly after?: RawImage };

/** Between the decoder, which calls, and the consumer, which takes. */
class BatchQueue {
  /** What was served and is not decoded yet; in the same order as what comes out of the decoder. */
  readonly #served: Pick<RowsBatch, 'table' | 'head'>[] = [];
  readonly #ready: RowsBatch[] = [];
  #state: 'open' | 'ended' | { readonly error: unknown } = 'open';
  readonly #changes = new EventEmitter();

  /** Passes events on to the decoder, and waits while too many are on their way. */
  async *watch(events: AsyncIterable<DecoderEvent>): AsyncGenerator<ServedEvent> {
    try {
      for await (const { rows, type, body } of events) {
        while (this.#state === 'open' && this.#served.length + this.#ready.length >= MOST_WAITING) await this.#change();
        if (this.#state !== 'open') return;
        if (rows !== null) this.#served.push(rows);
        yield { type, body };
      }
    } catch (error) {
      this.fail(error);
      throw error;
    }
  }

  decoded(rows: readonly DecodedRow[], isUpdate: boolean): void {
    const served = this.#served.shift();
    if (served === undefined) {
      this.fail(new Error('the row decoder found more events than there are'));
      return;
    }
    const images = rows.map((row) =>
      isUpdate ? { before: row.before ?? {}, after: row.after ?? {} } : { before: row, after: null },
    );
    this.#ready.push({ ...served, rows: images });
    this.#tell();
  }

  end(): void {
    if (this.#served.length > 0) this.fail(new Error('the row decoder left out events'));
    else if (this.#state === 'open') this.#state = 'ended';
    this.#tell();
  }

  fail(error: unknown): void {
    if (this.#state === 'open') this.#state = { error };
    this.#tell();
  }

  async *batches(): AsyncGenerator<RowsBatch> {
    for (;;) {
      const next = this.#ready.shift();
      if (next !== undefined) {
        this.#tell();
        yield next;
      } else if (this.#state === 'open') await this.#change();
      else if (this.#state === 'ended') return;
      else throw this.#state.error;
    }
  }

  async #change(): Promise<void> {
    await once(this.#changes, 'change');
  }

  #tell(): void {
    this.#changes.emit('change');
  }
}
