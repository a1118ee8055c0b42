import type { BackupRecord } from '../archive/backup-record.ts';
import type { Repository } from '../archive/repository.ts';
import { LastgoodError } from '../platform/errors.ts';
import type { Logger } from '../platform/logger.ts';
import { dataBytes, requireSpace } from './disk-space.ts';
import { openExistingServer } from './open-existing.ts';
import type { Plan } from './plan.ts';
import { inClear } from './preflight/in-clear.ts';
import { missingPlugins } from './preflight/missing-plugins.ts';
import { isOlderRelease } from './preflight/release.ts';
import { readPlugins } from './preflight/target-facts.ts';
import type { ReplayEngine } from './restore-phases.ts';
import type { RestoreInto, RestoreTarget } from './restore-target.ts';
import { writeRestoreNote, type BegunNote } from './restore-note.ts';
import { createScratchServer } from './create-scratch.ts';
import type { ScratchServer } from './scratch-server.ts';
import { readMachineZone, sourceZone } from './source-zone.ts';

export interface OpenTargetOptions {
  readonly plan: Plan;
  readonly repository: Repository;
  readonly into: RestoreInto;
  readonly engine?: ReplayEngine | undefined;
  /** Which an existing server's appliers share with us. */
  readonly cores: number;
  /** The first note, of what begins. */
  readonly note: BegunNote;
  readonly log: Logger;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Makes the new server, or takes the existing one over, once it is certain that the plan can be run into it.
 *
 * @throws LastgoodError `PREFLIGHT_FAILED`, `TARGET_NOT_EMPTY`, `TOOL_MISSING`, `TOOL_FAILED`, `SERVER_UNREACHABLE`,
 *   `ACCESS_DENIED`, `LOCKED`, `INTERRUPTED`; nothing was written then
 */
export async function openTarget(options: OpenTargetOptions): Promise<RestoreTarget> {
  const { into, ...o } = options;
  return into.kind === 'scratch' ? await openScratch(into, o) : await openExistingServer({ ...o, ...into });
}

async function openScratch(
  { datadir, port = 0, resumable = false }: Extract<RestoreInto, { kind: 'scratch' }>,
  { plan, note, log, signal }: Omit<OpenTargetOptions, 'into'>,
): Promise<RestoreTarget> {
  await requireSpace(datadir, plan.diskBytes);
  const { settings } = plan.backup;
  const zone = sourceZone(settings, await readMachineZone(new Date()));
  const { serverId } = note.run;
  const onError = resumable ? 'if-ended' : 'empty';
  const scratch = await createScratchServer(
    { datadir, port, serverId, settings, zone, dataBytes: dataBytes(plan), onError, log, signal },
    async () => {
      await writeRestoreNote(datadir, note);
    },
  );
  return await fitting(scratch, plan.backup);
}

/** The server itself, once it is certain that it can take the backup; abandoned when it cannot. */
export async function fitting(scratch: ScratchServer, backup: BackupRecord): Promise<ScratchServer> {
  try {
    scratch.warnings.push(...(await checkFit(scratch, backup)));
    return scratch;
  } catch (error) {
    throw await scratch.abandon(error);
  }
}

/** @returns warnings. @throws LastgoodError `PREFLIGHT_FAILED` when this machine's server is older than the source */
async function checkFit(
  { admin, version }: RestoreTarget,
  { serverVersion, settings }: BackupRecord,
): Promise<string[]> {
  if (isOlderRelease(version, serverVersion)) {
    const message = `this machine's server is ${version}, older than the source's, ${serverVersion}`;
    throw new LastgoodError('PREFLIGHT_FAILED', message, {
      hint: 'Install a server of the same release or a newer one; nothing was loaded.',
    });
  }
  // One that nothing uses is no reason to have no restore at all; what uses it, stops the load.
  const missing = missingPlugins(settings['plugins'], await readPlugins(admin));
  return [
    ...missing.map(({ name }) => `this machine's server lacks the plugin ${name}, which the source has`),
    ...inClear(settings, 'OFF', 'the new server'),
  ];
}
