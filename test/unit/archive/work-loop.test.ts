import { expect, it } from 'vitest';
import { WorkLoop } from '../../../src/archive/work-loop.ts';

it('does one work at a time, and takes up at its end what fell due meanwhile', async () => {
  let running = 0;
  let done = 0;
  const loop = new WorkLoop(async () => {
    running += 1;
    expect(running).toBe(1);
    await new Promise(setImmediate);
    running -= 1;
    done += 1;
  });
  for (let times = 0; times < 3; times += 1) loop.run();
  await loop.underWay;
  expect(done).toBe(2);
  expect(loop.underWay).toBeNull();
});

it('keeps its first failure, and begins nothing more', async () => {
  let begun = 0;
  const loop = new WorkLoop(() => {
    begun += 1;
    return Promise.reject(new Error(`failure ${begun}`));
  });
  loop.run();
  await loop.underWay;
  loop.run();
  loop.failWith(new Error('a later one'));
  expect(begun).toBe(1);
  expect(loop.hasFailed).toBe(true);
  expect(() => {
    loop.throwFailure();
  }).toThrow('failure 1');
  await expect(loop.failed).rejects.toThrow('failure 1');
});
