import type { Command } from 'commander';
import { parseTarget } from '../recovery/target.ts';
import type { Plan, Target } from '../recovery/plan.ts';

/** The target options as commander hands them over. */
export interface TargetFlags {
  readonly before?: string;
  readonly beforeGtid?: string;
  readonly afterGtid?: string;
  readonly beforeCoordinates?: string;
  readonly at?: string;
  readonly latest?: boolean;
  readonly skip?: readonly string[];
}

/** What a plan is made for. */
export interface Aim {
  readonly target: Target;
  /** Ids of incidents to leave out. */
  readonly skip: readonly string[];
  /** Id of the only backup that will do. */
  readonly backup?: string;
}

/** Adds the options that name a target: exactly one of them must be given. */
export function addTargetOptions(command: Command): Command {
  return command
    .option('--before <incident>', 'TARGET: just before this incident (an id from `lastgood incidents`)')
    .option('--before-gtid <gtid>', 'TARGET: just before this transaction')
    .option('--after-gtid <gtid>', 'TARGET: up to and with this transaction')
    .option(
      '--before-coordinates <file:pos>',
      'TARGET: just before this place, which is none inside a transaction; LINEAGE/FILE:POS where several lineages have the file',
    )
    .option('--at <time>', 'TARGET: what was committed by this time, which must carry its zone')
    .option('--latest', 'TARGET: everything in the archive')
    .option(
      '--skip <incident>',
      'leave this incident out although it is before the target; may be given again',
      (id: string, before: readonly string[] | undefined) => [...(before ?? []), id],
    );
}

/**
 * The same way as a finished restore's, only longer: what that left out stays left out. A target that it left out itself is
 * behind it, which is told as such.
 */
export function furtherThan(done: Pick<Plan, 'skipped' | 'backup'>, { target, skip }: Aim): Aim {
  const skipped = done.skipped
    .map(({ id }) => id)
    .filter((id) => target.kind !== 'before-incident' || target.incident !== id);
  return { target, skip: [...new Set([...skipped, ...skip])], backup: done.backup.id };
}

/** The target, and what to leave out. @throws as `readTarget` */
export function readAim(flags: TargetFlags): Aim {
  return { target: readTarget(flags), skip: flags.skip ?? [] };
}

/** @throws LastgoodError `USAGE` unless exactly one target is given, and what a malformed one deserves */
export function readTarget(flags: TargetFlags): Target {
  const { before, beforeGtid, afterGtid, beforeCoordinates, at, latest } = flags;
  return parseTarget({ beforeIncident: before, beforeGtid, afterGtid, beforeCoordinates, at, latest });
}

/** True when at least one target option was given. */
export function hasTarget({ before, beforeGtid, afterGtid, beforeCoordinates, at, latest }: TargetFlags): boolean {
  return [before, beforeGtid, afterGtid, beforeCoordinates, at, latest].some((flag) => flag !== undefined);
}
