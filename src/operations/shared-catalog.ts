import type { Repository } from '../archive/repository.ts';
import { MEMORY, openCatalog, type Catalog } from '../catalog/catalog.ts';
import { schemaState } from '../catalog/schema.ts';
import { isLastgoodError } from '../platform/errors.ts';
import type { Logger } from '../platform/logger.ts';
import { holdArchivers } from './archiver-locks.ts';

interface SharedOptions {
  readonly log: Logger;
  /** The name whose archiver's lock the caller holds already. */
  readonly own?: string | undefined;
}

/**
 * Opens the catalog that all processes of a repository share. Versions with other tables may run beside this one: tables of an
 * earlier one are brought up to date only while no archiver runs; until then, and beside a newer version, the catalog is one in
 * memory, empty, for this process alone, and the file stays as it is.
 *
 * @throws LastgoodError `REPOSITORY_UNREADABLE`, `STORAGE_FAILED`
 */
export async function openSharedCatalog(repository: Repository, options: SharedOptions): Promise<Catalog> {
  const { catalogPath: path } = repository;
  try {
    return await openPresent(repository, options);
  } catch (error) {
    if (!isLastgoodError(error, 'REPOSITORY_VERSION')) throw error;
    const { message: reason, hint } = error;
    options.log.warn({ path, reason, hint }, 'catalog is of another version, reading the archive instead');
    return openCatalog(MEMORY);
  }
}

async function openPresent(repository: Repository, { log, own }: SharedOptions): Promise<Catalog> {
  const { catalogPath: path } = repository;
  const onDamage = (reason: string): void => {
    log.warn({ path, reason }, 'catalog damaged, making it anew');
  };
  try {
    return openCatalog(path, onDamage);
  } catch (error) {
    if (!isLastgoodError(error, 'REPOSITORY_VERSION') || schemaState(path) !== 'earlier') throw error;
    await using _archivers = await holdArchivers(repository, { purpose: 'catalog update', except: own }).catch(
      (held: unknown) => {
        throw isLastgoodError(held, 'LOCKED') ? error : held;
      },
    );
    return openCatalog(path, onDamage, { migrates: true });
  }
}
