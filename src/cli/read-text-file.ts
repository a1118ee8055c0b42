import { readFile } from 'node:fs/promises';
import { LastgoodError } from '../platform/errors.ts';

/** Reads a file that a person named. @param where what named it, which the message begins with @throws LastgoodError `FILE_UNREADABLE` */
export async function readTextFile(path: string, where: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new LastgoodError('FILE_UNREADABLE', `${where}: cannot read '${path}'`, { cause, details: { path } });
  }
}
