import fc from 'fast-check';
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { manifestName } from '../../src/archive/repository.ts';
import type { SegmentUpdate } from '../../src/archive/segment-indexer.ts';
import { archiveFolder, type ArchiveFolder, type ListenedWriter } from '../support/archive-folder.ts';
import { logs, pieceSizes, type BuiltLog } from './support/logs.ts';

const FILE = 'binlog.000001';
const NEXT = 'binlog.000002';
/** A few checkpoints' worth: they are a MiB apart. */
const MEGABYTES = 1_500_000;

/** Any of them may follow any other: there are no GTIDs that would have to go on. */
const WITHOUT_GTIDS = logs({ kinds: ['mysql-5.5', 'mysql-anonymous'] });

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

const flavorOf = (log: BuiltLog): 'mariadb' | 'mysql' => (/mariadb/i.test(log.builder.version) ? 'mariadb' : 'mysql');

/** Lets the writer's work run: it takes up what came in a turn of the event loop. */
const turn = (): Promise<void> => new Promise(setImmediate);

async function appendInPieces({ writer }: ListenedWriter, bytes: Buffer, sizes: readonly number[]): Promise<void> {
  let at = 0;
  for (let piece = 0; at < bytes.length; piece += 1) {
    // The last size is for all the rest: a log of megabytes in pieces of a byte would take long and show no more.
    const size = piece < sizes.length ? (sizes[piece] ?? 1) : bytes.length - at;
    const chunk = Buffer.from(bytes.subarray(at, at + size));
    writer.append(chunk, 0, chunk.length);
    chunk.fill(0xee); // the socket uses it again
    at += size;
    if (piece % 3 === 0) await turn();
  }
}

/** Everything that the catalog would know of the file. */
function indexOf(updates: readonly SegmentUpdate[]): Pick<SegmentUpdate, 'checkpoints' | 'incidents' | 'digest'> {
  const last = updates.at(-1);
  if (last === undefined) throw new Error('there was no update');
  return {
    digest: last.digest,
    checkpoints: updates.flatMap(({ checkpoints }) => checkpoints),
    incidents: updates.flatMap(({ incidents }) => incidents),
  };
}

/** Archives the whole file in one go and seals it. */
async function archiveAtOnce(folder: ArchiveFolder, log: BuiltLog): Promise<ListenedWriter> {
  const listened = folder.writer(await folder.end());
  const { bytes } = log.builder;
  listened.writer.rotate(FILE, 4);
  listened.writer.append(bytes, 4, bytes.length);
  listened.writer.rotate(NEXT, 4);
  await listened.writer.finish();
  return listened;
}

describe('archiving', () => {
  it('writes the file of the source, in whatever pieces it came', async () => {
    await fc.assert(
      fc.asyncProperty(logs(), pieceSizes, async (log, sizes) => {
        await using folder = await archiveFolder(flavorOf(log));
        const listened = folder.writer(await folder.end());
        listened.writer.rotate(FILE, 4);
        await appendInPieces(listened, log.builder.bytes.subarray(4), sizes);
        await listened.writer.finish();
        expect(await folder.read(FILE)).toEqual(log.builder.bytes);
        expect(listened.updates.at(-1)?.digest).toMatchObject({
          indexedTo: log.builder.size,
          groups: log.builder.groups.length,
          events: log.builder.events.length,
          gtidEnd: log.gtidEnd,
        });
      }),
      { numRuns: 30 },
    );
  });

  it('comes back from a crash at any byte to the last whole group', async () => {
    await fc.assert(
      fc.asyncProperty(logs(), fc.nat(), async (log, pick) => {
        await using folder = await archiveFolder(flavorOf(log));
        const { builder } = log;
        const cut = pick % (builder.size + 1);
        await folder.put(FILE, builder.bytes.subarray(0, cut));
        const { open, sealed } = await folder.end();
        const wholeTo = builder.boundaryBefore(cut);
        expect(sealed).toBeNull();
        expect(open?.size ?? 0).toBe(wholeTo);
        await open?.close();
        if (open === null) expect(await folder.segments()).toEqual([]);
        else expect(await folder.read(FILE)).toEqual(builder.bytes.subarray(0, wholeTo));
      }),
      { numRuns: 40 },
    );
  });

  it('gives after a crash at any byte the same file, digest, checkpoints and incidents as without', async () => {
    await fc.assert(
      fc.asyncProperty(logs({ largest: MEGABYTES }), fc.nat(), pieceSizes, async (log, pick, sizes) => {
        await using calm = await archiveFolder(flavorOf(log));
        await using crashed = await archiveFolder(flavorOf(log));
        const expected = await archiveAtOnce(calm, log);
        const { bytes } = log.builder;
        await crashed.put(FILE, bytes.subarray(0, pick % (bytes.length + 1)));
        const end = await crashed.end();
        const again = crashed.writer(end);
        const from = end.open?.size ?? 4;
        again.writer.rotate(FILE, from);
        await appendInPieces(again, bytes.subarray(from), sizes);
        again.writer.rotate(NEXT, 4);
        await again.writer.finish();
        expect((await crashed.read(FILE)).equals(bytes)).toBe(true);
        expect(indexOf(again.updates)).toEqual(indexOf(expected.updates));
        const [[one], [other]] = [again.sealed, expected.sealed];
        expect(one).toEqual({ ...other, sealedAt: one?.sealedAt });
        expect(one?.sha256).toBe(sha256(bytes));
      }),
      { numRuns: 15 },
    );
  });

  it('links the manifests of the files it seals, each with the hash of its bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(WITHOUT_GTIDS, { minLength: 2, maxLength: 4 }), async (files) => {
        await using folder = await archiveFolder('mysql');
        const { writer, sealed } = folder.writer(await folder.end());
        for (const [index, { builder }] of files.entries()) {
          writer.rotate(`binlog.00000${index + 1}`, 4);
          writer.append(builder.bytes, 4, builder.size);
        }
        writer.rotate(`binlog.00000${files.length + 1}`, 4);
        await writer.finish();
        let before: string | null = null;
        for (const manifest of sealed) {
          expect(manifest.sha256).toBe(sha256(await folder.read(manifest.file)));
          expect(manifest.previousManifestSha256).toBe(before);
          before = sha256(await folder.read(manifestName(manifest.file)));
        }
        expect(sealed).toHaveLength(files.length);
      }),
      { numRuns: 15 },
    );
  });
});
