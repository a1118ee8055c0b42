import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { parse, TomlError } from 'smol-toml';
import type { Settings } from '../../operations/settings.ts';
import { LastgoodError } from '../../platform/errors.ts';
import { checkConfig, plannedNotes } from './check-config.ts';
import { findConfig } from './find-config.ts';
import { toSettings } from './to-settings.ts';

/**
 * Reads lastgood.toml into settings: found, parsed, checked as a whole, secrets read.
 *
 * @throws LastgoodError `CONFIG_MISSING` when there is none, `CONFIG_INVALID` naming every wrong key,
 *   `FILE_UNREADABLE` for a secret that cannot be read
 */
export async function loadSettings(options: {
  config: string | undefined;
  secrets: boolean;
  /** Told what the configuration asks for and this version does not do. */
  note?: (text: string) => void;
}): Promise<Settings> {
  const path = await findConfig(options.config);
  const config = checkConfig(path, parseToml(path, await readConfig(path)));
  for (const text of plannedNotes(config)) options.note?.(text);
  return toSettings(config, { path, folder: dirname(path), secrets: options.secrets });
}

async function readConfig(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new LastgoodError('CONFIG_MISSING', `cannot read configuration '${path}'`, { cause, details: { path } });
  }
}

function parseToml(path: string, text: string): unknown {
  try {
    return parse(text);
  } catch (cause) {
    if (!(cause instanceof TomlError)) throw cause;
    const reason = (cause.message.split('\n')[0] ?? '').replace(/^Invalid TOML document: /, '');
    const where = `line ${cause.line}, column ${cause.column}`;
    throw new LastgoodError('CONFIG_INVALID', `${path} is not TOML at ${where}: ${reason}`, {
      cause,
      details: { path, line: cause.line, column: cause.column },
    });
  }
}
