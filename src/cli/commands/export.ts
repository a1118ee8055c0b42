import { resolve } from 'node:path';
import type { Command } from 'commander';
import { openRepository } from '../../archive/repository.ts';
import { parseCoordinates } from '../../binlog/coordinates.ts';
import { exportLogs, type ExportedFile } from '../../operations/export.ts';
import type { Cli, OpenCli } from '../cli.ts';
import { examples } from '../examples.ts';
import { startProgress } from '../output/progress.ts';
import { formatBytes } from '../output/quantity.ts';
import { formatTable } from '../output/table.ts';

interface ExportFlags {
  readonly from?: string;
  readonly to?: string;
  readonly lineage?: string;
  readonly out: string;
}

export function addExport(program: Command, open: OpenCli): void {
  program
    .command('export')
    .description("Writes archived files as plain binary logs, byte-identical to the primary's, for any other tool.")
    .option('--from <file:pos>', 'begin at this transaction; without it at the first one archived')
    .option('--to <file:pos>', 'end just before this transaction; without it after the last one archived')
    .option('--lineage <id>', 'of this lineage; without it of the one that began last')
    .requiredOption('--out <dir>', 'a folder that does not exist yet or is empty')
    .addHelpText('after', examples('lastgood export --from binlog.000041:4 --to binlog.000042:1537 --out /srv/binlogs'))
    .action(async (flags: ExportFlags, command: Command) => {
      const cli = open(command);
      const exported = await exportRange(cli, flags);
      cli.print(exported, () => filesTable(exported.files));
    });
}

async function exportRange(cli: Cli, { from, to, lineage, out }: ExportFlags): ReturnType<typeof exportLogs> {
  const range = { from: coordinatesOrNull(from), to: coordinatesOrNull(to), lineage: lineage ?? null };
  const { repositoryPath, keyFile, primary } = await cli.offlineSettings();
  const repository = await openRepository(repositoryPath, { keyFile });
  using progress = startProgress({ label: 'exporting', shown: cli.showsProgress });
  return await exportLogs({
    repository,
    name: primary.name,
    ...range,
    out: resolve(out),
    signal: cli.signal,
    progress: (done, total) => {
      progress.update(done, total);
    },
  });
}

function coordinatesOrNull(text: string | undefined): ReturnType<typeof parseCoordinates> | null {
  return text === undefined ? null : parseCoordinates(text);
}

function filesTable(files: readonly ExportedFile[]): string {
  return formatTable(
    [{ title: 'file' }, { title: 'size', align: 'right' }, { title: 'sha256' }],
    files.map(({ path, bytes, sha256 }) => [path, formatBytes(bytes), sha256]),
  );
}
