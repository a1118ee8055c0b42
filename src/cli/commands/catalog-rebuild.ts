import type { Command } from 'commander';
import { listLineages } from '../../operations/lists.ts';
import type { OpenArchive } from '../../operations/open-archive.ts';
import type { OpenCli } from '../cli.ts';
import { examples } from '../examples.ts';
import { openConfiguredArchive, rebuildConfiguredCatalog } from '../open-archive.ts';
import { formatCount } from '../output/quantity.ts';

export function addCatalogRebuild(program: Command, open: OpenCli): void {
  program
    .command('catalog')
    .description('Works on the index over the archive.')
    .addHelpText('after', examples('lastgood catalog rebuild'))
    .command('rebuild')
    .description(
      'Makes the index anew from the archive alone, and forgets what the old one knew of lost files. Archivers of this repository must be stopped.',
    )
    .addHelpText('after', examples('lastgood catalog rebuild'))
    .action(async (_flags: object, command: Command) => {
      const cli = open(command);
      const warnings = await rebuildConfiguredCatalog(cli);
      using archive = await openConfiguredArchive(cli);
      const counts = countAll(archive, warnings);
      cli.print(counts, () => countsText(counts));
      if (warnings.length > 0) cli.warn();
    });
}

interface CatalogCounts {
  readonly lineages: number;
  readonly segments: number;
  readonly incidents: number;
  readonly backups: number;
  /** What the old catalog knew to have been archived, and the archive has no more. */
  readonly warnings: readonly string[];
}

function countAll(archive: OpenArchive, warnings: readonly string[]): CatalogCounts {
  const lineages = listLineages(archive);
  return {
    lineages: lineages.length,
    segments: lineages.reduce((sum, { segments }) => sum + segments, 0),
    incidents: archive.catalog.incidents({ all: true }).length,
    backups: archive.catalog.backups().length,
    warnings,
  };
}

function countsText({ lineages, segments, incidents, backups, warnings }: CatalogCounts): string {
  const counts = [
    formatCount(lineages, 'lineage'),
    formatCount(segments, 'segment'),
    formatCount(incidents, 'incident'),
    formatCount(backups, 'backup'),
  ].join(', ');
  return [counts, ...warnings.map((warning) => `warning: ${warning}`)].join('\n');
}
