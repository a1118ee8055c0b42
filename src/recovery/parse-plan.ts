import { z } from 'zod';
import { LastgoodError } from '../platform/errors.ts';
import { parseJson } from '../platform/parse-json.ts';
import { fingerprintOf } from './check-plan.ts';
import type { Plan } from './plan.ts';

const text = z.string();
const bytes = z.int().nonnegative();
const texts = z.array(text);

const segment = z.looseObject({ lineage: text, file: text, from: bytes, to: bytes, bytes });

/** What a restore reads of a plan. Other fields may be there: versions only add some. */
const schema = z.looseObject({
  target: z.looseObject({
    kind: text,
    resolved: z.looseObject({
      ...{ lineage: text, file: text, position: bytes, between: text },
      ...{ gtid: text.nullable(), time: text.nullable(), gtidState: text.nullable() },
    }),
  }),
  backup: z.looseObject({
    ...{ id: text, bytes, flavor: z.enum(['mysql', 'mariadb']), serverVersion: text, finishedAt: text },
    files: z.array(z.looseObject({ name: text, bytes, sha256: text })),
    primary: z.looseObject({
      coordinates: text,
      serverId: z.number(),
      lineage: text.nullable(),
      gtid: text.nullable(),
    }),
    settings: z.record(text, text),
  }),
  segments: z.array(segment),
  crossings: z.array(z.looseObject({ from: text, to: text, gtidState: text, stranded: bytes })),
  skipped: z.array(z.looseObject({ id: text, file: text, start: bytes, end: bytes })),
  skippedSegments: z.array(segment),
  skips: z.array(z.looseObject({ incident: text, verdict: z.enum(['safe', 'risky', 'impossible']), why: text })),
  ...{ groups: bytes, bytes, diskBytes: bytes, warnings: texts },
  conflicts: z.array(z.looseObject({ skipped: text, gtid: text.nullable(), object: text, why: text })),
  reachable: z.boolean(),
  reliesOn: z.looseObject({
    backup: text,
    files: z.array(
      z.looseObject({ lineage: text, file: text, to: bytes, sha256: text.nullable(), openedAt: z.number() }),
    ),
  }),
  fingerprint: text,
});

/**
 * Reads a plan that `lastgood plan --json` printed; whether the archive still has what it relies on is for `checkPlan`.
 *
 * @param name of the file, for messages
 * @throws LastgoodError `PLAN_INVALID` for what is no plan, or was changed since it was made
 */
export function parsePlan(json: string, name: string): Plan {
  const raw = readJson(json, name);
  const { error } = schema.safeParse(raw);
  const [issue] = error?.issues ?? [];
  if (issue !== undefined) {
    const where = issue.path.join('.');
    throw invalid(name, where === '' ? 'it holds no plan' : `it has no plan's ${where}`);
  }
  // The schema was met; the text itself is kept, because the order of its fields is in the fingerprint.
  const plan = raw as Plan;
  if (fingerprintOf(plan) === plan.fingerprint) return plan;
  throw invalid(name, 'it was changed after the plan was made');
}

function readJson(json: string, name: string): unknown {
  try {
    return parseJson(json);
  } catch (cause) {
    throw invalid(name, cause instanceof Error ? cause.message : String(cause));
  }
}

function invalid(name: string, why: string): LastgoodError {
  return new LastgoodError('PLAN_INVALID', `'${name}' cannot be run as a plan: ${why}`, { details: { path: name } });
}
