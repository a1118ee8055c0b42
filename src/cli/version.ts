import { readFileSync } from 'node:fs';

/** This program's version, from its package.json: two folders up in src/ and in dist/, whose pieces are as deep. */
export function version(): string {
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  return manifest.version;
}
