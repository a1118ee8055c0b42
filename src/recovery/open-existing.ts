import type { Repository } from '../archive/repository.ts';
import { GtidPosition } from '../binlog/mariadb-gtid.ts';
import { LastgoodError } from '../platform/errors.ts';
import { makeTempDirectory } from '../platform/temp-dir.ts';
import { throwIfAborted } from '../platform/wait.ts';
import { connect, describeServer, type ServerConnection } from '../server/connection.ts';
import { planLoan } from './borrowed-settings.ts';
import { connectUnlogged, ExistingServer } from './existing-server.ts';
import { emptyingStatements, finishingStatements, tellStatements } from './left-behind.ts';
import type { OpenTargetOptions } from './open-target.ts';
import type { Plan } from './plan.ts';
import { findDoubts, findObstacles, isInUse, type Demands } from './preflight/checks.ts';
import type { Obstacle } from './preflight/obstacle.ts';
import { requirePrivileges } from './preflight/require-privileges.ts';
import { planSettings } from './preflight/run-settings.ts';
import { readTargetFacts, type TargetFacts } from './preflight/target-facts.ts';
import { readMarker, type Marker } from './restore-marker.ts';
import type { RestoreInto, RestoreTarget } from './restore-target.ts';
import { RELAY_LOG_BYTES, type ServerOptionValues } from './scratch-options.ts';
import { chooseServerId } from './create-scratch.ts';
import { Takeover } from './takeover.ts';
import { TARGET_WORDS } from './target-words.ts';

type Options = Omit<OpenTargetOptions, 'into'> & Extract<RestoreInto, { kind: 'existing' }>;

/** So that two restores never run into one server. Source: MariaDB manual, "GET_LOCK". */
const LOCK = 'lastgood restore';

/**
 * Takes a server over that must be empty, nobody's replica or primary, and fit for the plan. Every check is made before
 * anything is written.
 *
 * @throws LastgoodError `PREFLIGHT_FAILED` or `TARGET_NOT_EMPTY` with everything that stands in the way, `LOCKED`,
 *   `SERVER_UNREACHABLE`, `ACCESS_DENIED`, `INTERRUPTED`
 */
export async function openExistingServer(options: Options): Promise<RestoreTarget> {
  const keeper = await connect(options.server);
  try {
    await keeper.query("SET SESSION autocommit = 1, sql_mode = ''"); // names are quoted in one way only
    await lockTarget(keeper);
    // A restore that was killed may have taken privileges away: what it left is told first.
    if ((await readMarker(keeper)) === null) await requirePrivileges(keeper);
    const facts = await readTargetFacts(keeper, options.others);
    if (facts.marker !== null) throw holdsRestore(keeper, facts, facts.marker);
    const demands = await demandsOf(options);
    const { set, obstacles } = planSettings(facts, settingsOf(options), chooseServerId());
    const all = [...findObstacles(facts, demands), ...obstacles];
    if (all.length > 0) throw refusal(keeper, facts, all);
    throwIfAborted(options.signal);
    const loan = planLoan(facts.variables, set);
    const warnings = [...findDoubts(facts, demands), ...accountsStay(facts)];
    return await takeOver({ options, keeper, facts, warnings }, loan);
  } catch (error) {
    await keeper.close();
    throw error;
  }
}

/** Of the source, and what a session needs: the files of LOAD DATA come from here. */
function settingsOf({ plan, engine }: Options): ServerOptionValues {
  return engine === 'session' ? { ...plan.backup.settings, local_infile: 'ON' } : plan.backup.settings;
}

async function lockTarget(keeper: ServerConnection): Promise<void> {
  const [row] = await keeper.query<{ taken: string | number | null }>('SELECT GET_LOCK(?, 0) AS taken', [LOCK]);
  if (Number(row?.taken) === 1) return;
  throw new LastgoodError('LOCKED', `another restore runs into the ${describeServer(keeper.options)}`);
}

async function demandsOf({ plan, repository, engine = 'applier' }: Options): Promise<Demands> {
  return {
    backup: plan.backup,
    engine,
    serverIds: await knownServerIds(plan, repository),
    // Nothing keeps an existing server from having received all before it has applied much.
    neededBytes: plan.diskBytes + (engine === 'applier' ? Math.max(0, plan.bytes - RELAY_LOG_BYTES) : 0),
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

async function takeOver(
  o: { options: Options; keeper: ServerConnection; facts: TargetFacts; warnings: readonly string[] },
  loan: ReturnType<typeof planLoan>,
): Promise<RestoreTarget> {
  const { options, keeper, facts, warnings } = o;
  const { server, plan, log } = options;
  const takeover = new Takeover({ server, flavor: keeper.flavor, host: await hostOfOurs(keeper), loan });
  const temporaryFolder = await makeTempDirectory('lastgood-restore-');
  const parts = { server, keeper, takeover, facts, warnings, temporaryFolder, log, settings: plan.backup.settings };
  await keeper.query('SET SESSION sql_log_bin = 0');
  log.info({ server: describeServer(server), settings: loan.length }, 'taking the target over');
  try {
    await takeover.begin(keeper);
    return new ExistingServer({ ...parts, admin: await connectUnlogged(takeover.login) });
  } catch (error) {
    throw await new ExistingServer({ ...parts, admin: keeper }).abandon(error);
  }
}

/** As the server sees this client: an account of exactly that host goes before any that fits more of them. */
async function hostOfOurs(keeper: ServerConnection): Promise<string> {
  const [row] = await keeper.query<{ host: string }>("SELECT SUBSTRING_INDEX(USER(), '@', -1) AS host");
  return row?.host ?? 'localhost';
}

function refusal(keeper: ServerConnection, facts: TargetFacts, obstacles: readonly Obstacle[]): LastgoodError {
  const code = isInUse(facts) ? 'TARGET_NOT_EMPTY' : 'PREFLIGHT_FAILED';
  const whats = obstacles.map(({ what }) => what).join('; ');
  return new LastgoodError(code, `the ${describeServer(keeper.options)} cannot be restored into: ${whats}`, {
    details: { obstacles: obstacles.length },
    hint: `${obstacles.map(({ fix }) => fix).join(' ')} Nothing was written.`,
  });
}

function holdsRestore(keeper: ServerConnection, facts: TargetFacts, marker: Marker): LastgoodError {
  const server = describeServer(keeper.options);
  const phase = marker.note?.phase ?? 'loading';
  if (phase === 'proven') {
    return new LastgoodError('TARGET_NOT_EMPTY', `the ${server} holds a proven restore that was not handed over`, {
      hint: `To take it, run there: ${tellStatements(finishingStatements(marker, facts.flavor))}`,
    });
  }
  const what = phase === 'failed' ? 'a restore that failed its proof' : `an interrupted restore (${phase})`;
  const statements = emptyingStatements({
    ...facts,
    marker,
    applied: facts.variables.get(TARGET_WORDS[facts.flavor].appliedVariable) ?? '',
  });
  return new LastgoodError('TARGET_NOT_EMPTY', `the ${server} holds ${what}`, {
    details: { phase, cleanup: statements.map((statement) => `${statement};`).join('\n') },
    hint: `It was empty before. To empty it again, run there: ${tellStatements(statements)}`,
  });
}

function accountsStay({ stayingAccounts }: TargetFacts): string[] {
  return [
    `accounts that the target had stay beside the source's, and those of the same name are the source's now: ${stayingAccounts.join(', ')}`,
  ];
}
