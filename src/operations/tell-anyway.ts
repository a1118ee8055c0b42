import type { Logger } from '../platform/logger.ts';

/** What was told, or the warning that it was not. */
export interface Told<T> {
  readonly told: T | null;
  readonly warnings: readonly string[];
}

/**
 * Tells of an outcome that stands, whatever becomes of the telling: a server that is proven and handed over is no failure because a
 * report cannot be written, and one that failed its proof no failure of a disk.
 *
 * @param what a clause that says what is missing where it fails
 */
export async function tellAnyway<T>(what: string, log: Logger, tell: () => Promise<T>): Promise<Told<T>> {
  try {
    return { told: await tell(), warnings: [] };
  } catch (error) {
    log.error({ err: error }, what);
    return { told: null, warnings: [`${what}: ${error instanceof Error ? error.message : String(error)}`] };
  }
}
