import { LastgoodError } from '../platform/errors.ts';
import { describeServer, type ServerConnection } from '../server/connection.ts';
import { asScript, emptyingStatements, finishingStatements, tellStatements } from './left-behind.ts';
import type { TargetFacts } from './preflight/target-facts.ts';
import type { Marker } from './restore-marker.ts';
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
  const statements = finishingStatements(marker, facts.flavor);
  return new LastgoodError('TARGET_NOT_EMPTY', message, {
    details: { phase: 'proven', finish: asScript(statements) },
    hint: `${resume}To take it as it is, run there: ${tellStatements(statements)}`,
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
  if (useSince(marker, facts) !== null) return inUse(message, phase, finishingStatements(marker, facts.flavor));
  const applied = facts.variables.get(TARGET_WORDS[facts.flavor].appliedVariable) ?? '';
  const statements = emptyingStatements({ ...facts, marker, applied });
  return new LastgoodError('TARGET_NOT_EMPTY', message, {
    details: { phase, cleanup: asScript(statements) },
    hint: `${goOn}It was empty before. To empty it again, run there: ${tellStatements(statements)}`,
  });
}

/** Nobody is told how to empty what others live on. */
function inUse(message: string, phase: string, statements: readonly string[]): LastgoodError {
  return new LastgoodError('TARGET_NOT_EMPTY', message, {
    details: { phase, finish: asScript(statements) },
    hint: `Somebody uses it: give another server. To keep what it holds, with its settings as they were, run there: ${tellStatements(statements)}`,
  });
}
