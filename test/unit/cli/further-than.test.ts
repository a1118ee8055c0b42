import { describe, expect, it } from 'vitest';
import { furtherThan } from '../../../src/cli/target-options.ts';
import type { Plan } from '../../../src/recovery/plan.ts';

const done = { skipped: [{ id: 'inc-1' }, { id: 'inc-2' }], backup: { id: 'b-1' } } as unknown as Plan;

describe('a restore brought forward', () => {
  it('leaves out what it left out before, from the same backup', () => {
    const aim = furtherThan(done, { target: { kind: 'latest' }, skip: ['inc-2', 'inc-3'] });
    expect(aim).toEqual({ target: { kind: 'latest' }, skip: ['inc-1', 'inc-2', 'inc-3'], backup: 'b-1' });
  });

  it('to before what it left out is not told to go without a --skip that nobody gave', () => {
    const target = { kind: 'before-incident', incident: 'inc-1' } as const;
    expect(furtherThan(done, { target, skip: [] }).skip).toEqual(['inc-2']);
    expect(furtherThan(done, { target, skip: ['inc-1'] }).skip).toEqual(['inc-2', 'inc-1']);
  });
});
