import { z } from 'zod';
import { LastgoodError } from '../../platform/errors.ts';
import { nearestWord } from '../../platform/nearest-word.ts';
import { CONFIG_KEYS, configSchema, PLANNED_KEYS, RULE_KEYS, type Config } from './config-schema.ts';

/**
 * Checks the whole configuration at once.
 *
 * @throws LastgoodError `CONFIG_INVALID` naming every wrong key, not only the first
 */
export function checkConfig(path: string, raw: unknown): Config {
  const checked = configSchema.safeParse(raw, { reportInput: true });
  if (checked.success) return checked.data;
  const problems = checked.error.issues.flatMap(describe);
  throw new LastgoodError('CONFIG_INVALID', `${path}: ${problems.join('; ')}`, { details: { path } });
}

/** What the configuration asks for and this version does not do: one sentence a key. */
export function plannedNotes(config: Config): string[] {
  const sections = Object.entries(config).map(([name, keys]) => [name, Object.entries(keys ?? {})] as const);
  const set = sections.flatMap(([name, keys]) =>
    keys.filter(([, value]) => value !== undefined).map(([key]) => `${name}.${key}`),
  );
  return set.flatMap((key) => {
    const instead = PLANNED_KEYS[key];
    return instead === undefined ? [] : [`${key} has no effect in this version: ${instead}`];
  });
}

function describe(issue: z.core.$ZodIssue): string[] {
  const key = issue.path.join('.');
  if (issue.code === 'unrecognized_keys') return issue.keys.map((unknown) => describeUnknown(issue.path, unknown));
  if (issue.code === 'invalid_type' && issue.expected !== 'never' && issue.input === undefined)
    return [`${key} is missing`];
  return [`${key} ${lowerFirst(issue.message)}`];
}

function describeUnknown(section: readonly PropertyKey[], unknown: string): string {
  const prefix = section.map((part) => `${String(part)}.`).join('');
  const known = knownKeys(section);
  const nearest = nearestWord(unknown, known);
  const name = `unknown ${section.length === 0 ? 'section or key' : 'key'} '${prefix}${unknown}'`;
  return nearest === undefined ? name : `${name}, did you mean '${prefix}${nearest}'?`;
}

function knownKeys(section: readonly PropertyKey[]): readonly string[] {
  if (section.length === 0) return Object.keys(CONFIG_KEYS);
  return section.length > 1 ? RULE_KEYS : (CONFIG_KEYS[String(section[0])] ?? []);
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
