import type { ServerOptions } from '../server/server-options.ts';
import type { AlertSettings } from './alerts/alert-settings.ts';

/** What lastgood.toml says, validated, secrets read, defaults filled in. Plain data: operations take it as it is. */
export interface Settings {
  /** A folder on this machine. */
  readonly repositoryPath: string;
  /** Holds the keys that segments are encrypted with; null: new segments are stored in clear. */
  readonly keyFile: string | null;
  /** New segments are stored in clear also with a key file; it still reads those that are encrypted. */
  readonly storesInClear?: boolean;
  /** What passwords and other secrets were read from, or would be; none: no such file is named. */
  readonly secretFiles?: readonly string[];
  /** `primary.name` names the lineages. */
  readonly primary: PrimarySettings;
  readonly replica: ServerOptions | null;
  readonly archive: ArchiveSettings;
  /** None: nobody is told of incidents, and nothing is pinned. */
  readonly alerts?: AlertSettings;
}

export interface PrimarySettings extends ServerOptions {
  /** The archiver's own id, unique in the topology: two clients with one id throw each other out. */
  readonly serverId: number;
  /** Nobody chose that id: the one counts that the repository has for its archiver, if it has one. */
  readonly usesRepositoryId?: true;
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
  massRows: 10_000,
  massShare: 0.5,
} as const;
