import type { Command } from 'commander';
import { INCIDENT_KINDS } from '../../incident/incident.ts';
import { readReach } from '../../operations/archive-reach.ts';
import { listAndCountIncidents, type IncidentOptions } from '../../operations/incidents.ts';
import type { OpenCli } from '../cli.ts';
import { examples } from '../examples.ts';
import { openConfiguredArchive } from '../open-archive.ts';
import { reachText, stoppedText } from '../output/reach-text.ts';
import { incidentsText, unlistedText } from '../output/incident-text.ts';
import { addIncidentsShow } from './incidents-show.ts';

export function addIncidents(program: Command, open: OpenCli): void {
  const command = program
    .command('incidents')
    .description('Lists what was destroyed, newest first.')
    .option('--schema <schema>', 'only what destroyed something in this schema')
    .option('--table <table>', 'only what destroyed this table; with --schema also the whole schema')
    .option('--kind <kind>', `only one of ${INCIDENT_KINDS.join(', ')}`)
    .option('--since <time>', 'not before this time, which must carry its zone')
    .option('--until <time>', 'not after this time, which must carry its zone')
    .option('--all', 'also what was rolled back, did nothing, is only suspected, or changed few rows')
    .addHelpText('after', examples('lastgood incidents --schema shop --since 2026-11-22T00:00:00Z'))
    .action(async (options: IncidentOptions, command: Command) => {
      const cli = open(command);
      using archive = await openConfiguredArchive(cli);
      const { alerts, primary } = await cli.offlineSettings();
      const reach = await readReach(archive, primary.name); // before the list: it never reaches less far
      const { incidents, more } = listAndCountIncidents(archive, options, alerts?.mass); // what is worth an alert is worth a line
      cli.print({ incidents }, () =>
        [incidentsText(incidents, cli.paint), unlistedText(more), cli.runnable(reachText(reach))]
          .filter((text) => text !== '')
          .join('\n'),
      );
      const stopped = stoppedText(reach);
      if (cli.json && stopped !== null) cli.logger.warn(cli.runnable(stopped)); // stdout is for programs
    });
  addIncidentsShow(command, open);
}
