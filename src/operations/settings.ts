import type { ServerOptions } from '../server/server-options.ts';

/** What lastgood.toml says, validated, secrets read, defaults filled in. Plain data: operations take it as it is. */
export interface Settings {
  /** A folder on this machine. */
  readonly repositoryPath: string;
  /** `primary.name` names the lineages. */
  readonly primary: PrimarySettings;
  readonly replica: ServerOptions | null;
  readonly archive: ArchiveSettings;
}

export interface PrimarySettings extends ServerOptions {
  /** The archiver's own id, unique in the topology: two clients with one id throw each other out. */
  readonly serverId: number;
}

export interface ArchiveSettings {
  /** 'group': fsync at each group boundary received together; a number: at the latest after so many milliseconds. */
  readonly sync: 'group' | number;
}

/** What stands when a key is left out. */
export const SETTINGS_DEFAULTS = {
  port: 3306,
  tls: 'preferred',
  serverId: 4_210_001,
  sync: 'group',
} as const;
