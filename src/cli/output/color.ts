import { styleText } from 'node:util';

export type Color = 'red' | 'green' | 'yellow' | 'bold' | 'dim';

/** Colour only on a terminal, and not when asked to leave it. Source: https://no-color.org */
export function colorFor(stream: { readonly isTTY?: boolean }, wanted = !process.argv.includes('--no-color')): boolean {
  return wanted && stream.isTTY === true && (process.env['NO_COLOR'] ?? '') === '';
}

/** The text in colour, or as it is. */
export function paint(color: Color, text: string, enabled: boolean): string {
  return enabled ? styleText(color, text) : text;
}
