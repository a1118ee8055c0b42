import { pino, type Logger as PinoLogger, type LevelWithSilent } from 'pino';
import pretty from 'pino-pretty';
import { visible } from './visible.ts';

export type Logger = PinoLogger;

export interface LoggerOptions {
  readonly level: LevelWithSilent;
  /** Lines for people instead of JSON. */
  readonly pretty: boolean;
  readonly color?: boolean;
}

const STDERR = 2;

/**
 * The log: JSON lines, or lines for people, on stderr. Synchronous, so that the last line before the process ends
 * is there. One is made at the start and handed on; rooms name themselves with `child({ component })`.
 */
export function createLogger({ level, pretty: forPeople, color = false }: LoggerOptions): Logger {
  const stderr = pino.destination({ dest: STDERR, sync: true });
  if (!forPeople) return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, stderr);
  const format = pretty.prettyFactory({ colorize: color, ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss' });
  return pino(
    { level, base: null },
    { write: (line: string) => stderr.write(visible(format(line), { colors: color })) },
  );
}
