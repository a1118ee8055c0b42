import type { ServedArchive } from '../../operations/serve-archive.ts';
import { oneLine } from '../../platform/visible.ts';
import { formatBytes } from './quantity.ts';
import { skipLines } from './skip-text.ts';
import { formatFacts } from './table.ts';

/** What is served, and how to come to it. @param showsPassword false: the output may be kept */
export function servedText(served: ServedArchive, showsPassword: boolean): string {
  const { host, port, user, password, from, to, bytes } = served;
  const facts: [string, string][] = [
    ['serving', `${host}:${port}${served.tls ? ', TLS only' : ''}`],
    ['user', user],
    ['password', passwordText(password, showsPassword)],
    ['from', placeText(from)],
    ['to', placeText(to)],
    ['cut', served.between],
    ['log', formatBytes(bytes)],
    ...served.skipped.map(({ id, kind }): [string, string] => ['left out', leftOutText(served, `${id} (${kind})`, id)]),
  ];
  const hide = (sql: string): string => (password === null || showsPassword ? sql : sql.replace(password, '...'));
  return [
    formatFacts(facts),
    ...served.warnings.map((warning) => `warning: ${oneLine(warning)}`),
    ...served.statements.map((statement) => `\n${statement.for}:\n  ${hide(statement.sql)}`),
    '\nCtrl-C ends it.',
  ].join('\n');
}

function leftOutText({ skips, conflicts }: ServedArchive, name: string, id: string): string {
  const skip = skips.find(({ incident }) => incident === id);
  return [name, ...skipLines(skip, conflicts)].map(oneLine).join('\n');
}

function passwordText(password: string | null, shown: boolean): string {
  if (password === null) return 'that of --password-file';
  return shown
    ? `${password} (for this run only)`
    : 'shown on a terminal and with --json only; or give --password-file';
}

function placeText({ lineage, file, position, gtid }: ServedArchive['from']): string {
  return `${lineage} ${file}:${position}${gtid === null ? '' : `, GTID ${gtid === '' ? 'none yet' : gtid}`}`;
}
