import type { ServerOptions } from '../server/server-options.ts';
import type { Cli } from './cli.ts';
import { settingsAtHand } from './settings-at-hand.ts';

/**
 * The servers that the configuration protects, to be told from others. Where their passwords are not at hand, only their
 * addresses are known.
 */
export async function knownServers(cli: Cli): Promise<ServerOptions[]> {
  const { primary, replica } = (await settingsAtHand(cli)) ?? (await cli.offlineSettings());
  return replica === null ? [primary] : [primary, replica];
}
