import { BINLOG_MAGIC } from '../../src/binlog/event-type.ts';
import { FIRST_EVENT_OFFSET } from '../../src/binlog/coordinates.ts';
import { servedRange } from '../../src/recovery/plan-ranges.ts';
import type { ArchivedSegment } from '../../src/archive/repository.ts';
import { startArchiveServer } from '../../src/server/archive-server.ts';
import { connect } from '../../src/server/connection.ts';
import { startDump } from '../../src/server/dump-client.ts';
import type { ServedIdentity, ServedRange } from '../../src/server/served-range.ts';
import { silentLog } from './archiver.ts';

/** Offers whole archived files. */
export async function servedSegments(segments: readonly ArchivedSegment[]): Promise<ServedRange[]> {
  return await Promise.all(
    segments.map(async (segment) => {
      const { file, bytes } = segment;
      return await servedRange(segment, { file, from: FIRST_EVENT_OFFSET, to: bytes });
    }),
  );
}

/** What our own dump client receives of these files from our own archive server, by file. */
export async function receivedFrom(
  ranges: readonly ServedRange[],
  identity: ServedIdentity,
): Promise<Map<string, Buffer>> {
  await using archive = await startArchiveServer({ identity, ranges, log: silentLog });
  const { host, port, user, password } = archive;
  await using connection = await connect({ name: 'archive server', host, port, user, password, tls: 'off' });
  const pieces: { file: string; bytes: Buffer[] }[] = [];
  const dump = await startDump(
    connection,
    {
      from: { file: ranges[0]?.file ?? '', position: FIRST_EVENT_OFFSET },
      serverId: 4_210_009,
      heartbeatMs: 5000,
      nonBlocking: true,
    },
    {
      rotate: (file) => {
        if (pieces.at(-1)?.file !== file) pieces.push({ file, bytes: [BINLOG_MAGIC] });
      },
      formatAgain: () => undefined,
      append: (chunk, from, to) => pieces.at(-1)?.bytes.push(Buffer.from(chunk.subarray(from, to))),
    },
  );
  await dump.finished;
  return new Map(pieces.map(({ file, bytes }) => [file, Buffer.concat(bytes)]));
}
