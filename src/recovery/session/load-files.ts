import { createReadStream } from 'node:fs';
import { appendFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EVENT, EVENT_HEADER_BYTES } from '../../binlog/event-type.ts';
import { makeSweptDirectory } from '../../platform/swept-directory.ts';
import type { TempDirectory } from '../../platform/temp-dir.ts';
import type { LoggedEvent } from './logged-events.ts';

const FILE_ID_BYTES = 4;

/** The files of LOAD DATA statements: their blocks come before the statement, and are kept on disk until it is executed. */
export class LoadFiles implements AsyncDisposable {
  #directory: TempDirectory | null = null;

  /** Takes a BEGIN_LOAD_QUERY, APPEND_BLOCK or DELETE_FILE event. @throws LastgoodError `PREFLIGHT_FAILED` without room for the file */
  async take(event: LoggedEvent): Promise<void> {
    const body = event.at + EVENT_HEADER_BYTES;
    const path = await this.#path(event.buffer.readUInt32LE(body));
    const block = event.buffer.subarray(body + FILE_ID_BYTES, event.bodyEnd);
    if (event.type === EVENT.BEGIN_LOAD_QUERY) await writeFile(path, block, { mode: 0o600 });
    else if (event.type === EVENT.APPEND_BLOCK) await appendFile(path, block);
    else await rm(path, { force: true });
  }

  /** The file's bytes, when the server asks for them; it does so once, and the file goes with them. */
  async reader(id: number): Promise<() => AsyncIterable<Buffer>> {
    const path = await this.#path(id);
    return async function* () {
      yield* createReadStream(path) as AsyncIterable<Buffer>;
      await rm(path, { force: true });
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#directory?.[Symbol.asyncDispose]();
  }

  async #path(id: number): Promise<string> {
    this.#directory ??= await makeSweptDirectory('lastgood-load-');
    return join(this.#directory.path, String(id));
  }
}
