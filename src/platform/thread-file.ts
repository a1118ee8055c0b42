/**
 * The file of a worker thread, by its place among the rooms: `archive/pack-worker`. Beside the others, TypeScript or built as
 * this one is: what is built stands one folder below dist/, as this file stands below src/.
 */
export function threadFile(name: string): URL {
  const extension = /\.\w+$/.exec(import.meta.url)?.[0] ?? '.js';
  return new URL(`../${name}${extension}`, import.meta.url);
}
