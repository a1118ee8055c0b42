import { InvalidArgumentError } from 'commander';

/** From how many changed rows on something is an incident: `--mass-rows`. */
export function parseMassRows(text: string): number {
  const rows = Number(text);
  if (/^\d+$/.test(text) && rows >= 1 && Number.isSafeInteger(rows)) return rows;
  throw new InvalidArgumentError('It must be a number of rows, 1 or more.');
}
