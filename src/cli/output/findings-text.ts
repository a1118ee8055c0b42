import type { Finding } from '../../operations/finding.ts';
import { oneLine } from '../../platform/visible.ts';
import type { Cli } from '../cli.ts';
import type { Color } from './color.ts';

const COLORS: Readonly<Record<Finding['severity'], Color>> = { error: 'red', warning: 'yellow', info: 'dim' };
const WORST_FIRST: readonly Finding['severity'][] = ['error', 'warning', 'info'];

/** Each finding with its fix, the worst first. '' when there is none. */
export function findingsText(findings: readonly Finding[], paint: Cli['paint']): string {
  return findings
    .toSorted((a, b) => WORST_FIRST.indexOf(a.severity) - WORST_FIRST.indexOf(b.severity))
    .map(({ severity, check, object, found, fix }) => {
      const what = oneLine(`${check}${object === null ? '' : ` (${object})`}: ${found}`);
      const title = `${paint(COLORS[severity], severity)}: ${what}`;
      return fix === '' ? title : `${title}\n  fix: ${fix.replaceAll('\n', '\n       ')}`;
    })
    .join('\n');
}

/** The worst severity there is, or null when there is nothing worse than information. */
export function worstOf(findings: readonly Finding[]): 'error' | 'warning' | null {
  if (findings.some(({ severity }) => severity === 'error')) return 'error';
  return findings.some(({ severity }) => severity === 'warning') ? 'warning' : null;
}
