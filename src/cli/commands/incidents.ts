import type { Command } from 'commander';
import { listIncidents, showIncident, type IncidentOptions } from '../../operations/incidents.ts';
import type { OpenCli } from '../cli.ts';
import { examples } from '../examples.ts';
import { openConfiguredArchive } from '../open-archive.ts';
import { incidentsText, incidentStoryText } from '../output/incident-text.ts';

export function addIncidents(program: Command, open: OpenCli): void {
  const incidents = program
    .command('incidents')
    .description('Lists what was destroyed, newest first.')
    .option('--schema <schema>', 'only what destroyed something in this schema')
    .option('--table <table>', 'only what destroyed this table; with --schema also the whole schema')
    .option('--kind <kind>', 'only drop-database, drop-table or truncate-table')
    .option('--since <time>', 'not before this time, which must carry its zone')
    .option('--until <time>', 'not after this time, which must carry its zone')
    .option('--all', 'also what was rolled back, did nothing, or is only suspected')
    .addHelpText('after', examples('lastgood incidents --schema shop --since 2026-11-22T00:00:00Z'))
    .action(async (options: IncidentOptions, command: Command) => {
      const cli = open(command);
      using archive = await openConfiguredArchive(cli);
      const found = listIncidents(archive, options);
      cli.print({ incidents: found }, () => incidentsText(found, cli.paint));
    });
  addShow(incidents, open);
}

function addShow(incidents: Command, open: OpenCli): void {
  incidents
    .command('show')
    .argument('<id>', 'an id from `lastgood incidents`')
    .description('Shows one incident with the transactions around it and the commands that bring its data back.')
    .addHelpText('after', examples('lastgood incidents show inc-7f3a90c1'))
    .action(async (id: string, _options: object, command: Command) => {
      const cli = open(command);
      using archive = await openConfiguredArchive(cli);
      const story = await showIncident(archive, id, cli.signal);
      cli.print(story, () => incidentStoryText(story, cli.paint));
    });
}
