import type { PlanConflict, PlanSkip } from '../plan.ts';
import type { SkipTrace } from './skip-trace.ts';
import { nameOf } from './touch.ts';

/** What a person is told of one skip. */
export function verdictOf({ incident, conflicts, fails, differences }: SkipTrace): PlanSkip {
  const { id } = incident;
  const listed = conflicts.conflicts;
  const failing = listed.find(({ kind }) => kind === 'fails');
  if (fails && failing !== undefined) {
    return {
      incident: id,
      verdict: 'impossible',
      why: `the replay would fail ${placeOf(failing)}: ${inWords(failing)}`,
    };
  }
  const [first] = listed;
  if (first === undefined) return { incident: id, verdict: 'safe', why: safely(differences.map(nameOf)) };
  const others = listed.length - 1 + conflicts.unlisted;
  const more = others === 0 ? '' : `, and ${others} more`;
  return { incident: id, verdict: 'risky', why: `${placeOf(first)}, ${inWords(first)}${more}` };
}

function inWords({ object, why }: PlanConflict): string {
  return object === '' ? why : `${object} ${why}`;
}

function placeOf({ gtid, file, start }: PlanConflict): string {
  return gtid === null ? `at ${file}:${start}` : `at ${gtid}`;
}

function safely(names: readonly string[]): string {
  if (names.length === 0) return 'nothing differs in the end';
  const [first, ...others] = names;
  const more = others.length === 0 ? '' : ` and ${others.length} more`;
  return `nothing behind it can fail or do something else for ${first ?? ''}${more}`;
}
