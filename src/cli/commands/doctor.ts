import type { Command } from 'commander';
import { diagnose, type Diagnosis } from '../../operations/doctor.ts';
import { ERRORS } from '../../platform/errors.ts';
import type { Cli, OpenCli } from '../cli.ts';
import { examples } from '../examples.ts';
import { findingsText, worstOf } from '../output/findings-text.ts';
import { formatBytes, formatCount } from '../output/quantity.ts';
import { formatFacts } from '../output/table.ts';

export function addDoctor(program: Command, open: OpenCli): void {
  program
    .command('doctor')
    .description(
      'Checks both servers, the repository and the programs, and prints every finding with its fix. Puts right ' +
        'what an interrupted backup left on the replica; changes nothing else.',
    )
    .addHelpText('after', examples('lastgood doctor'))
    .action(async (_options: object, command: Command) => {
      const cli = open(command);
      const diagnosis = await diagnose({ settings: await cli.settings(), log: cli.logger, signal: cli.signal });
      cli.print(diagnosis, (shown) => diagnosisText(shown, cli.paint));
      const worst = worstOf(diagnosis.findings);
      if (worst === 'warning') cli.warn();
      if (worst === 'error') cli.exitWith(ERRORS.PREFLIGHT_FAILED.exit);
    });
}

function diagnosisText({ findings, summary }: Diagnosis, paint: Cli['paint']): string {
  const { primary, replica, freeBytes, errors, warnings } = summary;
  const facts = formatFacts([
    ['primary', primary ?? 'could not be asked'],
    ['replica', replica ?? 'none, or could not be asked'],
    ['free disk', freeBytes === null ? 'unknown' : formatBytes(freeBytes)],
  ]);
  const verdict =
    findings.length === 0
      ? paint('green', 'nothing to mend')
      : `${formatCount(errors, 'error')}, ${formatCount(warnings, 'warning')}`;
  return [facts, findingsText(findings, paint), verdict].filter((part) => part !== '').join('\n\n');
}
