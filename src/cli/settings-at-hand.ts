import type { Settings } from '../operations/settings.ts';
import { isLastgoodError } from '../platform/errors.ts';
import type { Cli } from './cli.ts';

/** Settings with their secrets; null where these are not at hand, since a restore must work without them. */
export async function settingsAtHand(cli: Cli): Promise<Settings | null> {
  try {
    return await cli.settings();
  } catch (error) {
    if (isLastgoodError(error, 'FILE_UNREADABLE') || isLastgoodError(error, 'CONFIG_INVALID')) return null;
    throw error;
  }
}
