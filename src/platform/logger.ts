import { createRequire } from 'node:module';
import type { Logger as PinoLogger, LevelWithSilent, LoggerOptions as PinoOptions, pino as Pino } from 'pino';
import type Pretty from 'pino-pretty';
import { visible } from './visible.ts';

export type Logger = PinoLogger;

type LogMethod = NonNullable<NonNullable<PinoOptions['hooks']>['logMethod']>;

export interface LoggerOptions {
  readonly level: LevelWithSilent;
  /** Lines for people instead of JSON. */
  readonly pretty: boolean;
  readonly color?: boolean;
  /** Applied to our own words, messages and the fields `hint` and `why`, before they are written. */
  readonly words?: ((text: string) => string) | undefined;
}

const STDERR = 2;

/** Loads what only those pay for who write a log, or one for people. */
const load = createRequire(import.meta.url);

/**
 * The log: JSON lines, or lines for people, on stderr. Synchronous, so that the last line before the process ends
 * is there. One is made at the start and handed on; rooms name themselves with `child({ component })`.
 */
export function createLogger({ level, pretty: forPeople, color = false, words }: LoggerOptions): Logger {
  const { pino } = load('pino') as { pino: typeof Pino };
  const stderr = pino.destination({ dest: STDERR, sync: true });
  const base = { level, base: null, ...(words !== undefined && { hooks: { logMethod: rewording(words) } }) };
  if (!forPeople) return pino({ ...base, timestamp: pino.stdTimeFunctions.isoTime }, stderr);
  const pretty = load('pino-pretty') as typeof Pretty;
  const format = pretty.prettyFactory({ colorize: color, ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss' });
  return pino(base, { write: (line: string) => stderr.write(visible(format(line), { colors: color })) });
}

/** What else stands in a line is of servers and files, and stays as it is. */
const OUR_FIELDS = ['hint', 'why'];

function rewording(words: (text: string) => string): LogMethod {
  const field = (name: string, value: unknown): unknown =>
    OUR_FIELDS.includes(name) && typeof value === 'string' ? words(value) : value;
  const reword = (part: unknown): unknown => {
    if (typeof part === 'string') return words(part);
    if (part === null || typeof part !== 'object' || part instanceof Error) return part;
    return Object.fromEntries(Object.entries(part).map(([name, value]) => [name, field(name, value)]));
  };
  return function (parts, method) {
    Reflect.apply(method, this, parts.map(reword));
  };
}
