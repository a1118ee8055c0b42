import { freemem, totalmem } from 'node:os';

/** What memory there is for this process and those that it starts, bytes. */
export interface Memory {
  readonly total: number;
  /** Without making others give up what they hold. */
  readonly available: number;
}

/** As the machine has it, or less: a container's processes are killed when they go over its limit, whatever the machine has. */
export function readMemory(): Memory {
  return withinLimit({ total: totalmem(), available: freemem() }, process.constrainedMemory());
}

/** @param limit of the container; 0, or more than there is, where it has none. Source: libuv docs/src/misc.rst, uv_get_constrained_memory */
export function withinLimit({ total, available }: Memory, limit: number): Memory {
  const ours = limit > 0 ? Math.min(limit, total) : total;
  return { total: ours, available: Math.min(available, ours) };
}
