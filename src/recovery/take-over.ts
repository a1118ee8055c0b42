import { makeSweptDirectory } from '../platform/swept-directory.ts';
import type { Logger } from '../platform/logger.ts';
import { describeServer, type ServerConnection } from '../server/connection.ts';
import type { ServerOptions } from '../server/server-options.ts';
import { connectUnlogged, ExistingServer } from './existing-server.ts';
import type { Plan } from './plan.ts';
import type { TargetFacts } from './preflight/target-facts.ts';
import type { Marker } from './restore-marker.ts';
import type { BorrowedSetting } from './restore-target.ts';
import { Takeover } from './takeover.ts';

export interface TakeOverOptions {
  readonly server: ServerOptions;
  readonly keeper: ServerConnection;
  /** As the server was when the restore began. */
  readonly facts: TargetFacts;
  readonly plan: Plan;
  readonly loan: readonly BorrowedSetting[];
  /** Of a run that was killed, whose settings still are set; null when this one begins. */
  readonly former: Marker | null;
  readonly warnings: readonly string[];
  readonly log: Logger;
}

/** Makes an existing server ours, after everything was checked. Throws what the server says; then it is put right again. */
export async function takeOver(options: TakeOverOptions): Promise<ExistingServer> {
  const { server, keeper, facts, plan, loan, former, warnings, log } = options;
  const takeover = new Takeover({ server, flavor: keeper.flavor, host: await hostOfOurs(keeper), loan });
  const temporaryFolder = await makeSweptDirectory('lastgood-restore-');
  const parts = {
    server,
    keeper,
    takeover,
    facts,
    former,
    warnings,
    temporaryFolder,
    log,
    settings: plan.backup.settings,
  };
  await keeper.query('SET SESSION sql_log_bin = 0');
  log.info({ server: describeServer(server), settings: loan.length }, 'taking the target over');
  try {
    await takeover.begin(keeper, former);
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
