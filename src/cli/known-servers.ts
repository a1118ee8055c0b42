import { isLastgoodError } from '../platform/errors.ts';
import type { ServerOptions } from '../server/server-options.ts';
import type { Cli } from './cli.ts';

/**
 * The servers that the configuration protects, to be told from others. Where their passwords are not at hand, as a
 * restore must work without them, only their addresses are known.
 */
export async function knownServers(cli: Cli): Promise<ServerOptions[]> {
  const { primary, replica } = await settingsAtHand(cli);
  return replica === null ? [primary] : [primary, replica];
}

async function settingsAtHand(cli: Cli): Promise<{ primary: ServerOptions; replica: ServerOptions | null }> {
  try {
    return await cli.settings();
  } catch (error) {
    if (isLastgoodError(error, 'FILE_UNREADABLE') || isLastgoodError(error, 'CONFIG_INVALID')) {
      return await cli.offlineSettings();
    }
    throw error;
  }
}
