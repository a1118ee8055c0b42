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
    .description('Makes the index anew from the archive alone. Archivers of this repository must be stopped.')
    .addHelpText('after', examples('lastgood catalog rebuild'))
    .action(async (_flags: object, command: Command) => {
      const cli = open(command);
      await rebuildConfiguredCatalog(cli);
      using archive = await openConfiguredArchive(cli);
      const counts = countAll(archive);
      cli.print(counts, () => countsText(counts));
    });
}

interface CatalogCounts {
  readonly lineages: number;
  readonly segments: number;
  readonly incidents: number;
  readonly backups: number;
}

function countAll(archive: OpenArchive): CatalogCounts {
  const lineages = listLineages(archive);
  return {
    lineages: lineages.length,
    segments: lineages.reduce((sum, { segments }) => sum + segments, 0),
    incidents: archive.catalog.incidents({ all: true }).length,
    backups: archive.catalog.backups().length,
  };
}

function countsText({ lineages, segments, incidents, backups }: CatalogCounts): string {
  return [
    formatCount(lineages, 'lineage'),
    formatCount(segments, 'segment'),
    formatCount(incidents, 'incident'),
    formatCount(backups, 'backup'),
  ].join(', ');
}
