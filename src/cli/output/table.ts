import { stripVTControlCharacters } from 'node:util';
import { oneLine } from '../../platform/visible.ts';

export interface Column {
  readonly title: string;
  /** Numbers stand right, so that their digits line up. */
  readonly align?: 'left' | 'right';
}

const GAP = '  ';

/** Rows under their titles, each column as wide as its widest cell. Colours in cells do not count as width. */
export function formatTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const lines = [columns.map(({ title }) => title.toUpperCase()), ...rows.map((row) => row.map(oneLine))];
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => width(line[index] ?? ''))));
  return lines
    .map((line) => columns.map((column, index) => pad(line[index] ?? '', widths[index] ?? 0, column.align)))
    .map((cells) => cells.join(GAP).trimEnd())
    .join('\n');
}

function pad(cell: string, to: number, align: Column['align']): string {
  const blanks = ' '.repeat(Math.max(0, to - width(cell)));
  return align === 'right' ? blanks + cell : cell + blanks;
}

function width(cell: string): number {
  return stripVTControlCharacters(cell).length;
}

/** `name   value` lines under one another, for the facts of one thing; a value's further lines stand under its first. */
export function formatFacts(facts: readonly (readonly [name: string, value: string])[]): string {
  const widest = Math.max(...facts.map(([name]) => name.length));
  const below = `\n${' '.repeat(widest)}${GAP}`;
  return facts.map(([name, value]) => `${name.padEnd(widest)}${GAP}${value.replaceAll('\n', below)}`).join('\n');
}
