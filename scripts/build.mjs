/**
 * Makes dist/ from src/: one file for each command and thread, and what several need in pieces that they share. A program that
 * loads a few files starts sooner than one that loads hundreds.
 */
import { build } from 'esbuild';
import { copyFileSync, rmSync } from 'node:fs';

/** What is run by its name: the program, its threads, and what a test runs in its own process. */
const ENTRIES = [
  'src/cli/main.ts',
  'src/archive/pack-worker.ts',
  'src/operations/archive.ts',
  'src/operations/scan/scan-thread.ts',
  'src/operations/verify/reading-thread.ts',
];

rmSync('dist', { recursive: true, force: true });
await build({
  entryPoints: ENTRIES,
  outbase: 'src',
  outdir: 'dist',
  /** As deep as the rooms of src/: `new URL('../..', import.meta.url)` is the same from either. */
  chunkNames: 'chunks/[name]-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  sourcemap: true,
  plugins: [packagesStayPackages()],
  logLevel: 'warning',
});

// What of it is in dist/ is passed on with it, and so is its licence.
copyFileSync('node_modules/zod/LICENSE', 'dist/LICENSE.zod');

/** So that their updates reach whoever has installed us. Of zod we would load a file for each of 50 languages. */
function packagesStayPackages() {
  return {
    name: 'packages-stay-packages',
    setup({ onResolve }) {
      onResolve({ filter: /^[^.]/ }, ({ path, kind }) =>
        kind === 'entry-point' || path === 'zod' || path.startsWith('/') ? undefined : { path, external: true },
      );
    },
  };
}
