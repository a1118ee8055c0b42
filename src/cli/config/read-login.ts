import { LastgoodError } from '../../platform/errors.ts';
import type { ServerConfig } from './config-schema.ts';
import { readTextFile } from '../read-text-file.ts';
import { parseOptionFile } from './parse-option-file.ts';

/** Who to be on a server, and where an option file says it is. */
export interface Login {
  readonly user: string;
  readonly password: string;
  readonly host?: string;
  readonly port?: number;
  readonly socket?: string;
}

export interface LoginPlace {
  /** What messages begin with: file and section. */
  readonly where: string;
  /** Resolves a path of the configuration. */
  readonly path: (file: string) => string;
  /** False: nobody will log in, so nothing is read and nothing is missing. */
  readonly secrets: boolean;
}

const SECRET_KEYS = ['password_file', 'password_env', 'defaults_file'] as const;

/**
 * Takes user and password from where the configuration says. A password is never in the configuration itself.
 *
 * @throws LastgoodError `CONFIG_INVALID` when two sources are named, the user is missing or the variable is not set,
 *   `FILE_UNREADABLE`
 */
export async function readLogin(config: ServerConfig, place: LoginPlace): Promise<Login> {
  const named = SECRET_KEYS.filter((key) => config[key] !== undefined);
  if (named.length > 1) {
    throw new LastgoodError('CONFIG_INVALID', `${place.where} has ${named.join(' and ')}: keep one`);
  }
  if (!place.secrets) return { user: config.user ?? '', password: '' };
  const file: Partial<Login> =
    config.defaults_file === undefined ? {} : await readOptionFile(config.defaults_file, place);
  const user = config.user ?? file.user;
  if (user === undefined) throw new LastgoodError('CONFIG_INVALID', `${place.where}.user is missing`);
  return { ...file, user, password: await readPassword(config, file, place) };
}

async function readPassword(config: ServerConfig, file: Partial<Login>, place: LoginPlace): Promise<string> {
  if (config.password_file !== undefined) return withoutLineEnd(await readSecret(config.password_file, place));
  if (config.password_env === undefined) return file.password ?? '';
  const value = process.env[config.password_env];
  if (value !== undefined) return value;
  const message = `${place.where}.password_env names '${config.password_env}', which is not set`;
  throw new LastgoodError('CONFIG_INVALID', message, { hint: 'Set the variable, or use password_file.' });
}

async function readOptionFile(file: string, place: LoginPlace): Promise<Partial<Login>> {
  return parseOptionFile(await readSecret(file, place), place.where);
}

/** @throws LastgoodError `FILE_UNREADABLE` */
export async function readSecret(file: string, place: LoginPlace): Promise<string> {
  return await readTextFile(place.path(file), place.where);
}

/** Editors end a file with a line break that is not part of the password. */
function withoutLineEnd(text: string): string {
  return text.replace(/\r?\n$/, '');
}
