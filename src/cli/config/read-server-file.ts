import { dirname, resolve } from 'node:path';
import { SETTINGS_DEFAULTS } from '../../operations/settings.ts';
import { LastgoodError } from '../../platform/errors.ts';
import type { ServerOptions } from '../../server/server-options.ts';
import { readTextFile } from '../read-text-file.ts';
import { parseOptionFile } from './parse-option-file.ts';
import type { Login } from './read-login.ts';

/**
 * Reads how to reach a server that a command is pointed at: the [client] group of an option file (my.cnf).
 *
 * @param flag the command's option that named the file, for messages
 * @param name what messages call the server
 * @throws LastgoodError `FILE_UNREADABLE`, `CONFIG_INVALID` when it says neither who to be nor where the server is
 */
export async function readServerFile(
  file: string,
  { flag, name }: { flag: string; name: string },
): Promise<ServerOptions> {
  const path = resolve(file);
  const login = parseOptionFile(await readTextFile(path, flag), `${flag} '${path}'`);
  if (login.user === undefined) throw invalid(flag, `${path} has no user in [client]`);
  return {
    name,
    ...addressOf(login, { path, flag }),
    user: login.user,
    password: login.password ?? '',
    tls: SETTINGS_DEFAULTS.tls,
    optionFile: path,
  };
}

/** As the servers' own programs: a socket wins unless a host is named that is not this machine. */
function addressOf(
  { host, port, socket }: Partial<Login>,
  { path, flag }: { path: string; flag: string },
): Pick<ServerOptions, 'host' | 'port' | 'socket'> {
  if (socket !== undefined && (host === undefined || host === 'localhost')) {
    return { socket: resolve(dirname(path), socket) };
  }
  if (host === undefined && port === undefined) throw invalid(flag, `${path} has neither host nor socket in [client]`);
  return { host: host ?? '127.0.0.1', port: port ?? SETTINGS_DEFAULTS.port };
}

function invalid(flag: string, what: string): LastgoodError {
  return new LastgoodError('CONFIG_INVALID', `${flag}: ${what}`, {
    hint: 'Write an option file with user, password and host or socket under [client], mode 0600.',
  });
}
