import { openRepository, type Repository } from '../archive/repository.ts';
import { openCatalog, type Catalog } from '../catalog/catalog.ts';
import { catchUp, rebuildCatalog, type IndexProgress } from '../catalog/rebuild.ts';
import { acquireLock, readLock, type Lock } from '../platform/lock.ts';
import type { Logger } from '../platform/logger.ts';

/** An archive with a catalog that says the same: what lists, plans and restores work on. */
export interface OpenArchive extends Disposable {
  readonly repository: Repository;
  readonly catalog: Catalog;
}

interface ReadingOptions {
  readonly log: Logger;
  readonly signal?: AbortSignal | undefined;
  /** Called while segments that the catalog does not know are read; often there are none. */
  readonly progress?: IndexProgress | undefined;
}

/**
 * Opens a repository and brings its catalog up to it. The open segment of a living archiver stays as that archiver
 * has recorded it.
 *
 * @throws LastgoodError `REPOSITORY_MISSING`, `REPOSITORY_UNREADABLE`, `REPOSITORY_VERSION`, `ARCHIVE_DAMAGED`
 */
export async function openArchive(path: string, options: ReadingOptions): Promise<OpenArchive> {
  const repository = await openRepository(path);
  const catalog = openCatalog(repository.catalogPath, (reason) => {
    options.log.warn({ path: repository.catalogPath, reason }, 'catalog damaged, making it anew');
  });
  try {
    await catchUp(repository, catalog, { ...options, isArchived: async (name) => isArchiverAlive(repository, name) });
  } catch (error) {
    catalog[Symbol.dispose]();
    throw error;
  }
  return {
    repository,
    catalog,
    [Symbol.dispose]() {
      catalog[Symbol.dispose]();
    },
  };
}

/** True while a process holds the archiver's lock. */
export async function isArchiverAlive(repository: Repository, name: string): Promise<boolean> {
  return (await readLock(repository.archiverLockPath(name)))?.alive === true;
}

/**
 * Makes the catalog anew from the archive alone.
 *
 * @throws LastgoodError `LOCKED` while an archiver writes to the old one, `ARCHIVE_DAMAGED`, `REPOSITORY_MISSING`
 */
export async function rebuildArchiveCatalog(path: string, options: ReadingOptions): Promise<void> {
  const repository = await openRepository(path);
  const locks: Lock[] = [];
  try {
    const names = new Set((await repository.lineages()).map(({ name }) => name));
    for (const name of names) locks.push(await acquireLock(repository.archiverLockPath(name), 'catalog rebuild'));
    await rebuildCatalog(repository, repository.catalogPath, options);
  } finally {
    for (const lock of locks.reverse()) await lock[Symbol.asyncDispose]();
  }
}
