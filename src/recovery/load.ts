import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { Readable, pipeline } from 'node:stream';
import { DecompressStream } from 'zstd-napi';
import type { BackupRecord } from '../archive/backup-record.ts';
import { findProgram, runTool } from '../platform/child-process.ts';
import { isLastgoodError, LastgoodError } from '../platform/errors.ts';
import { CLIENT_ARGS } from '../server/client-args.ts';
import { writeOptionFile } from '../server/option-file.ts';
import type { ServerOptions } from '../server/server-options.ts';
import { ofSchemas } from './dump-sections.ts';
import { refuseSubstitutes } from './substitutes.ts';

export interface LoadOptions {
  readonly record: BackupRecord;
  /** Where the backup's files are. */
  readonly folder: string;
  /** An empty server, and an account with all privileges that the backup does not hold. */
  readonly login: ServerOptions;
  /** A private folder for the client's option file, which holds the password: it goes with the server's folder. */
  readonly temporary: string;
  /** Schemas in lower case: what is of others is left out. */
  readonly only?: ReadonlySet<string> | undefined;
  /** Stored bytes read so far. */
  readonly progress?: (done: { bytes: number; totalBytes: number }) => void;
  readonly signal?: AbortSignal | undefined;
}

/** What is loaded stays out of the server's own log, where it would have GTIDs that the source's log does not have. */
const UNLOGGED = '--init-command=SET SESSION sql_log_bin = 0';

/**
 * Loads a backup's files, in their order, each in one session. Each is compared with its recorded SHA-256 while it
 * is read. After an error the server holds a part: it must be thrown away.
 *
 * @throws LastgoodError `ARCHIVE_DAMAGED` when a file is not what was written, `PREFLIGHT_FAILED` where a table would get another engine, `TOOL_MISSING`, `TOOL_FAILED`, `INTERRUPTED`
 */
export async function loadBackup(options: LoadOptions): Promise<void> {
  const { record, folder, login, temporary, only, progress, signal } = options;
  await using optionFile = await writeOptionFile(login, temporary);
  const program = findProgram(['mariadb', 'mysql']);
  const args = [`--defaults-file=${optionFile.path}`, ...CLIENT_ARGS, '--show-warnings', UNLOGGED];
  let bytes = 0;
  for (const file of record.files) {
    const path = join(folder, file.name);
    const stored = readStored(path, file.sha256, (read) => {
      bytes += read;
      progress?.({ bytes, totalBytes: record.bytes });
    });
    const plain = decompress(path, stored);
    const input = only === undefined ? plain : ofSchemas(file.name, plain, (schema) => only.has(schema.toLowerCase()));
    await runTool({ program, args, input, signal, onOutput: refuseSubstitutes() });
  }
}

/** The file's bytes; fails at the end when they are not the recorded ones, before the client is told that all is there. */
async function* readStored(path: string, sha256: string, onRead: (bytes: number) => void): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 256 * 1024 })) {
      hash.update(chunk as Buffer);
      onRead((chunk as Buffer).length);
      yield chunk as Buffer;
    }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new LastgoodError('ARCHIVE_DAMAGED', `cannot read backup file '${path}': ${why}`, { cause });
  }
  const found = hash.digest('hex');
  if (found !== sha256) {
    throw new LastgoodError(
      'ARCHIVE_DAMAGED',
      `backup file '${path}' is not what was written: its SHA-256 is ${found}`,
      {
        details: { path, expected: sha256, found },
      },
    );
  }
}

async function* decompress(path: string, stored: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  const plain = pipeline(Readable.from(stored), new DecompressStream(), () => undefined); // its error is thrown below
  try {
    for await (const chunk of plain) yield chunk as Buffer;
  } catch (cause) {
    if (isLastgoodError(cause)) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new LastgoodError('ARCHIVE_DAMAGED', `cannot decompress backup file '${path}': ${why}`, { cause });
  }
}
