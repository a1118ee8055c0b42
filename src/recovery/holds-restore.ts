import { LastgoodError } from '../platform/errors.ts';
import { describeServer, type ServerConnection } from '../server/connection.ts';
import { asScript, emptyingStatements, finishingStatements, tellStatements } from './left-behind.ts';
import type { TargetFacts } from './preflight/target-facts.ts';
import type { Marker } from './restore-marker.ts';
import type { BorrowedSetting } from './restore-target.ts';
import { TARGET_WORDS } from './target-words.ts';
import { useSince } from './use-since.ts';
import { whyNotOn } from './why-not-on.ts';

const RESUME = '`lastgood restore --resume --server FILE`';

/** For an existing server that holds a restore which nobody finished, with what can be done about it. */
export function holdsRestore({ options }: ServerConnection, facts: TargetFacts, marker: Marker): LastgoodError {
  const server = describeServer(options);
  const used = useSince(marker, facts);
  const why = whyNotOn(marker, facts) ?? used;
  if (marker.note?.phase === 'proven') return proven(server, { facts, marker, why });
  return unfinished(server, { facts, marker, why: used, goOn: why === null ? `${RESUME} goes on with it. ` : '' });
}

/** For one that cannot be gone on with; what is proven can still be taken. @param o.why a clause */
export function cannotGoOn(
  { options }: ServerConnection,
  facts: TargetFacts,
  { marker, why }: { marker: Marker; why: string },
): LastgoodError {
  const server = describeServer(options);
  if (marker.note?.phase === 'proven') return proven(server, { facts, marker, why });
  return unfinished(server, { facts, marker, why, goOn: '' });
}

function proven(server: string, o: { facts: TargetFacts; marker: Marker; why: string | null }): LastgoodError {
  const { facts, marker, why } = o;
  const holds = `the ${server} holds a proven restore that was not handed over`;
  const [message, resume] =
    why === null
      ? [holds, `${RESUME} proves it again and hands it over. `]
      : [`${holds}, and cannot be proven again: ${why}`, ''];
  const { finish, tell } = finishing(marker, facts);
  return new LastgoodError('TARGET_NOT_EMPTY', message, {
    details: { phase: 'proven', finish },
    hint: `${resume}To take it as it is, run there: ${tell}`,
  });
}

function unfinished(
  server: string,
  o: { facts: TargetFacts; marker: Marker; why: string | null; goOn: string },
): LastgoodError {
  const { facts, marker, why, goOn } = o;
  const phase = marker.note?.phase ?? 'loading';
  const what = phase === 'failed' ? 'a restore that failed its proof' : `an interrupted restore (${phase})`;
  const message = `the ${server} holds ${what}${why === null ? '' : `, which cannot go on: ${why}`}`;
  if (useSince(marker, facts) !== null) return inUse(message, facts, marker);
  const applied = facts.variables.get(TARGET_WORDS[facts.flavor].appliedVariable) ?? '';
  const statements = emptyingStatements({ ...facts, marker, applied });
  return new LastgoodError('TARGET_NOT_EMPTY', message, {
    details: { phase, cleanup: asScript(statements) },
    hint: `${goOn}It was empty before. To empty it again, run there: ${tellStatements(statements)}`,
  });
}

/** Nobody is told how to empty what others live on. */
function inUse(message: string, facts: TargetFacts, marker: Marker): LastgoodError {
  const { finish, tell } = finishing(marker, facts);
  return new LastgoodError('TARGET_NOT_EMPTY', message, {
    details: { phase: marker.note?.phase ?? 'loading', finish },
    hint: `Somebody uses it: give another server. To keep what it holds, with its settings as they were, run there: ${tell}`,
  });
}

/** A replica takes no other number of appliers while it runs, and nobody is told to stop what others live on. */
function finishing(marker: Marker, { flavor, primaries }: TargetFacts): { finish: string; tell: string } {
  const waits = ({ name }: BorrowedSetting): boolean =>
    primaries.length > 0 && name === TARGET_WORDS[flavor].appliersVariable;
  const borrowed = marker.borrowed.filter((setting) => !waits(setting));
  const statements = finishingStatements({ ...marker, borrowed }, flavor);
  const later = marker.borrowed
    .filter(waits)
    .map(({ name, was }) => ` Once it does not replicate: SET GLOBAL ${name} = ${was};`);
  return { finish: asScript(statements), tell: `${tellStatements(statements)}${later.join('')}` };
}
