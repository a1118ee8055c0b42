import { openRepository, type Repository } from '../archive/repository.ts';
import { MEMORY, openCatalog, type Catalog } from '../catalog/catalog.ts';
import { catchUp, rebuildCatalog, type IndexProgress } from '../catalog/rebuild.ts';
import { isLastgoodError } from '../platform/errors.ts';
import { readLock } from '../platform/lock.ts';
import type { Logger } from '../platform/logger.ts';
import { holdArchivers } from './archiver-locks.ts';
import { openSharedCatalog } from './shared-catalog.ts';
import { openKnownCatalog, type KnownFile } from './verify/known-catalog.ts';

/** An archive with a catalog that says the same: what lists, plans and restores work on. */
export interface OpenArchive extends Disposable {
  readonly repository: Repository;
  readonly catalog: Catalog;
}

interface ReadingOptions {
  readonly log: Logger;
  /** Of `repository.encryption_key_file`: what encrypted segments are read with. */
  readonly keyFile?: string | null;
  readonly signal?: AbortSignal | undefined;
  /** Called while segments that the catalog does not know are read; often there are none. */
  readonly progress?: IndexProgress | undefined;
}

/**
 * Opens a repository and brings its catalog up to it. Where the catalog cannot be
 * written it is made in memory, for this command.
 *
 * @throws LastgoodError `REPOSITORY_MISSING`, `REPOSITORY_UNREADABLE`, `REPOSITORY_VERSION`, `ARCHIVE_DAMAGED`
 */
export async function openArchive(path: string, options: ReadingOptions): Promise<OpenArchive> {
  const repository = await openRepository(path, keysOf(options));
  const catalog = await openCurrentCatalog(repository, options);
  return {
    repository,
    catalog,
    [Symbol.dispose]() {
      catalog[Symbol.dispose]();
    },
  };
}

async function openCurrentCatalog(repository: Repository, options: ReadingOptions): Promise<Catalog> {
  const { catalogPath } = repository;
  try {
    return await catchUpWith(repository, options, await openSharedCatalog(repository, options));
  } catch (error) {
    if (!isLastgoodError(error, 'REPOSITORY_UNREADABLE') && !isLastgoodError(error, 'STORAGE_FAILED')) throw error;
    // A second copy of the archive, mounted read-only, or a full disk: a restore must work from there too.
    options.log.warn(
      { path: catalogPath, reason: error.message },
      'catalog cannot be kept, reading the archive instead',
    );
    return await catchUpWith(repository, options, openCatalog(MEMORY));
  }
}

async function catchUpWith(repository: Repository, options: ReadingOptions, catalog: Catalog): Promise<Catalog> {
  try {
    await catchUp(repository, catalog, { ...options, openSegments: 'read' });
    return catalog;
  } catch (error) {
    catalog[Symbol.dispose]();
    throw error;
  }
}

function keysOf({ keyFile = null }: ReadingOptions): { keyFile: string | null } {
  return { keyFile };
}

/** True while a process holds the archiver's lock. */
export async function isArchiverAlive(repository: Repository, name: string): Promise<boolean> {
  return (await readLock(repository.archiverLockPath(name)))?.alive === true;
}

/**
 * Makes the catalog anew from the archive alone. What the old one knew to have been durable, and the archive has no more, is
 * forgotten by that: whoever asks for it is told.
 *
 * @returns one sentence for each file of which something was forgotten, and for each record that cannot be read
 * @throws LastgoodError `LOCKED` while an archiver writes to the old one, `ARCHIVE_DAMAGED`, `REPOSITORY_MISSING`
 */
export async function rebuildArchiveCatalog(path: string, options: ReadingOptions): Promise<string[]> {
  const repository = await openRepository(path, keysOf(options));
  await using _archivers = await holdArchivers(repository, { purpose: 'catalog rebuild' });
  const before = await readWitness(repository);
  await rebuildCatalog(repository, repository.catalogPath, options);
  using catalog = openCatalog(repository.catalogPath);
  const unreadable = [...(await repository.backups()).unreadable, ...(await repository.rehearsals()).unreadable];
  return [...before.flatMap((known) => forgottenOf(known, catalog)), ...unreadable.map(({ error }) => error.message)];
}

interface Witness extends KnownFile {
  readonly lineage: string;
}

async function readWitness({ catalogPath }: Repository): Promise<Witness[]> {
  using known = await openKnownCatalog(catalogPath);
  return known.lineages().flatMap((lineage) => known.files(lineage).map((file) => ({ ...file, lineage })));
}

function forgottenOf({ lineage, file, indexedTo }: Witness, catalog: Catalog): string[] {
  const left = catalog.segment(lineage, file)?.digest.indexedTo ?? 0;
  if (left >= indexedTo) return [];
  const now = left === 0 ? 'is gone' : `can be read only up to ${left} now`;
  return [
    `${file} of lineage ${lineage} was archived up to ${indexedTo}, and ${now}: this is forgotten, take a backup`,
  ];
}
