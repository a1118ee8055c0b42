import { afterEach, describe, expect, it, vi } from 'vitest';
import { Cli } from '../../../src/cli/cli.ts';
import { findingsText } from '../../../src/cli/output/findings-text.ts';
import { incidentsText } from '../../../src/cli/output/incident-text.ts';
import { formatFacts, formatTable } from '../../../src/cli/output/table.ts';
import { oneLine, visible } from '../../../src/platform/visible.ts';
import { reportError } from '../../../src/cli/report-error.ts';
import { LastgoodError } from '../../../src/platform/errors.ts';
import { anIncident, TEN_O_CLOCK } from '../../support/in-memory-log.ts';

const ESC = '\u001B';
const HOSTILE = `a${ESC}]0;title\u0007${ESC}[2J\u009B1mb\r\u007F\u202Ec`;
const SHOWN = String.raw`a\x1b]0;title\x07\x1b[2J\x9b1mb\r\x7f\u202ec`;

afterEach(() => {
  vi.restoreAllMocks();
});

/** What a command sends to stdout. */
function printed(options: { json?: boolean; terminal?: boolean }, print: (cli: Cli) => void): string {
  let out = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += String(text);
    return true;
  });
  const { terminal = false, json = false } = options;
  const isTTY = Object.getOwnPropertyDescriptor(process.stdout, 'isTTY');
  vi.stubEnv('NO_COLOR', '');
  Object.defineProperty(process.stdout, 'isTTY', { value: terminal, configurable: true });
  try {
    print(new Cli({ json, color: true }, new AbortController().signal));
  } finally {
    if (isTTY === undefined) Reflect.deleteProperty(process.stdout, 'isTTY');
    else Object.defineProperty(process.stdout, 'isTTY', isTTY);
    vi.unstubAllEnvs();
  }
  return out;
}

describe('text for a terminal', () => {
  it('shows what would steer it, and leaves letters, line feeds and tabs', () => {
    expect(visible(HOSTILE)).toBe(SHOWN);
    expect(visible('Größe 価格 🙂\n\tx\u2028y')).toBe('Größe 価格 🙂\n\tx\\u2028y');
  });

  it('keeps our colours only where it was painted, and no other sequence beside them', () => {
    const painted = `${ESC}[31mred${ESC}[39m${ESC}[8mhidden${ESC}[1A`;
    expect(visible(painted, { colors: true })).toBe(`${ESC}[31mred${ESC}[39m\\x1b[8mhidden\\x1b[1A`);
    expect(visible(painted)).not.toContain(ESC);
  });

  it('is what every command prints, on a terminal and into a pipe; JSON keeps every character', () => {
    const incident = anIncident(
      { start: 256, end: 356, time: TEN_O_CLOCK },
      {
        file: 'binlog.000001',
        objects: [{ schema: HOSTILE, name: 'orders\ninc-00000000  drop-table', type: 'table' }],
        statement: `DROP /*${HOSTILE}*/`,
      },
    );
    const print = (cli: Cli): void => {
      cli.print(incident, () => incidentsText([incident], cli.paint));
      cli.printLine(HOSTILE);
    };
    const onTerminal = printed({ terminal: true }, print);
    expect(onTerminal).toContain(`${ESC}[31m${incident.kind}${ESC}[39m`);
    expect(onTerminal.replaceAll(/\u001B\[(?:1|22|31|39)m/g, '')).toBe(printed({}, print));
    expect(printed({}, print)).toContain(`DROP /*${SHOWN}*/`);
    expect(printed({}, print)).toContain(String.raw`${SHOWN}.orders\ninc-00000000  drop-table`);
    expect(printed({}, print)).not.toMatch(/^inc-00000000/m);
    const json = printed({ json: true }, (cli) => {
      cli.print(incident, () => '');
    });
    expect(JSON.parse(json)).toEqual(incident);
  });

  it('is what errors are told in', () => {
    let told = '';
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
      told += String(text);
      return true;
    });
    reportError(new LastgoodError('USAGE', HOSTILE), { json: false, interrupted: false });
    reportError(new Error(HOSTILE), { json: false, interrupted: false });
    expect(told.split(SHOWN).length).toBeGreaterThanOrEqual(3);
    expect(told).not.toContain(`${ESC}[2J`);
  });
});

describe('a line feed in a value', () => {
  it('begins no line of its own: under its fact, and as its escape in tables and findings', () => {
    expect(oneLine('a\nb\tc')).toBe(String.raw`a\nb\tc`);
    expect(
      formatFacts([
        ['pinned', 'inc-1 (see\nexposure  none)'],
        ['exposure', 'unknown'],
      ]),
    ).toBe(['pinned    inc-1 (see', '          exposure  none)', 'exposure  unknown'].join('\n'));
    expect(formatTable([{ title: 'what' }], [['a\nb']])).toBe(['WHAT', String.raw`a\nb`].join('\n'));
    const found = 'pinned for\nerror: all is lost';
    const finding = { severity: 'info', check: 'pins', object: null, found, fix: '' } as const;
    expect(findingsText([finding], (_color, text) => text)).toBe(
      String.raw`info: pins: pinned for\nerror: all is lost`,
    );
  });
});
