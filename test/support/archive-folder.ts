import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readArchiveEnd, type ArchiveEnd } from '../../src/archive/archive-end.ts';
import { ArchiveWriter } from '../../src/archive/archive-writer.ts';
import type { ArchiveWriterOptions } from '../../src/archive/archive-writer-options.ts';
import type { SegmentManifest } from '../../src/archive/manifest.ts';
import { openRepository, type ArchivedSegment, type Repository } from '../../src/archive/repository.ts';
import type { SegmentUpdate } from '../../src/archive/segment-indexer.ts';
import { makeTempDirectory } from '../../src/platform/temp-dir.ts';
import { aLineage } from './in-memory-log.ts';

/** A repository in a folder of its own, with one lineage and whatever was archived into it. */
export interface ArchiveFolder extends AsyncDisposable {
  readonly repository: Repository;
  readonly lineage: ReturnType<typeof aLineage>;
  path(name: string): string;
  read(name: string): Promise<Buffer>;
  /** Puts bytes there as a crash may have left them. */
  put(name: string, bytes: Uint8Array): Promise<void>;
  append(name: string, bytes: Uint8Array): Promise<void>;
  end(): Promise<ArchiveEnd>;
  segments(): Promise<ArchivedSegment[]>;
  writer(end: ArchiveEnd, options?: Partial<ArchiveWriterOptions>): ListenedWriter;
}

/** A writer with all that it told of. */
export interface ListenedWriter {
  readonly writer: ArchiveWriter;
  readonly updates: SegmentUpdate[];
  readonly sealed: SegmentManifest[];
  readonly pressure: boolean[];
}

export async function archiveFolder(flavor: 'mariadb' | 'mysql' = 'mariadb'): Promise<ArchiveFolder> {
  const temporary = await makeTempDirectory('lastgood-archive-');
  const repository = await openRepository(join(temporary.path, 'repository'), { create: true });
  const lineage = aLineage({ flavor });
  await repository.writeLineage(lineage);
  const path = (name: string): string => join(repository.lineageFolder(lineage.id), name);
  return {
    repository,
    lineage,
    path,
    read: (name) => readFile(path(name)),
    put: (name, bytes) => writeFile(path(name), bytes),
    append: (name, bytes) => appendFile(path(name), bytes),
    end: () => readArchiveEnd(repository, lineage),
    segments: () => repository.segments(lineage.id),
    writer: (end, options = {}) => {
      const told = { updates: [] as SegmentUpdate[], sealed: [] as SegmentManifest[], pressure: [] as boolean[] };
      const writer = new ArchiveWriter(
        {
          repository,
          lineage,
          sync: 'group',
          onDurable: (update) => told.updates.push(update),
          onPressure: (high) => told.pressure.push(high),
          onSealed: (manifest) => told.sealed.push(manifest),
          ...options,
        },
        end,
      );
      return { writer, ...told };
    },
    [Symbol.asyncDispose]: () => temporary[Symbol.asyncDispose](),
  };
}
