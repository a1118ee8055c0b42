import { readdirSync, readlinkSync } from 'node:fs';

const DESCRIPTORS = '/proc/self/fd';

/** What of `path`, or below it, this process has open; each name as often as it is open. */
export function openFilesAt(path: string): string[] {
  const names = readdirSync(DESCRIPTORS).map(targetOf);
  return names.filter((name) => name === path || name.startsWith(`${path}/`));
}

/** Reading the folder needs a descriptor of its own, which is gone by now. */
function targetOf(descriptor: string): string {
  try {
    return readlinkSync(`${DESCRIPTORS}/${descriptor}`);
  } catch {
    return '';
  }
}
