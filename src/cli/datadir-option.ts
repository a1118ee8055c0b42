import { InvalidArgumentError } from 'commander';

/** An empty path would mean the current folder: a script's unset variable, never a wish. */
export function parseDatadir(text: string): string {
  if (text.trim() !== '') return text;
  throw new InvalidArgumentError('It must name a folder.');
}
