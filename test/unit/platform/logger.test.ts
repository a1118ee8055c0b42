import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const LOGGER = join(import.meta.dirname, '../../../src/platform/logger.ts');

/** Logs one line in a process of its own and ends that process at once. */
function logAndExit(options: string): { stdout: string; stderr: string } {
  const script = `import { createLogger } from '${LOGGER}';
    createLogger(${options}).child({ component: 'archive' }).info({ segment: 'binlog.000001' }, 'sealed');
    process.exit(0);`;
  return spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], { encoding: 'utf8' });
}

/** What statements about `log` write. */
function logLines(options: string, statements: string): { stderr: string } {
  const script = `import { createLogger } from '${LOGGER}'; const log = createLogger(${options}); ${statements}`;
  return spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], { encoding: 'utf8' });
}

describe('createLogger', () => {
  it('has written its JSON line to stderr when the process ends', () => {
    const { stdout, stderr } = logAndExit("{ level: 'info', pretty: false }");
    expect(JSON.parse(stderr)).toMatchObject({
      level: 30,
      component: 'archive',
      segment: 'binlog.000001',
      msg: 'sealed',
    });
    expect(stdout).toBe('');
  });

  it('shows to people what would steer their terminal', () => {
    const script = `import { createLogger } from '${LOGGER}';
      createLogger({ level: 'info', pretty: true, color: true }).warn({ reason: '\\x9b2Ja' }, '\\u202eb');`;
    const args = ['--import', 'tsx', '--input-type=module', '-e', script];
    const { stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    expect(stderr).toContain(String.raw`\u202eb`);
    expect(stderr).toContain(String.raw`\x9b2Ja`);
    expect(stderr).toContain('\u001B[33mWARN\u001B[39m');
  });

  it('gives our own words, and nothing else, as they are wanted', () => {
    const { stderr } = logLines(
      "{ level: 'info', pretty: false, words: (text) => text.toUpperCase() }",
      `log.child({ component: 'a' }).warn({ hint: 'do it', why: 'so', error: 'e', file: 'f' }, 'said');
       log.error(new Error('a bug'), 'why');
       log.info('alone');`,
    );
    const [line, bug, alone] = stderr
      .trim()
      .split('\n')
      .map((text) => JSON.parse(text) as Record<string, unknown>);
    expect(line).toMatchObject({ component: 'a', hint: 'DO IT', why: 'SO', error: 'e', file: 'f', msg: 'SAID' });
    expect(bug).toMatchObject({ err: { message: 'a bug' }, msg: 'WHY' });
    expect(alone).toMatchObject({ msg: 'ALONE' });
  });

  it('writes lines for people the same way', () => {
    const { stderr } = logAndExit("{ level: 'info', pretty: true }");
    expect(stderr).toMatch(/^\[\d\d:\d\d:\d\d\] INFO: sealed/);
  });

  it('keeps quiet below its level', () => {
    expect(logAndExit("{ level: 'warn', pretty: true }").stderr).toBe('');
  });
});
