import type { Repository } from '../archive/repository.ts';
import { acquireLock, type Lock } from '../platform/lock.ts';

/**
 * Keeps all archivers of a repository from running until disposed of.
 *
 * @param options.except the name whose lock the caller holds already
 * @throws LastgoodError `LOCKED` while one of them runs
 */
export async function holdArchivers(
  repository: Repository,
  { purpose, except }: { readonly purpose: string; readonly except?: string | undefined },
): Promise<AsyncDisposable> {
  const locks: Lock[] = [];
  const release = async (): Promise<void> => {
    for (const lock of locks.reverse()) await lock[Symbol.asyncDispose]();
  };
  try {
    for (const name of await repository.archiverNames())
      if (name !== except) locks.push(await acquireLock(repository.archiverLockPath(name), purpose));
  } catch (error) {
    await release();
    throw error;
  }
  return { [Symbol.asyncDispose]: release };
}
