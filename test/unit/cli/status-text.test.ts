import { describe, expect, it } from 'vitest';
import { findingsText } from '../../../src/cli/output/findings-text.ts';
import { nagiosLine } from '../../../src/cli/output/status-text.ts';
import type { Finding } from '../../../src/operations/finding.ts';
import type { Status } from '../../../src/operations/status.ts';

const plain = (_color: string, text: string): string => text;

function aFinding(severity: Finding['severity'], found: string): Finding {
  return { severity, check: 'check', object: 'shop', found, fix: 'Do this.\nThen that.' };
}

function aStatus(findings: readonly Finding[], exposure: Status['exposure'] = { seconds: 2, groups: 1 }): Status {
  return {
    window: { from: '2026-11-22T10:00:00Z', to: '2026-11-22T11:00:00Z', fromGtid: null, toGtid: null },
    exposure,
    archiver: { running: true, file: null, position: null, gtid: null, lagSeconds: null },
    lastBackup: null,
    lastRehearsal: null,
    gaps: [],
    pins: [],
    purge: null,
    findings,
  };
}

describe('the line for monitoring', () => {
  it.each([
    [[], 'OK', 0],
    [[aFinding('info', 'i')], 'OK', 0],
    [[aFinding('warning', 'w')], 'WARNING', 1],
    [[aFinding('warning', 'w'), aFinding('error', 'e')], 'CRITICAL', 2],
  ])('%j is %s', (findings, word, exitCode) => {
    const result = nagiosLine(aStatus(findings));
    expect(result.exitCode).toBe(exitCode);
    expect(result.line).toMatch(new RegExp(`^LASTGOOD ${word} - `));
  });

  it('names the worst findings only, and has no bar but the one before the numbers', () => {
    const { line } = nagiosLine(aStatus([aFinding('warning', 'w'), aFinding('error', 'a|b'), aFinding('error', 'c')]));
    expect(line).toBe('LASTGOOD CRITICAL - a/b; c | exposure_seconds=2s exposure_groups=1');
  });

  it('has no numbers where nothing is known', () => {
    expect(nagiosLine(aStatus([aFinding('error', 'e')], { seconds: null, groups: null })).line).toBe(
      'LASTGOOD CRITICAL - e',
    );
  });
});

it('findings stand with the worst first, and their fixes under them', () => {
  expect(findingsText([aFinding('info', 'i'), aFinding('error', 'e')], plain)).toBe(
    [
      'error: check (shop): e',
      '  fix: Do this.',
      '       Then that.',
      'info: check (shop): i',
      '  fix: Do this.',
      '       Then that.',
    ].join('\n'),
  );
});
