import { stat } from 'node:fs/promises';
import type { Damage } from '../../archive/damage.ts';
import { compareFiles } from '../../binlog/coordinates.ts';
import type { SegmentUpdate } from '../../archive/segment-indexer.ts';
import { Catalog } from '../../catalog/catalog.ts';
import { schemaState } from '../../catalog/schema.ts';
import { isDamage } from '../../catalog/sqlite-failure.ts';
import { hasCode } from '../../platform/error-code.ts';
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
  /** Of which it knows files. */
  lineages(): string[];
  backupIds(): string[];
  /** Compares a row that claims to be current with what was read of the segment. Rows that are behind catch up by themselves. */
  compare(lineage: string, update: SegmentUpdate): Damage[];
}

/** Opens the catalog to look at it: it is derived, so nothing that is wrong with it is thrown. A missing one is no finding. */
export async function openKnownCatalog(path: string): Promise<KnownCatalog> {
  try {
    await stat(path);
  } catch (error) {
    return unknown(hasCode(error, 'ENOENT') ? [] : [failure(path, 'opened', error)]);
  }
  try {
    const state = schemaState(path);
    if (state === 'unmade') return unknown([]); // its archiver is about to begin
    if (state === 'earlier') return unknown([ofEarlierVersion(path)]);
    return new OpenedCatalog(path, new Catalog(path));
  } catch (error) {
    return unknown([failure(path, 'opened', error)]);
  }
}

/** A damaged page shows only when it is read: from then on nothing is known. */
class OpenedCatalog implements KnownCatalog {
  readonly damages: Damage[] = [];
  readonly #path: string;
  readonly #catalog: Catalog;

  constructor(path: string, catalog: Catalog) {
    this.#path = path;
    this.#catalog = catalog;
  }

  files(lineage: string): KnownFile[] {
    return this.#read((catalog) => knownFiles(catalog, lineage));
  }

  lineages(): string[] {
    return this.#read(knownLineages);
  }

  backupIds(): string[] {
    return this.#read((catalog) => catalog.backups().map(({ id }) => id));
  }

  compare(lineage: string, update: SegmentUpdate): Damage[] {
    return this.#read((catalog) => compare(catalog, lineage, update)).map((found) => damage(this.#path, found));
  }

  [Symbol.dispose](): void {
    this.#catalog[Symbol.dispose]();
  }

  #read<T>(work: (catalog: Catalog) => T[]): T[] {
    if (this.damages.length > 0) return [];
    try {
      return work(this.#catalog);
    } catch (error) {
      this.damages.push(failure(this.#path, 'read', error));
      return [];
    }
  }
}

/** Locked, or not to be opened, says nothing of its content; all else, down to text that is no JSON, does. */
function failure(path: string, what: 'opened' | 'read', error: unknown): Damage {
  if (!(error instanceof Error)) throw error;
  const found = damage(path, `it cannot be ${what}: ${error.message}`);
  if (isLastgoodError(error, 'REPOSITORY_VERSION')) return { ...found, check: 'catalog not compared', fix: error.hint };
  const isWrong = error instanceof SyntaxError || error instanceof TypeError || [error, error.cause].some(isDamage);
  return isWrong ? found : { ...found, check: 'catalog not compared' };
}

function ofEarlierVersion(path: string): Damage {
  return {
    ...damage(path, 'an earlier version wrote it'),
    check: 'catalog not compared',
    fix: 'Nothing: the next command but this one brings it up to date.',
  };
}

function unknown(damages: readonly Damage[]): KnownCatalog {
  return {
    damages,
    files: () => [],
    lineages: () => [],
    backupIds: () => [],
    compare: () => [],
    [Symbol.dispose]: () => undefined,
  };
}

function damage(path: string, found: string): Damage {
  return { check: 'catalog', path, offset: null, found };
}

/** What other commands found lost already has no row, or a shorter one. */
function knownFiles(catalog: Catalog, lineage: string): KnownFile[] {
  const lost = catalog.lost().filter((item) => item.lineage === lineage);
  const rows = catalog.segments(lineage).filter(({ digest }) => !lost.some(({ file }) => file === digest.file));
  const known = rows.map(({ state, digest: { file, indexedTo, openedAt } }) => ({ file, state, indexedTo, openedAt }));
  return [...known, ...lost].sort((a, b) => compareFiles(a.file, b.file));
}

function knownLineages(catalog: Catalog): string[] {
  const inUse = catalog.lineages().map(({ id }) => id);
  const ids = [
    ...inUse.filter((id) => catalog.segments(id).length > 0),
    ...catalog.lost().map(({ lineage }) => lineage),
  ];
  return [...new Set(ids)].sort();
}

function compare(catalog: Catalog, lineage: string, update: SegmentUpdate): string[] {
  const { file, indexedTo } = update.digest;
  const row = catalog.indexed(lineage, file);
  if (row?.state !== update.state || row.digest.indexedTo !== indexedTo) return [];
  const parts = [
    ['the digest of', row.digest, update.digest],
    ['the checkpoints of', row.checkpoints, update.checkpoints],
    ['the incidents of', row.incidents, update.incidents.toSorted((a, b) => a.start - b.start)],
    ['the settled incidents of', row.settlements, update.settlements.toSorted((a, b) => a.start - b.start)],
    ['the loops of deletes of', row.loops ?? [], update.loops ?? []],
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
