import fc from 'fast-check';
import { join } from 'node:path';
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { exportLogs, type ExportedFile } from '../../src/operations/export.ts';
import { makeTempDirectory } from '../../src/platform/temp-dir.ts';
import { archiveFolder, type ArchiveFolder } from '../support/archive-folder.ts';
import { readInPieces } from '../support/binlog-reading.ts';
import { logs, type BuiltLog } from './support/logs.ts';

const FILE = 'binlog.000001';
const NEXT = 'binlog.000002';

/** The log as a stream has it: without the flag that the file is open. */
function streamed({ builder }: BuiltLog): Buffer {
  const { bytes } = builder;
  bytes[21] = (bytes[21] ?? 0) & ~1;
  return bytes;
}

async function archived(log: BuiltLog, state: 'open' | 'sealed'): Promise<ArchiveFolder> {
  const folder = await archiveFolder(/mariadb/i.test(log.builder.version) ? 'mariadb' : 'mysql');
  const { writer } = folder.writer(await folder.end());
  const bytes = streamed(log);
  writer.rotate(FILE, 4);
  writer.append(bytes, 4, bytes.length);
  if (state === 'sealed') writer.rotate(NEXT, 4);
  await writer.finish();
  return folder;
}

async function exported(
  { repository, lineage }: ArchiveFolder,
  range: { from?: number; to?: number },
  use: (files: ExportedFile[], bytes: Buffer[]) => void = () => undefined,
): Promise<void> {
  await using out = await makeTempDirectory('lastgood-export-');
  const place = (position: number | undefined) => (position === undefined ? null : { file: FILE, position });
  const { files } = await exportLogs({
    repository,
    name: lineage.name,
    lineage: null,
    from: place(range.from),
    to: place(range.to),
    out: join(out.path, 'out'),
    signal: new AbortController().signal,
  });
  use(files, await Promise.all(files.map(({ path }) => readFile(path))));
}

/** Where the log may be cut, the file's start among them, and where reading ends. */
function bordersOf({ builder }: BuiltLog): number[] {
  const groups = builder.groups.flatMap(({ start, end }) => [start, end]);
  return [...new Set([4, ...groups, builder.size])].sort((a, b) => a - b);
}

const states = fc.constantFrom('open' as const, 'sealed' as const);

describe('export', () => {
  it('gives exactly the groups of any piece, with their GTIDs, and nothing to complain of', async () => {
    await fc.assert(
      fc.asyncProperty(logs(), states, fc.nat(), fc.nat(), async (log, state, a, b) => {
        await using folder = await archived(log, state);
        const borders = bordersOf(log);
        const [from = 4, to = 4] = [borders[a % borders.length] ?? 4, borders[b % borders.length] ?? 4].sort(
          (x, y) => x - y,
        );
        if (from === to) return;
        const whole = readInPieces(log.builder.bytes);
        await exported(folder, { from, to }, ([file], [bytes]) => {
          if (file === undefined || bytes === undefined) throw new Error('no piece');
          const { reading, heard } = readInPieces(bytes);
          expect(reading.problems).toEqual([]);
          const wanted = whole.heard.groups.filter(({ start, end }) => start >= from && end <= to);
          const moved = bytes.length - to;
          expect(heard.groups).toEqual(
            wanted.map((group) => ({ ...group, start: group.start + moved, end: group.end + moved })),
          );
          expect(heard.states).toEqual(
            whole.heard.states.filter((_, index) => isIn(whole.heard.groups[index], from, to)),
          );
          expect(file).toMatchObject({ from: from === 4 ? 0 : from, to, bytes: bytes.length });
          expect(bytes.subarray(bytes.length - (to - from))).toEqual(streamed(log).subarray(from, to));
        });
      }),
      { numRuns: 30 },
    );
  });

  it('refuses any place inside a group, and names those nearest to it', async () => {
    await fc.assert(
      fc.asyncProperty(logs(), states, fc.nat(), async (log, state, seed) => {
        const borders = bordersOf(log);
        const position = 4 + (seed % (log.builder.size - 4));
        if (borders.includes(position)) return;
        await using folder = await archived(log, state);
        const below = borders.findLast((border) => border < position);
        const above = borders.find((border) => border > position);
        const refusal = {
          code: 'COORDINATES_INVALID',
          hint: `The nearest places for a cut are ${FILE}:${below ?? 0} and ${FILE}:${above ?? 0}.`,
        };
        await expect(exported(folder, { from: position })).rejects.toMatchObject(refusal);
        await expect(exported(folder, { to: position })).rejects.toMatchObject(refusal);
      }),
      { numRuns: 30 },
    );
  });
});

function isIn(group: { start: number; end: number } | undefined, from: number, to: number): boolean {
  return group !== undefined && group.start >= from && group.end <= to;
}
