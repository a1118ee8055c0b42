/** Numbers inside findings, which are sentences of their own; lists and tables are formatted by the command line. */

const UNITS = [
  [86_400, 'd'],
  [3600, 'h'],
  [60, 'min'],
  [1, 's'],
] as const;

/** `90 s`, `25 min`, `36 h`, `7 d`: one unit, of which there are two or more. */
export function spellSeconds(seconds: number): string {
  const [size, unit] = UNITS.find(([unitSize]) => seconds >= unitSize * 2) ?? [1, 's'];
  return `${Math.floor(seconds / size)} ${unit}`;
}

const BYTE_UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** `512 bytes`, `1.5 GiB`. */
export function spellBytes(bytes: number): string {
  const power = bytes < 1024 ? 0 : Math.min(Math.floor(Math.log2(bytes) / 10), BYTE_UNITS.length - 1);
  const value = bytes / 1024 ** power;
  return `${power === 0 ? value : Number(value.toFixed(1))} ${BYTE_UNITS[power] ?? ''}`;
}
