import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ServerOptions } from './server-options.ts';

/** An option file; it is gone when it is disposed of. */
export interface OptionFile extends AsyncDisposable {
  /** For `--defaults-file=`, which has to be a tool's first argument. */
  readonly path: string;
}

/**
 * Writes a `[client]` option file, mode 0600, so that no password is ever among a tool's arguments.
 *
 * @param folder a private folder that a later run cleans up should this process be killed
 */
export async function writeOptionFile(options: ServerOptions, folder: string): Promise<OptionFile> {
  const path = join(folder, 'client.cnf');
  await writeFile(path, optionFileText(options), { mode: 0o600 });
  return { path, [Symbol.asyncDispose]: () => rm(path, { force: true }) };
}

/** The option file's content. Source: MariaDB manual, "Configuring MariaDB with Option Files". */
export function optionFileText(options: ServerOptions): string {
  const { socket, host = '127.0.0.1', port = 3306, user, password } = options;
  const reach = socket === undefined ? { host, port: String(port), protocol: 'tcp' } : { socket };
  const values = { ...reach, user, password, ...tlsValues(options) };
  return optionGroup('client', Object.entries(values));
}

/** A group of an option file; an option may come again and again. */
export function optionGroup(name: string, options: readonly (readonly [string, string])[]): string {
  return [`[${name}]`, ...options.map(([key, value]) => `${key}=${quote(value)}`), ''].join('\n');
}

function tlsValues({ tls, socket, ca, cert, key }: ServerOptions): Record<string, string> {
  if (tls === 'off' || (tls === 'preferred' && socket !== undefined)) return { 'loose-ssl': '0' };
  return {
    'loose-ssl': '1',
    'loose-ssl-verify-server-cert': ca === undefined ? '0' : '1',
    ...(ca === undefined ? {} : { 'ssl-ca': ca }),
    ...(cert === undefined ? {} : { 'ssl-cert': cert }),
    ...(key === undefined ? {} : { 'ssl-key': key }),
  };
}

/** Inside double quotes a backslash begins an escape. */
function quote(value: string): string {
  return `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
}
