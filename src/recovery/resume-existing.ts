/**
 * Goes on with a restore into an existing server whose maker was killed: as long as that server ran through, it stands exactly
 * where its applier says. Enters: the server. Leaves: what `runPlan` leaves. Every other one is told how to be emptied.
 */
import { LastgoodError } from '../platform/errors.ts';
import { describeServer, type ServerConnection } from '../server/connection.ts';
import type { ServerOptions } from '../server/server-options.ts';
import { detach, readApplier } from './applier.ts';
import { checkPlan } from './check-plan.ts';
import { cannotGoOn } from './holds-restore.ts';
import { openKeeper } from './keeper.ts';
import { waitForLeftSessions } from './left-sessions.ts';
import { parsePlan } from './parse-plan.ts';
import { placeOf } from './place-of.ts';
import type { Plan } from './plan.ts';
import { requirePrivileges } from './preflight/require-privileges.ts';
import { readTargetFacts, type TargetFacts } from './preflight/target-facts.ts';
import { refuseSkips } from './refuse-skips.ts';
import { MARKER_TABLE, readMarker, type Marker } from './restore-marker.ts';
import type { RestoreRun } from './restore-note.ts';
import type { PhaseOptions } from './restore-phases.ts';
import { firstNote, runPhases, StopWatch } from './run-phases.ts';
import type { ResumedPlan } from './resume.ts';
import { takeOver } from './take-over.ts';
import { TARGET_WORDS } from './target-words.ts';
import { useSince } from './use-since.ts';
import { whyUncertain } from './why-anew.ts';
import { whyNotOn } from './why-not-on.ts';

/** An existing server with a restore that can go on, which nobody else works on until this is disposed of. */
export interface HeldServer extends AsyncDisposable {
  readonly plan: Plan;
  readonly run: RestoreRun;
  readonly server: ServerOptions;
  readonly keeper: ServerConnection;
  readonly marker: Marker;
  readonly facts: TargetFacts;
}

/**
 * Takes an existing server that a killed restore has left. Changes nothing.
 *
 * @throws LastgoodError `NOTHING_TO_RESUME`, `TARGET_NOT_EMPTY` with the reason and the statements that empty it where it cannot go
 *   on, `LOCKED` while something is at work there, `PREFLIGHT_FAILED`, `SERVER_UNREACHABLE`, `ACCESS_DENIED`
 */
export async function holdServer(server: ServerOptions, signal?: AbortSignal): Promise<HeldServer> {
  const keeper = await openKeeper(server);
  try {
    const marker = await readMarker(keeper);
    if (marker === null) throw noRestore(server);
    await waitForLeftSessions(keeper, marker, { signal });
    const facts = await readTargetFacts(keeper, []);
    const why = whyNotOn(marker, facts) ?? useSince(marker, facts);
    const { plan = null, run = null } = marker.note ?? {};
    if (why !== null || plan === null || run === null) throw cannotGoOn(keeper, facts, { marker, why: why ?? '' });
    await requirePrivileges(keeper);
    const parsed = parsePlan(JSON.stringify(plan), `table ${MARKER_TABLE}`);
    return {
      plan: parsed,
      run,
      server,
      keeper,
      marker,
      facts,
      [Symbol.asyncDispose]: async () => {
        await keeper.close();
      },
    };
  } catch (error) {
    await keeper.close();
    throw error;
  }
}

function noRestore(server: ServerOptions): LastgoodError {
  return new LastgoodError('NOTHING_TO_RESUME', `there is no restore to resume in the ${describeServer(server)}`, {
    hint: 'To start one there: `lastgood restore TARGET --server FILE`; `lastgood incidents` lists what TARGET can name.',
  });
}

/**
 * Does what of the plan is left to do.
 *
 * @throws LastgoodError `TARGET_NOT_EMPTY` where it is not certain what the server holds: it is left as it is; else what `runPlan` throws
 */
export async function resumePlanOnServer(
  options: Omit<PhaseOptions, 'engine'> & { readonly held: HeldServer },
): Promise<ResumedPlan> {
  const { held, plan, repository, log } = options;
  const { keeper, run, marker, facts } = held;
  refuseSkips(plan, { accepted: run.acceptConflicts });
  await checkPlan(repository, plan);
  const watch = new StopWatch();
  const failure = await stopApplier(keeper);
  const { engine, keepPrepared } = run;
  const way = { engine, phase: marker.note?.phase ?? 'loading' };
  const place = await placeOf(keeper, options, way);
  const appliesAtOnce = Number(facts.variables.get(TARGET_WORDS[facts.flavor].appliersVariable)) > 0;
  const why = failure ?? (await whyUncertain(keeper, { place, way, end: 'none', appliesAtOnce }));
  if (why !== null || place === null) throw cannotGoOn(keeper, facts, { marker, why: why ?? '' });
  const target = await takeOver({
    ...held,
    facts: asItWas(facts),
    loan: marker.borrowed,
    former: marker,
    warnings: [],
    log,
  });
  log.info({ groups: place.groups, of: plan.groups }, 'going on with the restore');
  const ran = await runPhases(target, { ...options, engine, keepPrepared, note: firstNote(plan, run), place, watch });
  return { ...ran, resumed: { groups: place.groups, anew: null } };
}

/** The group that it is at is done, or undone, then. @returns why that is not so */
async function stopApplier(keeper: ServerConnection): Promise<string | null> {
  if ((await readApplier(keeper)) === null) return null;
  await keeper.query('STOP SLAVE');
  const applyError = (await readApplier(keeper))?.applyError ?? null;
  if (applyError !== null) return `its applier had stopped: ${applyError}`;
  await detach(keeper);
  return null;
}

/** Before the restore began it had applied nothing: else it would have been refused. */
function asItWas(facts: TargetFacts): TargetFacts {
  return { ...facts, variables: new Map([...facts.variables, [TARGET_WORDS[facts.flavor].appliedVariable, '']]) };
}
