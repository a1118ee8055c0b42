import type { TargetFacts } from './preflight/target-facts.ts';
import type { Marker } from './restore-marker.ts';
import { NOT_LOADED } from './why-anew.ts';

/**
 * Why a restore that was killed on an existing server cannot go on, as far as its marker and the server's settings tell; null when
 * the server has to be looked at. Pure.
 */
export function whyNotOn(
  { note }: Marker,
  { flavor, variables }: Pick<TargetFacts, 'flavor' | 'variables'>,
): string | null {
  if (note === null || note.phase === 'loading') return NOT_LOADED;
  const { run, plan, phase } = note;
  if (run === null || plan === null) return 'an earlier version began it, and did not keep its plan';
  if (phase === 'failed') return 'its proof failed';
  if (flavor === 'mysql' && run.engine === 'applier' && variables.get('gtid_mode') !== 'ON')
    return 'the applier of MySQL without GTIDs does not tell its place in the log exactly enough';
  // Ours, chosen at random: any start of the server makes it what it was.
  if (Number(variables.get('server_id')) !== run.serverId)
    return 'the server was started anew since, or its settings were put back: it does not survive that until it is handed over';
  return null;
}
