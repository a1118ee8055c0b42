import { InvalidArgumentError } from 'commander';

/** Reads a whole number of an option. @param expected what it must be, a sentence for who typed something else */
export function wholeNumber(range: { min: number; max?: number }, expected: string): (text: string) => number {
  const { min, max = Number.MAX_SAFE_INTEGER } = range;
  return (text) => {
    const number = Number(text);
    if (/^\d+$/.test(text) && number >= min && number <= max) return number;
    throw new InvalidArgumentError(expected);
  };
}
