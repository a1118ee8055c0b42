import type { ServerOptions } from '../server/server-options.ts';

/** What lastgood.toml says, validated, secrets read, defaults filled in. Plain data: operations take it as it is. */
export interface Settings {
  /** A folder on this machine. */
  readonly repositoryPath: string;
  /** Holds the keys that segments are encrypted with; null: new segments are stored in clear. */
  readonly keyFile: string | null;
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
  /** True: be a semi-synchronous replica, whose acknowledgement, after fsync, the source's commits wait for. */
  readonly semiSync: boolean;
  /** How finished segments are stored. */
  readonly compression: 'none' | 'zstd';
}

/** What stands when a key is left out. */
export const SETTINGS_DEFAULTS = {
  port: 3306,
  tls: 'preferred',
  serverId: 4_210_001,
  sync: 'group',
  semiSync: false,
  compression: 'zstd',
} as const;
