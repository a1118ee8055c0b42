import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SETTINGS_DEFAULTS, type Settings } from '../../operations/settings.ts';
import { LastgoodError } from '../../platform/errors.ts';
import type { ServerOptions } from '../../server/server-options.ts';
import type { Config, ServerConfig } from './config-schema.ts';
import { readLogin, type Login } from './read-login.ts';
import { secretFilesOf } from './secret-files.ts';
import { toAlertSettings } from './to-alert-settings.ts';

export interface ConfigPlace {
  /** The configuration's own path, for messages. */
  readonly path: string;
  /** Relative paths in it start here. */
  readonly folder: string;
  /** False: nobody will log in, so passwords stay empty and option files unread. */
  readonly secrets: boolean;
}

/** @throws LastgoodError `CONFIG_INVALID`, `FILE_UNREADABLE` */
export async function toSettings(config: Config, place: ConfigPlace): Promise<Settings> {
  const { primary, replica, archive } = config;
  const { encryption_key_file: keyFile, encryption } = config.repository;
  const secretFiles = secretFilesOf(config, (file) => toPath(file, place));
  return {
    repositoryPath: repositoryPath(config.repository.url, place),
    keyFile: keyFile === undefined ? null : toPath(keyFile, place),
    ...(encryption === 'off' && { storesInClear: true }),
    ...(secretFiles.length > 0 && { secretFiles }),
    primary: {
      ...(await toServer(primary, { section: 'primary', name: primary.name, place })),
      serverId: primary.server_id ?? SETTINGS_DEFAULTS.serverId,
      ...(primary.server_id === undefined && { usesRepositoryId: true }),
    },
    replica:
      replica === undefined
        ? null
        : await toServer(replica, { section: 'replica', name: replica.name ?? 'replica', place }),
    alerts: await toAlertSettings(config.incidents, place, (file) => toPath(file, place)),
    archive: { sync: toSync(archive.sync), semiSync: archive.semi_sync, compression: archive.compression },
  };
}

function repositoryPath(url: string, place: ConfigPlace): string {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(url)?.[1]?.toLowerCase();
  if (scheme === undefined) return toPath(url, place);
  if (scheme === 'file' && URL.canParse(url) && new URL(url).host === '') return fileURLToPath(url);
  const message = `${place.path}: repository.url '${url}' must be a folder or file:///...`;
  throw new LastgoodError('CONFIG_INVALID', message, {
    hint: 'This version keeps repositories on local or mounted disks only.',
  });
}

async function toServer(
  config: ServerConfig,
  { section, name, place }: { section: string; name: string; place: ConfigPlace },
): Promise<ServerOptions> {
  const path = (file: string): string => toPath(file, place);
  const login = await readLogin(config, { where: `${place.path}: ${section}`, path, secrets: place.secrets });
  const certificates = Object.entries({ ca: config.ca, cert: config.cert, key: config.key });
  return {
    name,
    ...address(config, { login, section, place }),
    user: login.user,
    password: login.password,
    tls: config.tls,
    ...Object.fromEntries(certificates.flatMap(([key, file]) => (file === undefined ? [] : [[key, path(file)]]))),
  };
}

/** The configuration wins over what the option file says. */
function address(
  config: ServerConfig,
  { login, section, place }: { login: Login; section: string; place: ConfigPlace },
): Pick<ServerOptions, 'host' | 'port' | 'socket'> {
  if (config.socket !== undefined && config.host !== undefined) {
    throw new LastgoodError('CONFIG_INVALID', `${place.path}: ${section} has both host and socket: keep one`);
  }
  if (config.socket !== undefined) return { socket: toPath(config.socket, place) };
  const host = config.host ?? login.host;
  if (host === undefined && login.socket !== undefined) return { socket: toPath(login.socket, place) };
  if (host === undefined && !place.secrets) return {};
  if (host === undefined) {
    throw new LastgoodError('CONFIG_INVALID', `${place.path}: ${section} has neither host nor socket`);
  }
  return { host, port: config.port ?? login.port ?? SETTINGS_DEFAULTS.port };
}

function toSync(sync: string): 'group' | number {
  if (sync === 'group') return sync;
  return Number.parseInt(sync, 10) * (sync.endsWith('ms') ? 1 : 1000);
}

function toPath(path: string, { folder }: ConfigPlace): string {
  return path.startsWith('~/') ? resolve(homedir(), path.slice(2)) : resolve(folder, path);
}
