import { createRequire } from 'node:module';
import type * as Zstd from 'zstd-napi/binding.js';

const require = createRequire(import.meta.url);

let loaded: typeof Zstd | null = null;

/** The zstd library, loaded when it is first asked for: what never meets compressed bytes starts sooner. */
export function zstd(): typeof Zstd {
  loaded ??= require('zstd-napi/binding.js') as typeof Zstd;
  return loaded;
}
