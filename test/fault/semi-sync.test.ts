import { describe, expect, it } from 'vitest';
import { startVictim } from '../support/commit-then-kill.ts';
import { chooseSeed, seededRandom } from '../support/random.ts';

const ROUNDS = Number(process.env['LASTGOOD_SEMI_SYNC_ROUNDS'] ?? 100);
const LONGEST_MS = 400;

describe('a loss window of zero', () => {
  it(
    `${ROUNDS} times primary and archiver were killed at once: all that clients saw committed is archived (peers 14: go-mysql #921)`,
    { timeout: ROUNDS * 20_000 },
    async ({ annotate }) => {
      const seed = chooseSeed();
      await annotate(`LASTGOOD_SEED=${seed}`);
      const random = seededRandom(seed);
      await using victim = await startVictim();
      let commits = 0;
      for (let round = 1; round <= ROUNDS; round += 1) {
        const committed = await victim.round(`round${round}`, random() * LONGEST_MS);
        const archived = await victim.archived();
        const lost = committed.filter((id) => !archived.has(id));
        expect(lost, `round ${round}, LASTGOOD_SEED=${seed}`).toEqual([]);
        commits += committed.length;
      }
      expect(commits).toBeGreaterThanOrEqual(ROUNDS);
      await annotate(`${commits} commits in ${ROUNDS} rounds`);
    },
  );
});
