import { join } from 'node:path';
import { open } from 'node:fs/promises';
import { EVENT_HEADER_BYTES } from '../../src/binlog/event-type.ts';
import { FIRST_EVENT_OFFSET } from '../../src/binlog/coordinates.ts';
import { parseFormatDescription } from '../../src/binlog/format-description.ts';
import type { ServerConnection } from '../../src/server/connection.ts';
import type { ServedRange } from '../../src/server/served-range.ts';

/** Offers `[from, to)` of a binary log file as it lies in a server's data folder; the whole file when not given. */
export async function servedFile(
  path: string,
  { from = FIRST_EVENT_OFFSET, to }: { from?: number; to?: number } = {},
): Promise<ServedRange> {
  await using file = await open(path, 'r');
  const head = Buffer.alloc(EVENT_HEADER_BYTES);
  await file.read(head, 0, head.length, FIRST_EVENT_OFFSET);
  const formatEvent = Buffer.alloc(head.readUInt32LE(9));
  await file.read(formatEvent, 0, formatEvent.length, FIRST_EVENT_OFFSET);
  return {
    file: path.slice(path.lastIndexOf('/') + 1),
    from,
    to: to ?? (await file.stat()).size,
    formatEvent,
    checksum: parseFormatDescription(formatEvent)?.checksum ?? 'none',
    open: async (offset) => {
      const source = await open(path, 'r');
      let position = offset;
      return {
        async read(target, at) {
          const { bytesRead } = await source.read(target, at, target.length - at, position);
          position += bytesRead;
          return bytesRead;
        },
        [Symbol.asyncDispose]: () => source.close(),
      };
    },
  };
}

/** All of a stopped or idle server's binary logs, oldest first. */
export async function servedLog(connection: ServerConnection, datadir: string): Promise<ServedRange[]> {
  const logs = await connection.query<{ Log_name: string }>('SHOW BINARY LOGS');
  return await Promise.all(logs.map(({ Log_name }) => servedFile(join(datadir, Log_name))));
}

/** `[start, end)` of the group whose statement has the text, in the file's list of events. MariaDB only. */
export async function findGroup(
  connection: ServerConnection,
  { file, text }: { file: string; text: string },
): Promise<{ start: number; end: number }> {
  const events = await connection.query<{
    Pos: number | string;
    Event_type: string;
    End_log_pos: number | string;
    Info: string;
  }>(`SHOW BINLOG EVENTS IN '${file}'`);
  const at = events.findIndex(({ Event_type, Info }) => Event_type === 'Query' && Info.includes(text));
  const start = events.slice(0, at).findLast(({ Event_type }) => Event_type === 'Gtid')?.Pos;
  const end = events[at]?.End_log_pos;
  if (start === undefined || end === undefined) throw new Error(`no group with '${text}' in ${file}`);
  return { start: Number(start), end: Number(end) };
}
