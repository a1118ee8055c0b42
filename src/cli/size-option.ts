import { InvalidArgumentError } from 'commander';

const FACTORS: Readonly<Record<string, number>> = { '': 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3, T: 1024 ** 4 };

/** `512M`, `20G`, `1.5T`, or a number of bytes: powers of 1024, as the servers' own options count. */
export function parseSize(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?$/i.exec(text.trim());
  const bytes = Math.round(Number(match?.[1]) * (FACTORS[match?.[2]?.toUpperCase() ?? ''] ?? Number.NaN));
  if (match !== null && Number.isSafeInteger(bytes) && bytes > 0) return bytes;
  throw new InvalidArgumentError('It must be a size, for example 512M or 20G.');
}
