/** To be pasted into a shell as it stands, whatever people call their tables. */
export function shellWord(name: string): string {
  return /^[\w./:@%+=-]+$/.test(name) ? name : `'${name.replaceAll("'", `'\\''`)}'`;
}
