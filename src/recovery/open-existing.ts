import type { Repository } from '../archive/repository.ts';
import { GtidPosition } from '../binlog/mariadb-gtid.ts';
import { LastgoodError } from '../platform/errors.ts';
import { throwIfAborted } from '../platform/wait.ts';
import { describeServer, type ServerConnection } from '../server/connection.ts';
import { applierSetting } from './appliers.ts';
import { planLoan } from './borrowed-settings.ts';
import { neededOnServer } from './disk-space.ts';
import { holdsRestore } from './holds-restore.ts';
import { openKeeper } from './keeper.ts';
import { waitForLeftSessions } from './left-sessions.ts';
import type { OpenTargetOptions } from './open-target.ts';
import type { Plan } from './plan.ts';
import { findDoubts, findObstacles, isInUse, type Demands } from './preflight/checks.ts';
import type { Obstacle } from './preflight/obstacle.ts';
import { requirePrivileges } from './preflight/require-privileges.ts';
import { planSettings } from './preflight/run-settings.ts';
import { readTargetFacts, type TargetFacts } from './preflight/target-facts.ts';
import { readMarker } from './restore-marker.ts';
import type { RestoreInto, RestoreTarget } from './restore-target.ts';
import type { ServerOptionValues } from './scratch-options.ts';
import { takeOver } from './take-over.ts';

type Options = Omit<OpenTargetOptions, 'into'> & Extract<RestoreInto, { kind: 'existing' }>;

/**
 * Takes a server over that must be empty, nobody's replica or primary, and fit for the plan. Every check is made before
 * anything is written.
 *
 * @throws LastgoodError `PREFLIGHT_FAILED` or `TARGET_NOT_EMPTY` with everything that stands in the way, `LOCKED`,
 *   `SERVER_UNREACHABLE`, `ACCESS_DENIED`, `INTERRUPTED`
 */
export async function openExistingServer(options: Options): Promise<RestoreTarget> {
  const { server, plan, note, log, signal } = options;
  const keeper = await openKeeper(server);
  try {
    const marker = await readMarker(keeper);
    // A restore that was killed may have taken privileges away: what it left is told first.
    if (marker === null) await requirePrivileges(keeper);
    else await waitForLeftSessions(keeper, marker, { signal });
    const facts = await readTargetFacts(keeper, options.others);
    if (facts.marker !== null) throw holdsRestore(keeper, facts, facts.marker);
    const demands = await demandsOf(options);
    const { set, obstacles } = planSettings(facts, settingsOf(facts, options), note.run.serverId);
    const all = [...findObstacles(facts, demands), ...obstacles];
    if (all.length > 0) throw refusal(keeper, facts, all);
    throwIfAborted(signal);
    const loan = planLoan(facts.variables, set);
    const warnings = [...findDoubts(facts, demands), ...accountsStay(facts)];
    return await takeOver({ server, keeper, facts, plan, loan, former: null, warnings, log });
  } catch (error) {
    await keeper.close();
    throw error;
  }
}

/** Of the source, and what the engine needs: a session takes the files of LOAD DATA from here. */
function settingsOf({ flavor, variables }: TargetFacts, { plan, engine, cores }: Options): ServerOptionValues {
  const own = engine === 'session' ? { local_infile: 'ON' } : applierSetting(flavor, variables, cores);
  return { ...plan.backup.settings, ...own };
}

async function demandsOf({ plan, repository, engine = 'applier' }: Options): Promise<Demands> {
  return {
    backup: plan.backup,
    engine,
    serverIds: await knownServerIds(plan, repository),
    neededBytes: neededOnServer(plan, engine),
  };
}

/** Events with the target's own id would be passed over; those of a running restore are another's, chosen for it alone. */
async function knownServerIds({ backup, target }: Plan, repository: Repository): Promise<Set<number>> {
  const lineages = await repository.lineages();
  const states = backup.flavor === 'mariadb' ? [backup.primary.gtid, target.resolved.gtidState] : [];
  const inStates = states.flatMap((state) => GtidPosition.parse(state ?? '').gtids());
  return new Set([
    backup.primary.serverId,
    ...lineages.map(({ serverId }) => serverId),
    ...inStates.map(({ server }) => server),
  ]);
}

function refusal(keeper: ServerConnection, facts: TargetFacts, obstacles: readonly Obstacle[]): LastgoodError {
  const code = isInUse(facts) ? 'TARGET_NOT_EMPTY' : 'PREFLIGHT_FAILED';
  const whats = obstacles.map(({ what }) => what).join('; ');
  return new LastgoodError(code, `the ${describeServer(keeper.options)} cannot be restored into: ${whats}`, {
    details: { obstacles: obstacles.length },
    hint: `${[...new Set(obstacles.map(({ fix }) => fix))].join(' ')} Nothing was written.`,
  });
}

function accountsStay({ stayingAccounts }: TargetFacts): string[] {
  return [
    `accounts that the target had stay beside the source's, and those of the same name are the source's now: ${stayingAccounts.join(', ')}`,
  ];
}
