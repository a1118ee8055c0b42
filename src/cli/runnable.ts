import { shellWord } from '../platform/shell-word.ts';

/** What this run was given, and a command that it tells of needs as well. */
export interface Given {
  readonly config?: string | undefined;
  /** The option file of an existing server, whose name only the command line knows. */
  readonly server?: string | undefined;
}

/** Where our own words stand in a result; all else is shown as it is, statements of the log first of all. */
const OUR_WORDS = new Set(['hint', 'fix', 'run', 'commands', 'warnings']);

/** A command: alone, after another one, or in backticks among words. These two have no configuration. */
const COMMAND = /(^|`|; )lastgood (?!scan\b|demo\b)(?=[a-z])/g;

/** Gives the commands in a text the options of this run, so that they run as they stand. */
export function runnable(text: string, { config, server }: Given): string {
  const configured =
    config === undefined
      ? text
      : text.replace(COMMAND, (_, before: string) => `${before}lastgood --config ${shellWord(config)} `);
  return server === undefined
    ? configured
    : configured.replace(/--server FILE\b/g, () => `--server ${shellWord(server)}`);
}

/** The same for all of our words in a result; everything else is left as it is. */
export function runnableWords<T>(result: T, given: Given): T {
  if (given.config === undefined) return result;
  return mapWords(result, (text) => runnable(text, given), false) as T;
}

function mapWords(value: unknown, map: (text: string) => string, isOurs: boolean): unknown {
  if (typeof value === 'string') return isOurs ? map(value) : value;
  if (Array.isArray(value)) return value.map((item) => mapWords(item, map, isOurs));
  if (value === null || typeof value !== 'object' || Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapWords(item, map, OUR_WORDS.has(key))]));
}

/** Read from the arguments themselves: an error may come before options are parsed. */
export function readGiven(argv: readonly string[]): Given {
  return { config: lastValue(argv, '--config'), server: lastValue(argv, '--server') };
}

function lastValue(argv: readonly string[], option: string): string | undefined {
  const end = argv.indexOf('--');
  const own = end === -1 ? argv : argv.slice(0, end);
  return own
    .flatMap((word, at) => {
      if (word.startsWith(`${option}=`)) return [word.slice(option.length + 1)];
      const value = own[at + 1];
      return word === option && value !== undefined ? [value] : [];
    })
    .at(-1);
}
