import type { Settings } from '../../src/operations/settings.ts';
import type { Pair } from './pair.ts';

/** Settings as a lastgood.toml for this pair would give them, as root through the sockets. */
export function settingsFor({ primary, replica }: Pair, repositoryPath: string): Settings {
  return {
    repositoryPath,
    keyFile: null,
    primary: { ...primary.serverOptions('shop'), serverId: 4_210_001 },
    replica: replica.serverOptions('replica'),
    archive: { sync: 'group', semiSync: false, compression: 'none' },
  };
}
