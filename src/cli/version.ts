import { readFileSync } from 'node:fs';

/** This program's version, from its package.json: the same place when run from src/ and from dist/. */
export function version(): string {
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  return manifest.version;
}
