import { access } from 'node:fs/promises';
import { resolve } from 'node:path';
import { LastgoodError } from '../../platform/errors.ts';

const SYSTEM_CONFIG = '/etc/lastgood/lastgood.toml';

/**
 * The configuration's absolute path: --config, else $LASTGOOD_CONFIG, else the first that exists of ./lastgood.toml
 * and /etc/lastgood/lastgood.toml. A named file is not replaced by another one when it is missing.
 *
 * @throws LastgoodError `CONFIG_MISSING`
 */
export async function findConfig(option: string | undefined): Promise<string> {
  const named = option ?? nonEmpty(process.env['LASTGOOD_CONFIG']);
  if (named !== undefined) return resolve(named);
  const places = [resolve('lastgood.toml'), SYSTEM_CONFIG];
  for (const place of places) if (await exists(place)) return place;
  throw new LastgoodError('CONFIG_MISSING', `no configuration: neither ${places.join(' nor ')} exists`);
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false; // reading it is what tells why
  }
}
