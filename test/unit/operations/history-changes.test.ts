import { describe, expect, it } from 'vitest';
import { HistoryChanges } from '../../../src/operations/history-changes.ts';
import { LastgoodError } from '../../../src/platform/errors.ts';
import { silentLog } from '../../support/archiver.ts';
import { aLineage } from '../../support/in-memory-log.ts';

const lineage = aLineage({});
const mismatch = (why: string): LastgoodError => new LastgoodError('LINEAGE_MISMATCH', why);

describe('HistoryChanges', () => {
  it('takes a stream that contradicts the archive for another history only when it does so twice', () => {
    const changes = new HistoryChanges();
    changes.ended(lineage.id, mismatch('other bytes'));
    expect(changes.contradiction(lineage)).toBeNull();
    expect(changes.takeDoubt()).toBe(true);
    expect(changes.takeDoubt()).toBe(false);
    changes.ended(lineage.id, mismatch('other bytes again'));
    expect(changes.contradiction(lineage)).toBe('other bytes again');
  });

  it('begins to count anew when the source went on as archived, or with another lineage', () => {
    const changes = new HistoryChanges();
    changes.ended(lineage.id, mismatch('garbled under way'));
    changes.confirmed();
    changes.ended(lineage.id, mismatch('garbled again'));
    expect(changes.contradiction(lineage)).toBeNull();
    changes.ended('another', mismatch('other bytes'));
    expect(changes.contradiction(lineage)).toBeNull();
  });

  it('does not go back and forth between servers that answer at one address in turn (peers 25: mariadb-operator #1621)', () => {
    const changes = new HistoryChanges();
    for (let change = 0; change < 3; change += 1) changeOf(changes);
    expect(() => {
      changes.checkRate(lineage);
    }).toThrow(/had another history 4 times within 10 minutes/);
  });

  it('counts only lineages that began, not the looks at a replica that is waited for', () => {
    const changes = new HistoryChanges();
    for (let look = 0; look < 10; look += 1) changes.checkRate(lineage);
    changeOf(changes);
    changes.checkRate(lineage);
    expect(changes.losses).toEqual(['lost']);
  });
});

function changeOf(changes: HistoryChanges): void {
  changes.checkRate(lineage);
  changes.changed({ lineage: aLineage({ id: 'shop-2' }), left: lineage, loss: 'lost' }, silentLog);
}
