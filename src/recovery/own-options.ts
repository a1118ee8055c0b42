import { readFile } from 'node:fs/promises';
import { hasCode } from '../platform/error-code.ts';
import { LastgoodError } from '../platform/errors.ts';
import { argumentsOf, findProcesses } from '../platform/other-processes.ts';
import { asOptionFile, type ServerOptionValues } from './scratch-options.ts';
import { optionFilePath, serverMark } from './server-folder.ts';

const MARK = '# Lines from here on are yours: a restore that goes on in this folder keeps them.\n';

/** For a restored server: what a restore decides, and behind it, so that it counts, what a person adds. */
export function withOwnLines(options: ServerOptionValues, ownLines: string): string {
  return asOptionFile(options) + MARK + ownLines;
}

/** What a person has added to the option file of a restored server; empty where nobody did, or there is none. */
export async function readOwnLines(datadir: string): Promise<string> {
  try {
    const text = await readFile(optionFilePath(datadir), 'utf8');
    const at = text.indexOf(MARK);
    return at < 0 ? '' : text.slice(at + MARK.length);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return '';
    throw error;
  }
}

/**
 * Makes sure that no server runs there in a way of its own, which somebody may use and nobody but them could start again: neither
 * as a restore started it, nor with the option file as that wrote it.
 *
 * @throws LastgoodError `PREFLIGHT_FAILED` naming its process
 */
export function refuseOwnServer(datadir: string, ownLines: string): void {
  const { argument, program } = serverMark(datadir);
  const usual = [argument, ...(program === undefined || namesIn(ownLines).length > 0 ? [] : [program.argument])];
  const pid = findProcesses(serverMark(datadir)).find((one) => !argumentsOf(one).some((it) => usual.includes(it)));
  if (pid === undefined) return;
  const names = namesIn(ownLines);
  const why = names.length === 0 ? 'somebody else started it' : `its option file has ${names.join(', ')} besides`;
  throw new LastgoodError(
    'PREFLIGHT_FAILED',
    `a server runs in '${datadir}' as process ${pid}, and may be in use: ${why}`,
    {
      details: { datadir, pid },
      hint: `If nobody needs what it has written since the restore: stop it (\`kill ${pid}\`), and run again. Else restore into another folder.`,
    },
  );
}

/** What to say of them, by name; null where there are none. */
export function ownLinesWarning(datadir: string, ownLines: string): string | null {
  const names = namesIn(ownLines);
  if (names.length === 0) return null;
  return `what was added to '${optionFilePath(datadir)}' stays there (${names.join(', ')}), and counts once the server is started with that file: not yet now`;
}

function namesIn(ownLines: string): string[] {
  const lines = ownLines.split('\n').map((line) => line.trim());
  return lines.filter((line) => line !== '' && !/^[#;[]/.test(line)).map((line) => line.replace(/\s*=.*$/, ''));
}
