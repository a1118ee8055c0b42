import { expect, it } from 'vitest';
import { Undo } from '../../../../src/operations/salvage/undo.ts';
import { silentLog } from '../../../support/archiver.ts';

it('removes the last thing first, all of them, and says what it could not', async () => {
  const removed: string[] = [];
  const undo = new Undo();
  const add = (what: string, fails = false): void => {
    undo.add({
      what,
      remove: () => {
        removed.push(what);
        return fails ? Promise.reject(new Error('no')) : Promise.resolve();
      },
    });
  };
  add('schema');
  add('table', true);
  add('view');
  expect(await undo.all(silentLog)).toEqual(['table (no)']);
  expect(removed).toEqual(['view', 'table', 'schema']);
  expect(await undo.all(silentLog)).toEqual([]);
});

it('removes nothing of what is to stay', async () => {
  const undo = new Undo();
  undo.add({ what: 'schema', remove: () => Promise.reject(new Error('never')) });
  undo.keep();
  expect(await undo.all(silentLog)).toEqual([]);
});

it('forgets what was certainly not made', async () => {
  const undo = new Undo();
  const removed: string[] = [];
  const add = (what: string): (() => void) =>
    undo.add({ what, remove: () => Promise.resolve(void removed.push(what)) });
  add('schema');
  const forget = add('view');
  add('event');
  forget();
  await undo.all(silentLog);
  expect(removed).toEqual(['event', 'schema']);
});
