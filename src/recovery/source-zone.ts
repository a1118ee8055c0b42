import { findProgram, runTool } from '../platform/child-process.ts';
import type { ServerOptionValues } from './scratch-options.ts';

/** A time zone as a server tells of it: a name such as CET, and seconds east of UTC. */
export interface ZoneReading {
  readonly abbreviation: string;
  readonly offset: number;
}

/** How a restored server comes to mean by SYSTEM what the source meant. */
export interface SourceZone {
  /** For the restoring server's environment; null when this machine's zone will do. */
  readonly tz: string | null;
  /** The same for `default_time_zone`; null when this machine's zone will do, or the offset has seconds. */
  readonly fixed: string | null;
  /** What may be different in the result; null when nothing is. */
  readonly warning: string | null;
}

const SAME: SourceZone = { tz: null, fixed: null, warning: null };

/**
 * Compares the source's SYSTEM time zone with this machine's. A log has statements and DDL that convert times in the zone
 * SYSTEM, and a backup knows of it only an abbreviation and the offset of one moment: daylight saving is in neither.
 *
 * @param settings of the source: `time_zone`, `system_time_zone`, and `system_utc_offset` in seconds
 * @param machine readings of this machine's zone, summer and winter
 */
export function sourceZone(settings: ServerOptionValues, machine: readonly ZoneReading[]): SourceZone {
  const { system_time_zone: name, system_utc_offset: seconds, time_zone: zone = 'SYSTEM' } = settings;
  if (name === undefined || isThisMachines(name, seconds, machine)) return SAME;
  const isUtc = (name === 'UTC' || name === 'GMT') && (seconds === undefined || Number(seconds) === 0);
  if (isUtc) return { tz: 'UTC', fixed: '+00:00', warning: null };
  const warn = (text: string): string | null => (zone === 'SYSTEM' ? text : null);
  if (seconds === undefined) {
    return {
      ...SAME,
      warning: warn(
        `the source's time zone is ${name}, at an offset that its backup does not tell: restored in this machine's`,
      ),
    };
  }
  const offset = Number(seconds);
  const text = clock(offset, 'east');
  return {
    tz: `<${/^[A-Za-z0-9+-]{3,}$/.test(name) ? name : text.replace(/:.*/, '')}>${clock(offset, 'west')}`,
    fixed: offset % 60 === 0 ? text : null,
    warning: warn(
      `the source's time zone is ${name}, restored with the fixed offset ${text}: if it has daylight saving, statements that convert times of its other half year give other results`,
    ),
  };
}

/** This machine's zone in winter and in summer, as the C library and so a server names it. */
export async function readMachineZone(now: Date): Promise<ZoneReading[]> {
  const program = findProgram(['date']);
  const readings = [0, 6].map(async (month) => {
    const seconds = Date.UTC(now.getUTCFullYear(), month, 15) / 1000;
    const { stdout } = await runTool({ program, args: ['-d', `@${seconds}`, '+%Z %z'] });
    const [, abbreviation = '', sign = '+', hours, minutes] = /^(\S+) ([+-])(\d\d)(\d\d)/.exec(stdout) ?? [];
    return { abbreviation, offset: (sign === '-' ? -1 : 1) * (Number(hours) * 3600 + Number(minutes) * 60) };
  });
  return await Promise.all(readings);
}

/** The abbreviation may be of the server's start, the offset of the backup's half year: each has to be one of ours. */
function isThisMachines(name: string, seconds: string | undefined, machine: readonly ZoneReading[]): boolean {
  const hasName = machine.some(({ abbreviation }) => abbreviation === name);
  return hasName && (seconds === undefined || machine.some(({ offset }) => offset === Number(seconds)));
}

/** `+09:00` east of Greenwich; POSIX counts to the west and signs the other way: `-09:00`. Source: POSIX, TZ. */
function clock(offset: number, direction: 'east' | 'west'): string {
  const absolute = Math.abs(offset);
  const parts = [Math.floor(absolute / 3600), Math.floor(absolute / 60) % 60, absolute % 60];
  const shown = parts[2] === 0 ? parts.slice(0, 2) : parts;
  const sign = offset < 0 === (direction === 'east') ? '-' : '+';
  return sign + shown.map((part) => String(part).padStart(2, '0')).join(':');
}
