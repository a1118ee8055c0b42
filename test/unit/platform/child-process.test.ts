import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { findProgram, runTool } from '../../../src/platform/child-process.ts';
import { waitFor } from '../../../src/platform/wait.ts';

const NODE = process.execPath;

describe('findProgram', () => {
  it('finds the first that is installed', () => {
    expect(findProgram(['no-such-program', 'sh'])).toMatch(/^\/.*\/sh$/);
  });

  it('names all it looked for', () => {
    expect(() => findProgram(['no-such-a', 'no-such-b'])).toThrow("cannot find the program 'no-such-a' or 'no-such-b'");
  });
});

describe('runTool', () => {
  it('hands over input, environment and both outputs', async () => {
    const script = 'process.stdin.pipe(process.stdout); process.stderr.write(process.env.WORD)';
    const output = await runTool({
      program: NODE,
      args: ['-e', script],
      env: { WORD: 'said' },
      input: Readable.from([Buffer.from('one '), Buffer.from('two')]),
    });
    expect(output).toEqual({ stdout: 'one two', stderr: 'said' });
  });

  it('reports status and the tail of stderr', async () => {
    const script = "console.error('x'.repeat(10000) + ' no such table'); process.exitCode = 3";
    await expect(runTool({ program: NODE, args: ['-e', script] })).rejects.toMatchObject({
      code: 'TOOL_FAILED',
      message: expect.stringMatching(/exited with status 3: x+ no such table$/) as string,
    });
  });

  it('reports a missing program as missing', async () => {
    await expect(runTool({ program: '/no/such/program', args: [] })).rejects.toMatchObject({ code: 'TOOL_MISSING' });
  });

  it('takes output one piece at a time, and waits for whoever takes it', async () => {
    const script = "process.stdout.write('a'.repeat(1 << 20))";
    let [bytes, inside, most] = [0, 0, 0];
    const onOutput = async (chunk: Buffer): Promise<void> => {
      most = Math.max(most, ++inside);
      await new Promise((resolve) => setImmediate(resolve));
      bytes += chunk.length;
      inside -= 1;
    };
    expect((await runTool({ program: NODE, args: ['-e', script], onOutput })).stdout).toBe('');
    expect({ bytes, most }).toEqual({ bytes: 1 << 20, most: 1 });
  });

  it('ends the program when whoever takes the output fails', async () => {
    const script = "console.log(process.pid); setInterval(() => console.log('x'), 5)";
    let pid = 0;
    const onOutput = (chunk: Buffer): void => {
      pid = Number.parseInt(chunk.toString());
      throw new Error('disk full');
    };
    await expect(runTool({ program: NODE, args: ['-e', script], onOutput })).rejects.toThrow('disk full');
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });

  it('ends the program when the signal comes, and has ended it when it returns', async () => {
    const controller = new AbortController();
    let pid = 0;
    const run = runTool({
      program: NODE,
      args: ['-e', 'console.log(process.pid); setInterval(() => undefined, 1000)'],
      onOutput: (chunk) => {
        pid = Number(chunk.toString());
      },
      signal: controller.signal,
    });
    run.catch(() => undefined);
    await waitFor(() => pid > 0, { timeoutMs: 5000, what: 'the program to start' });
    controller.abort();
    await expect(run).rejects.toMatchObject({ code: 'INTERRUPTED' });
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });

  it('is not disturbed by a program that does not read its input', async () => {
    const input = Readable.from([Buffer.alloc(1 << 20)]);
    expect(await runTool({ program: NODE, args: ['-e', "console.log('done')"], input })).toMatchObject({
      stdout: 'done\n',
    });
  });
});
