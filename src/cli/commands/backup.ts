import { Option, type Command } from 'commander';
import type { BackupRecord } from '../../archive/backup-record.ts';
import { openRepository } from '../../archive/repository.ts';
import { parseCoordinates } from '../../binlog/coordinates.ts';
import { waitUntilArchived } from '../../operations/archived-point.ts';
import { takeBackup } from '../../operations/backup.ts';
import { isKnown, type KnownBackup } from '../../operations/listed-backup.ts';
import { listBackups } from '../../operations/lists.ts';
import type { Settings } from '../../operations/settings.ts';
import { isLastgoodError } from '../../platform/errors.ts';
import type { Cli, OpenCli } from '../cli.ts';
import { examples } from '../examples.ts';
import { openConfiguredArchive } from '../open-archive.ts';
import { startProgress } from '../output/progress.ts';
import { formatBytes, formatSeconds } from '../output/quantity.ts';
import { formatFacts } from '../output/table.ts';
import { formatTime } from '../output/time.ts';

export function addBackup(program: Command, open: OpenCli): void {
  program
    .command('backup')
    .description("Takes a base backup on the replica, with the replica's place in the primary's log.")
    .addOption(
      new Option('--method <method>', 'how; this version knows logical').choices(['logical']).default('logical'),
    )
    .addHelpText('after', examples('lastgood backup'))
    .action(async (_options: object, command: Command) => {
      const cli = open(command);
      const backup = await readBack(cli, await take(cli));
      cli.print(backup, () => backupText(backup));
      if (!backup.usable) cli.warn();
    });
}

/** @returns the backup's id */
async function take(cli: Cli): Promise<string> {
  const settings = await cli.settings();
  const repository = await openRepository(settings.repositoryPath, { keyFile: settings.keyFile });
  using progress = startProgress({ label: 'backing up', shown: cli.showsProgress });
  const { id, primary } = await takeBackup({
    settings,
    repository,
    log: cli.logger,
    signal: cli.signal,
    onProgress: ({ bytes, estimatedBytes }) => {
      progress.update(bytes, Math.max(bytes, estimatedBytes));
    },
  });
  await untilCovered(cli, settings, primary);
  return id;
}

/** The replica may be ahead of the archiver by a moment. Without an archiver nobody waits: the backup says so itself. */
async function untilCovered(
  cli: Cli,
  settings: Settings,
  { coordinates, serverId }: BackupRecord['primary'],
): Promise<void> {
  const point = { ...parseCoordinates(coordinates), serverId };
  try {
    await waitUntilArchived(settings, point, { log: cli.logger, signal: cli.signal });
  } catch (error) {
    if (!isLastgoodError(error, 'TARGET_UNREACHABLE')) throw error;
  }
}

/** A backup counts only when a restore could start from it: that is asked of the archive, not of the backup. */
async function readBack(cli: Cli, id: string): Promise<KnownBackup> {
  using archive = await openConfiguredArchive(cli);
  const found = (await listBackups(archive, cli.signal)).find((backup) => backup.id === id);
  if (found === undefined || !isKnown(found)) throw new Error(`backup ${id} is gone: ${found?.why ?? ''}`);
  return found;
}

function backupText(backup: KnownBackup): string {
  const { id, startedAt, finishedAt, bytes, primary, applyingStoppedSeconds, usable, why } = backup;
  const seconds = (Date.parse(finishedAt) - Date.parse(startedAt)) / 1000;
  return formatFacts([
    ['backup', id],
    ['finished', formatTime(finishedAt)],
    ['size', formatBytes(bytes)],
    ['took', `${formatSeconds(seconds)}, the replica stood still for ${formatSeconds(applyingStoppedSeconds)}`],
    ['in the primary log at', `${primary.coordinates}${primary.gtid === null ? '' : `, GTID ${primary.gtid}`}`],
    ['usable', usable ? 'yes' : `not yet: ${why ?? 'unknown'}`],
  ]);
}
