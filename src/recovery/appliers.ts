import type { Flavor } from '../binlog/gtid.ts';
import type { ServerVariables } from '../server/facts.ts';
import type { RestoreTarget } from './restore-target.ts';
import type { ServerOptionValues } from './scratch-options.ts';
import { TARGET_WORDS } from './target-words.ts';

/** How many of its appliers a target has used to replay the log. */
export interface Appliers {
  readonly used: number;
  /** So many the target is set to use when nobody restores into it. */
  readonly configured: number;
  /** Why it used fewer than that; null where it did not. */
  readonly why: string | null;
}

/**
 * The setting for a replay: as configured, but no more appliers than there are cores beside one for the thread that receives and for us, and
 * on two cores one alone. With more, replaying takes longer than with one, however the server is set (`npm run bench -- replay`). Pure.
 *
 * @param configured as `appliersVariable` counts: 0 is one alone
 */
export function appliersFor(cores: number, configured: number): number {
  return cores <= 2 ? 0 : Math.min(configured, cores - 1);
}

/** The same for a server with these variables, as a setting to borrow. Only while it is no replica: else the server refuses. Pure. */
export function applierSetting(flavor: Flavor, variables: ServerVariables, cores: number): ServerOptionValues {
  const { appliersVariable } = TARGET_WORDS[flavor];
  return { [appliersVariable]: String(appliersFor(cores, Number(variables.get(appliersVariable) ?? 0))) };
}

/** How many the target is set to use now. @param cores for which that was chosen; undefined where nothing was chosen */
export async function readAppliers(
  { admin, borrowed }: Pick<RestoreTarget, 'admin' | 'borrowed'>,
  cores: number | undefined,
): Promise<Appliers> {
  const { appliersVariable } = TARGET_WORDS[admin.flavor];
  const [row] = await admin.query<{ value: number | string }>(`SELECT @@GLOBAL.${appliersVariable} AS value`);
  const set = row?.value ?? 0;
  const was = borrowed.find(({ name }) => name === appliersVariable)?.was ?? set;
  const [used, configured] = [countOf(set), countOf(was)];
  return { used, configured, why: used < configured && cores !== undefined ? coresText(cores) : null };
}

/** `4 appliers`, `1 applier of 4: 2 cores`. */
export function describeAppliers({ used, configured, why }: Appliers): string {
  const count = used === 1 ? '1 applier' : `${used} appliers`;
  return why === null ? count : `${count} of ${configured}: ${why}`;
}

function countOf(setting: number | string): number {
  return Math.max(1, Number(setting));
}

function coresText(cores: number): string {
  return cores === 1 ? '1 core' : `${cores} cores`;
}
