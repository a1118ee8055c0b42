import { describe, it } from 'vitest';
import { scanCase } from '../fuzz/scan-case.ts';

describe('lastgood scan over a folder of damaged files', () => {
  it('says what is wrong with each, and never shows a stack', async () => {
    await scanCase(20_261_122);
  });
});
