import { freemem, totalmem } from 'node:os';

/** Bytes that this process and those that it starts may use without making others give up what they hold, about. */
export function availableMemory(): number {
  return withinLimit({ total: totalmem(), available: freemem() }, process.constrainedMemory());
}

/**
 * A container's processes are killed when they go over its limit, whatever the machine has. How much of it is used cannot be told from what
 * is only kept in case it is read again, so half of it is taken for used.
 *
 * @param limit of the container; 0, or more than there is, where it has none. Source: libuv docs/src/misc.rst, uv_get_constrained_memory
 */
export function withinLimit({ total, available }: { total: number; available: number }, limit: number): number {
  return limit > 0 && limit < total ? Math.min(available, limit / 2) : available;
}
