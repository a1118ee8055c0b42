import type { Repository } from '../../archive/repository.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { KnownCatalog } from './known-catalog.ts';
import type { Readers } from './readers.ts';
import type { Since } from './since.ts';

/** What every part of a verification works with. */
export interface VerifyContext {
  readonly repository: Repository;
  readonly readers: Readers;
  /** As it stands. */
  readonly known: KnownCatalog;
  /** Made anew, in a temporary place, of what is read. */
  readonly rebuilt: Catalog;
  readonly since: Since | null;
  readonly signal: AbortSignal | undefined;
}
