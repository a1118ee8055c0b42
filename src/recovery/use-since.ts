import { GtidSet } from '../binlog/mysql-gtid.ts';
import { describeServer } from '../server/connection.ts';
import type { TargetFacts } from './preflight/target-facts.ts';
import type { Marker } from './restore-marker.ts';

/**
 * What shows that somebody uses an existing server since a restore was killed there, which left it as a replica of the archive on
 * loopback and nobody's primary; null where nothing does. Nobody is told to empty such a one. Pure.
 */
export function useSince(
  { note }: Marker,
  { variables, others, primaries, replicas }: Pick<TargetFacts, 'variables' | 'others' | 'primaries' | 'replicas'>,
): string | null {
  const known = others.find(({ isTarget }) => isTarget === true);
  if (known !== undefined) return `it is the ${describeServer(known.options)} now`;
  const primary = primaries.find((name) => !name.startsWith('127.0.0.1:'));
  if (primary !== undefined) return `it is a replica of ${primary} now`;
  if (replicas[0] !== undefined) return `${replicas[0]} reads its binary log, as a replica does`;
  const serverId = note?.run?.serverId;
  // What a restore does there is not logged, or under the ids of its source.
  const isWritten = (variables.get('gtid_binlog_state') ?? '')
    .split(',')
    .some((gtid) => gtid.split('-')[1] === String(serverId));
  if (isWritten) return 'somebody has written to the server since';
  const strange = strangeGtids({ note }, variables);
  return strange === '' ? null : `somebody has written to the server since: its gtid_executed has ${strange}`;
}

/** MySQL's, of no group that the restore brings; '' also where a server has no GTIDs, and does not tell. */
function strangeGtids({ note }: Pick<Marker, 'note'>, variables: TargetFacts['variables']): string {
  const executed = variables.get('gtid_executed') ?? '';
  if (executed === '') return '';
  const planned = note?.plan?.target.resolved.gtidState ?? null;
  if (planned === null) return '';
  const loaded = GtidSet.parse(note?.plan?.backup.primary.gtid ?? '');
  return GtidSet.parse(executed)
    .subtract(loaded.union(GtidSet.parse(planned)))
    .toString();
}
