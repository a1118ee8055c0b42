import { createRequire } from 'node:module';
import type { Logger as PinoLogger, LevelWithSilent, pino as Pino } from 'pino';
import type Pretty from 'pino-pretty';
import { visible } from './visible.ts';

export type Logger = PinoLogger;

export interface LoggerOptions {
  readonly level: LevelWithSilent;
  /** Lines for people instead of JSON. */
  readonly pretty: boolean;
  readonly color?: boolean;
}

const STDERR = 2;

/** Loads what only those pay for who write a log, or one for people. */
const load = createRequire(import.meta.url);

/**
 * The log: JSON lines, or lines for people, on stderr. Synchronous, so that the last line before the process ends
 * is there. One is made at the start and handed on; rooms name themselves with `child({ component })`.
 */
export function createLogger({ level, pretty: forPeople, color = false }: LoggerOptions): Logger {
  const { pino } = load('pino') as { pino: typeof Pino };
  const stderr = pino.destination({ dest: STDERR, sync: true });
  if (!forPeople) return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, stderr);
  const pretty = load('pino-pretty') as typeof Pretty;
  const format = pretty.prettyFactory({ colorize: color, ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss' });
  return pino(
    { level, base: null },
    { write: (line: string) => stderr.write(visible(format(line), { colors: color })) },
  );
}
