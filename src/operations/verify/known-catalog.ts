import { stat } from 'node:fs/promises';
import type { Damage } from '../../archive/damage.ts';
import type { SegmentUpdate } from '../../archive/segment-indexer.ts';
import { Catalog } from '../../catalog/catalog.ts';
import { isDamage } from '../../catalog/sqlite-failure.ts';
import { isLastgoodError } from '../../platform/errors.ts';

/** What the catalog last knew of a file: it gets its row only when the bytes are durable, so it is a witness to them. */
export interface KnownFile {
  readonly file: string;
  readonly state: 'open' | 'sealed';
  readonly indexedTo: number;
  readonly openedAt: number;
}

/** The repository's catalog as it stands, nothing brought up to date. */
export interface KnownCatalog extends Disposable {
  readonly damages: readonly Damage[];
  /** In the order of their numbers. */
  files(lineage: string): KnownFile[];
  backupIds(): string[];
  /** Compares a row that claims to be current with what was read of the segment. Rows that are behind catch up by themselves. */
  compare(lineage: string, update: SegmentUpdate): Damage[];
}

/** Opens the catalog to look at it. A missing one is made by the next command, and no finding. */
export async function openKnownCatalog(path: string): Promise<KnownCatalog> {
  try {
    await stat(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return unknown([]);
    throw error;
  }
  try {
    const catalog = new Catalog(path);
    return {
      damages: [],
      files: (lineage) => knownFiles(catalog, lineage),
      backupIds: () => catalog.backups().map(({ id }) => id),
      compare: (lineage, update) => compare(catalog, lineage, update).map((found) => damage(path, found)),
      [Symbol.dispose]: () => {
        catalog[Symbol.dispose]();
      },
    };
  } catch (error) {
    if (!(error instanceof Error) || isLastgoodError(error, 'REPOSITORY_VERSION')) throw error;
    const check = isDamage(error) ? 'catalog' : 'catalog not compared';
    return unknown([{ ...damage(path, `it cannot be opened: ${error.message}`), check }]);
  }
}

function unknown(damages: readonly Damage[]): KnownCatalog {
  return {
    damages,
    files: () => [],
    backupIds: () => [],
    compare: () => [],
    [Symbol.dispose]: () => undefined,
  };
}

function damage(path: string, found: string): Damage {
  return { check: 'catalog', path, offset: null, found };
}

function knownFiles(catalog: Catalog, lineage: string): KnownFile[] {
  return catalog.segments(lineage).map(({ state, digest: { file, indexedTo, openedAt } }) => {
    return { file, state, indexedTo, openedAt };
  });
}

function compare(catalog: Catalog, lineage: string, update: SegmentUpdate): string[] {
  const { file, indexedTo } = update.digest;
  const row = catalog.indexed(lineage, file);
  if (row?.state !== update.state || row.digest.indexedTo !== indexedTo) return [];
  const parts = [
    ['the digest of', row.digest, update.digest],
    ['the checkpoints of', row.checkpoints, update.checkpoints],
    ['the incidents of', row.incidents, update.incidents.toSorted((a, b) => a.start - b.start)],
  ] as const;
  return parts
    .filter(([, known, found]) => canonical(known) !== canonical(found))
    .map(([what]) => `a rebuild gives other values for ${what} ${file} in lineage ${lineage}`);
}

/** Equal data has equal text, whatever the order of its fields. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
