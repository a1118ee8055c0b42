/**
 * What of a plan is enough for some schemas: which of the backup's schemas to load, and which groups to leave out. The plan that
 * it goes with counts only what is left.
 */
export interface Narrowing {
  /** In lower case. */
  readonly schemas: ReadonlySet<string>;
  /** By `fileKey`: starts and ends of what is left out between a part's ends, in turns, in bytes, in order. */
  readonly leftOut: ReadonlyMap<string, Float64Array>;
}

/** Names an archived file, for `Narrowing.leftOut`. */
export function fileKey({ lineage, file }: { readonly lineage: string; readonly file: string }): string {
  return `${lineage}/${file}`;
}
