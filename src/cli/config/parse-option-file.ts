import { LastgoodError } from '../../platform/errors.ts';
import type { Login } from './read-login.ts';

/** Source: MySQL 8.4 manual, "Using Option Files", escape sequences in option values. */
const ESCAPES: Readonly<Record<string, string>> = { b: '\b', t: '\t', n: '\n', r: '\r', s: ' ', '\\': '\\' };

/**
 * Reads user, password, host, port and socket from the [client] group of a server option file (my.cnf). Later lines
 * win, as they do for the servers' own programs; `!include` lines are not followed.
 *
 * @throws LastgoodError `CONFIG_INVALID` for a port that is no number
 */
export function parseOptionFile(text: string, where: string): Partial<Login> {
  const { user, password, host, port, socket } = clientOptions(text);
  if (port !== undefined && !/^\d+$/.test(port)) {
    throw new LastgoodError('CONFIG_INVALID', `${where}.defaults_file has port '${port}'`);
  }
  return {
    ...(user === undefined ? {} : { user }),
    ...(password === undefined ? {} : { password }),
    ...(host === undefined ? {} : { host }),
    ...(port === undefined ? {} : { port: Number(port) }),
    ...(socket === undefined ? {} : { socket }),
  };
}

function clientOptions(text: string): Partial<Record<string, string>> {
  const options: Partial<Record<string, string>> = {};
  let group = '';
  for (const line of text.split(/\r?\n/)) {
    const header = /^\s*\[([^\]]+)\]/.exec(line);
    if (header?.[1] !== undefined) group = header[1].trim();
    const option = /^\s*([a-z][a-z0-9_-]*)\s*=\s*(.*?)\s*$/i.exec(line);
    if (group === 'client' && option?.[1] !== undefined) options[option[1]] = parseValue(option[2] ?? '');
  }
  return options;
}

/** Quotes keep blanks and `#`; without them a `#` begins a comment. */
function parseValue(raw: string): string {
  const quoted = /^(['"])(.*)\1(?:\s*#.*)?$/.exec(raw);
  const value = quoted?.[2] ?? raw.replace(/\s*#.*$/, '');
  return value.replaceAll(/\\([btnrs\\])/g, (_, letter: string) => ESCAPES[letter] ?? letter);
}
