/**
 * Recovery: from what a user asks for to a restored and proven server.
 * Enters: a target, the archive and its catalog. Leaves: a plan, which is pure data, and what running it gave. Every cut
 * is a group boundary found in the archive's bytes; a time or an incident only helps to find it. Must not know argv or
 * printing.
 */
import { parseCoordinates, type Coordinates } from '../binlog/coordinates.ts';
import { LastgoodError } from '../platform/errors.ts';
import { parseGtid } from '../binlog/gtid-text.ts';
import type { Target } from './plan.ts';

/** The target options of a command, as text. Exactly one must be there. */
export interface TargetOptions {
  readonly beforeIncident?: string | undefined;
  readonly beforeGtid?: string | undefined;
  readonly afterGtid?: string | undefined;
  readonly beforeCoordinates?: string | undefined;
  readonly at?: string | undefined;
  readonly latest?: boolean | undefined;
}

/**
 * Reads a target; whether the archive can reach it is another question.
 *
 * @throws LastgoodError `USAGE` unless exactly one is given; `GTID_INVALID`, `COORDINATES_INVALID`, `TIME_INVALID`
 */
export function parseTarget(options: TargetOptions): Target {
  const given = parseAll(options);
  const [target] = given;
  if (target !== undefined && given.length === 1) return target;
  const problem =
    target === undefined ? 'no target is given' : `${given.length} targets are given, only one can be meant`;
  throw new LastgoodError('USAGE', problem, {
    hint: 'Give one of --before INCIDENT, --before-gtid, --after-gtid, --before-coordinates, --at or --latest.',
  });
}

function parseAll({ beforeIncident, beforeGtid, afterGtid, beforeCoordinates, at, latest }: TargetOptions): Target[] {
  const targets: Target[] = [];
  if (beforeIncident !== undefined) targets.push({ kind: 'before-incident', incident: beforeIncident });
  if (beforeGtid !== undefined) targets.push({ kind: 'before-gtid', gtid: checkedGtid(beforeGtid) });
  if (afterGtid !== undefined) targets.push({ kind: 'after-gtid', gtid: checkedGtid(afterGtid) });
  if (beforeCoordinates !== undefined) targets.push(beforeCoordinatesTarget(beforeCoordinates));
  if (at !== undefined) targets.push({ kind: 'at', time: checkedTime(at) });
  if (latest === true) targets.push({ kind: 'latest' });
  return targets;
}

function beforeCoordinatesTarget(coordinates: string): Target {
  parsePlace(coordinates);
  return { kind: 'before-coordinates', coordinates };
}

/**
 * Reads `binlog.000042:1537`, or `shop-1a2b/binlog.000042:1537` where several lineages have files of that name.
 *
 * @throws LastgoodError `COORDINATES_INVALID`
 */
export function parsePlace(text: string): Coordinates & { readonly lineage: string | null } {
  const slash = text.lastIndexOf('/');
  if (slash === 0) throw new LastgoodError('COORDINATES_INVALID', `cannot read coordinates '${text}'`);
  return { ...parseCoordinates(text.slice(slash + 1)), lineage: slash < 0 ? null : text.slice(0, slash) };
}

function checkedGtid(text: string): string {
  parseGtid(text);
  return text;
}

function checkedTime(text: string): string {
  parseTime(text);
  return text;
}

const RFC_3339 = /^(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)([Zz]|[+-]\d{2}:\d{2})$/;

/**
 * Reads a time that carries its zone. A time without one means another moment on every machine.
 *
 * @returns seconds since 1970, with their fraction
 * @throws LastgoodError `TIME_INVALID`
 */
export function parseTime(text: string): number {
  const [, date, clock, zone] = RFC_3339.exec(text.trim()) ?? [];
  if (date === undefined || clock === undefined || zone === undefined) {
    throw new LastgoodError('TIME_INVALID', `cannot read '${text}' as a time with its zone`);
  }
  // Date.parse turns 30 February into 2 March; the date must survive the round trip.
  const day = new Date(`${date}T00:00:00Z`);
  const seconds = Date.parse(`${date}T${clock}${zone.toUpperCase()}`) / 1000;
  if (Number.isNaN(day.getTime()) || !day.toISOString().startsWith(date) || Number.isNaN(seconds)) {
    throw new LastgoodError('TIME_INVALID', `there is no such time as '${text}'`);
  }
  return seconds;
}
