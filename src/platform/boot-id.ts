import { readFileSync } from 'node:fs';

/** Another one after each start of the machine; null where nothing tells. Source: proc(5), /proc/sys/kernel/random/boot_id. */
export function readBootId(): string | null {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return null; // no Linux
  }
}
