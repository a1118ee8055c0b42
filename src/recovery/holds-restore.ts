import { LastgoodError } from '../platform/errors.ts';
import { describeServer, type ServerConnection } from '../server/connection.ts';
import { emptyingStatements, finishingStatements, tellStatements } from './left-behind.ts';
import type { TargetFacts } from './preflight/target-facts.ts';
import type { Marker } from './restore-marker.ts';
import { TARGET_WORDS } from './target-words.ts';
import { whyNotOn } from './why-not-on.ts';

const RESUME = '`lastgood restore --resume --server FILE`';

/** For an existing server that holds a restore which nobody finished, with what can be done about it. */
export function holdsRestore({ options }: ServerConnection, facts: TargetFacts, marker: Marker): LastgoodError {
  const server = describeServer(options);
  const goesOn = whyNotOn(marker, facts) === null;
  if (marker.note?.phase === 'proven') return proven(server, { facts, marker, goesOn });
  return unfinished(server, { facts, marker, why: '', goOn: goesOn ? `${RESUME} goes on with it. ` : '' });
}

/** For one that cannot be gone on with; what is proven can still be taken. @param o.why a clause */
export function cannotGoOn(
  { options }: ServerConnection,
  facts: TargetFacts,
  { marker, why }: { marker: Marker; why: string },
): LastgoodError {
  const server = describeServer(options);
  if (marker.note?.phase === 'proven') return proven(server, { facts, marker, goesOn: false });
  return unfinished(server, { facts, marker, why: `, which cannot go on: ${why}`, goOn: '' });
}

function proven(server: string, o: { facts: TargetFacts; marker: Marker; goesOn: boolean }): LastgoodError {
  const resume = o.goesOn ? `${RESUME} proves it again and hands it over. ` : '';
  const statements = finishingStatements(o.marker, o.facts.flavor);
  return new LastgoodError('TARGET_NOT_EMPTY', `the ${server} holds a proven restore that was not handed over`, {
    hint: `${resume}To take it, run there: ${tellStatements(statements)}`,
  });
}

function unfinished(
  server: string,
  o: { facts: TargetFacts; marker: Marker; why: string; goOn: string },
): LastgoodError {
  const { facts, marker, why, goOn } = o;
  const phase = marker.note?.phase ?? 'loading';
  const what = phase === 'failed' ? 'a restore that failed its proof' : `an interrupted restore (${phase})`;
  const applied = facts.variables.get(TARGET_WORDS[facts.flavor].appliedVariable) ?? '';
  const statements = emptyingStatements({ ...facts, marker, applied });
  return new LastgoodError('TARGET_NOT_EMPTY', `the ${server} holds ${what}${why}`, {
    details: { phase, cleanup: statements.map((statement) => `${statement};`).join('\n') },
    hint: `${goOn}It was empty before. To empty it again, run there: ${tellStatements(statements)}`,
  });
}
