import { BinlogReader, type BinlogReading, type ReadingStart } from '../../src/binlog/binlog-reader.ts';
import { formatGtid } from '../../src/binlog/gtid-text.ts';
import type { QueryEvent } from '../../src/binlog/group.ts';
import type { BuiltGroup } from './binlog-builder.ts';

/** What a visitor was told, in plain data. */
export interface Heard {
  readonly groups: BuiltGroup[];
  /** GTID state before each group. */
  readonly states: (string | null)[];
  readonly statements: { offset: number; text: string }[];
  readonly torn: { start: number; end: number }[];
  /** Offsets of events in groups that could not be read. */
  readonly unread: number[];
}

/** A reader that writes down what it is told. */
export function listeningReader(options: { verifyChecksums?: boolean; start?: ReadingStart } = {}): {
  reader: BinlogReader;
  heard: Heard;
} {
  const heard: Heard = { groups: [], states: [], statements: [], torn: [], unread: [] };
  const reader = new BinlogReader({
    verifyChecksums: options.verifyChecksums ?? true,
    ...(options.start === undefined ? {} : { start: options.start }),
    visitor: {
      query: ({ offset, text }: QueryEvent) => heard.statements.push({ offset, text: text.toString('latin1') }),
      group: (group, before) => {
        const { start, end, time, serverId, threadId, events, ending } = group;
        const gtid = group.gtid === null ? null : formatGtid(group.gtid);
        heard.groups.push({ start, end, gtid, time, serverId, threadId, events, ending });
        heard.states.push(before?.toString() ?? null);
      },
      torn: (start, end) => heard.torn.push({ start, end }),
      unread: (offset) => heard.unread.push(offset),
    },
  });
  return { reader, heard };
}

/**
 * Reads `bytes` as they might arrive: pieces of these lengths, the last one again and again. Each buffer ends where
 * its bytes end, so that reading past them throws.
 */
export function readInPieces(
  bytes: Buffer,
  sizes: readonly number[] = [bytes.length],
  options: { verifyChecksums?: boolean; start?: ReadingStart } = {},
): { reading: BinlogReading; heard: Heard } {
  const { reader, heard } = listeningReader(options);
  let rest: Buffer = Buffer.alloc(0);
  let at = 0;
  for (let turn = 0; at < bytes.length && !reader.stopped; turn += 1) {
    const size = Math.max(1, sizes[Math.min(turn, sizes.length - 1)] ?? 1);
    const buffer = exactly(rest, bytes.subarray(at, at + size));
    at += size;
    rest = buffer.subarray(reader.walk(buffer, 0, buffer.length));
  }
  reader.sourceEnded(rest.length);
  return { reading: reader.finish(), heard };
}

/** A buffer over memory of its own, with nothing before or behind it. */
function exactly(...pieces: readonly Uint8Array[]): Buffer {
  const target = Buffer.from(new ArrayBuffer(pieces.reduce((sum, { length }) => sum + length, 0)));
  let at = 0;
  for (const piece of pieces) {
    target.set(piece, at);
    at += piece.length;
  }
  return target;
}
