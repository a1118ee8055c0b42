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
  const isOver = whyNotOn(marker, facts) !== null;
  if (marker.note?.phase === 'proven') {
    const take = `To take it, run there: ${tellStatements(finishingStatements(marker, facts.flavor))}`;
    return new LastgoodError('TARGET_NOT_EMPTY', `the ${server} holds a proven restore that was not handed over`, {
      hint: isOver ? take : `${RESUME} proves it again and hands it over. ${take}`,
    });
  }
  const goOn = isOver ? '' : `${RESUME} goes on with it. `;
  return unfinished(server, { facts, marker, why: '', goOn });
}

/** For one that cannot be gone on with. @param why a clause */
export function cannotGoOn(
  { options }: ServerConnection,
  facts: TargetFacts,
  o: { marker: Marker; why: string },
): LastgoodError {
  return unfinished(describeServer(options), { ...o, facts, why: `, which cannot go on: ${o.why}`, goOn: '' });
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
