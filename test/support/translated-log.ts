import { parseFormatDescription } from '../../src/binlog/format-description.ts';
import { EVENT } from '../../src/binlog/event-type.ts';
import { EventTranslator } from '../../src/recovery/session/event-translator.ts';
import { KnownSchemas } from '../../src/recovery/session/known-schemas.ts';
import { LoadFiles } from '../../src/recovery/session/load-files.ts';
import { formatOf, readLoggedEvents, type LoggedEvent } from '../../src/recovery/session/logged-events.ts';
import { readPayload } from '../../src/recovery/session/payload-events.ts';
import type { PlaceKeeper } from '../../src/recovery/session/place-keeper.ts';
import { SessionState } from '../../src/recovery/session/session-state.ts';
import type { PlacedStatement } from '../../src/recovery/session/statement.ts';
import type { TranslatorOptions } from '../../src/recovery/session/translator-options.ts';
import type { ServerConnection } from '../../src/server/connection.ts';
import { silentLog } from './archiver.ts';
import type { ServedRange } from '../../src/server/served-range.ts';

/** Offers a file's bytes, a few at a time. */
function rangeOfBytes(bytes: Buffer, pieceBytes = Infinity): ServedRange {
  const formatEvent = bytes.subarray(4, 4 + bytes.readUInt32LE(13));
  return {
    ...{ file: 'binlog.000001', from: 4, to: bytes.length, formatEvent },
    checksum: parseFormatDescription(formatEvent)?.checksum ?? 'none',
    open: (offset) => {
      let at = offset;
      return Promise.resolve({
        read: (target: Buffer, to: number) => {
          const copied = bytes.copy(target, to, at, Math.min(bytes.length, at + pieceBytes));
          at += copied;
          return Promise.resolve(copied);
        },
        [Symbol.asyncDispose]: () => Promise.resolve(),
      });
    },
  };
}

/** All events of a range. */
async function loggedEvents(range: ServedRange): Promise<LoggedEvent[]> {
  const all: LoggedEvent[] = [];
  for await (const events of readLoggedEvents(range)) all.push(...events);
  return all;
}

/** What a session would be told for a file, on a target that has the schema `shop` and writes no log. */
export async function translateBytes(
  bytes: Buffer,
  options: Partial<TranslatorOptions> = {},
): Promise<PlacedStatement[]> {
  return await translateRange(rangeOfBytes(bytes), options);
}

/** The same for a part of one, with the place of a session where one is kept. */
export async function translateRange(
  range: ServedRange,
  { place, ...options }: Partial<TranslatorOptions> & { readonly place?: PlaceKeeper } = {},
): Promise<PlacedStatement[]> {
  await using files = new LoadFiles();
  const format = formatOf(range);
  const schemas = { query: (_: string, [name]: string[]) => Promise.resolve(name === 'shop' ? [1] : []) };
  const translator = new EventTranslator(
    {
      flavor: format.flavor,
      limits: {
        ...{ packetBytes: 16 * 1024 * 1024, isLargest: false },
        collations: new Map([[45, { name: 'utf8mb4_general_ci', charset: 'utf8mb4' }]]),
        hasCharsetDefaults: false,
        [Symbol.asyncDispose]: () => Promise.resolve(),
      },
      log: silentLog,
      gtids: {
        variables: () => ({}),
        opening: () => null,
        executed: () => undefined,
        finish: () => Promise.resolve(''),
      },
      schemas: new KnownSchemas(schemas as unknown as ServerConnection),
      files,
      settle: () => Promise.resolve(),
      chooseMissing: () => Promise.resolve(),
      leaveSchema: () => Promise.resolve(),
      ...options,
    },
    new SessionState(),
  );
  translator.enter({ file: range.file, format, formatEvent: range.formatEvent });
  const statements: PlacedStatement[] = [];
  for (const event of await loggedEvents(range)) {
    if (event.type !== EVENT.TRANSACTION_PAYLOAD) {
      const those = await translator.translate(event);
      const ending = event.closes === null ? undefined : place?.ending(those, event.closes);
      statements.push(...(ending ?? those));
    } else
      for (const inside of readPayload(event, format))
        for (const inner of inside) statements.push(...(await translator.translate(inner)));
  }
  return statements;
}
