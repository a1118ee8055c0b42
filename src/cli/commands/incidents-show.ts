import { dirname, resolve } from 'node:path';
import { Option, type Command } from 'commander';
import { refuseInside } from '../../archive/outside-repository.ts';
import { showIncident } from '../../operations/incidents.ts';
import { ROWS_FORMATS, type RowsFormat } from '../../operations/evidence/rows-as.ts';
import { saveLostRows } from '../../operations/evidence/save-lost-rows.ts';
import { writeLostRows } from '../../operations/evidence/write-lost-rows.ts';
import type { EvidenceOptions } from '../../operations/evidence/evidence-source.ts';
import { requireNewFile } from '../../platform/new-file.ts';
import type { ServerConnection } from '../../server/connection.ts';
import { connect, SHORT_QUESTIONS } from '../../server/connection.ts';
import type { Cli, OpenCli } from '../cli.ts';
import { examples } from '../examples.ts';
import { wholeNumber } from '../number-option.ts';
import { openConfiguredArchive } from '../open-archive.ts';
import { incidentStoryText } from '../output/incident-story-text.ts';

interface ShowOptions {
  readonly rows?: number;
  readonly full?: boolean;
  readonly rowsAs?: RowsFormat;
  readonly out?: string;
  /** Of the command above, which takes them wherever they stand. */
  readonly schema?: string;
  readonly table?: string;
}

export function addIncidentsShow(incidents: Command, open: OpenCli): void {
  incidents
    .command('show')
    .argument('<id>', 'an id from `lastgood incidents`')
    .description(
      'Shows one incident: its statement, the ten transactions on each side, the rows it destroyed, and the commands that bring them back. --schema and --table choose rows.',
    )
    .option('--full', 'all of a long statement; passwords stay hidden')
    .option('--rows <n>', 'so many of the rows it destroyed (default: 10, with --rows-as all)', parseCount)
    .addOption(
      new Option(
        '--rows-as <format>',
        'only the rows it destroyed: csv, json, or sql, the statements that put them back',
      ).choices(ROWS_FORMATS),
    )
    .option('--out <file>', 'with --rows-as: write them to this file, which must not exist, for its owner only')
    .addHelpText(
      'after',
      examples(
        'lastgood incidents show inc-7f3a90c1d2e4',
        'lastgood incidents show inc-7f3a90c1d2e4 --rows-as sql --out rows.sql',
      ),
    )
    .action(async (id: string, _options: object, command: Command) => {
      const options = command.optsWithGlobals<ShowOptions>();
      const cli = open(command);
      if (options.out !== undefined && options.rowsAs === undefined) command.error('error: --out needs --rows-as');
      using archive = await openConfiguredArchive(cli);
      if (options.out !== undefined) {
        await requireNewFile(options.out);
        await refuseInside(archive.repository.path, resolve(options.out));
      }
      const evidence = evidenceOptions(cli, options);
      if (options.rowsAs === undefined) {
        const story = await showIncident(archive, id, { ...evidence, rows: options.rows, full: options.full });
        cli.print(story, (shown) => incidentStoryText(shown, cli.paint));
        return;
      }
      const pieces = await writeLostRows(archive, id, {
        ...{ ...evidence, format: options.rowsAs, most: options.rows },
        ...(options.out === undefined ? {} : { folder: dirname(options.out) }),
      });
      if (options.out === undefined) {
        await cli.stream(pieces);
        return;
      }
      const saved = await saveLostRows(pieces, options.out);
      cli.print(saved, () => `${saved.out}: ${saved.bytes} bytes`);
    });
}

function evidenceOptions(cli: Cli, { schema, table }: ShowOptions): EvidenceOptions {
  const live = async (): Promise<ServerConnection> => await connect((await cli.settings()).primary, SHORT_QUESTIONS);
  return { schema, table, live, log: cli.logger, signal: cli.signal };
}

const parseCount = wholeNumber({ min: 0 }, 'It must be a whole number.');
