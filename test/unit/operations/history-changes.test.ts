import { describe, expect, it } from 'vitest';
import { HistoryChanges } from '../../../src/operations/history-changes.ts';
import { aLineage } from '../../support/in-memory-log.ts';

const lineage = aLineage({});

describe('HistoryChanges', () => {
  it('takes a stream that contradicts the archive for another history only when it does so twice', () => {
    const changes = new HistoryChanges();
    changes.contradicted(lineage.id, 'other bytes');
    expect(changes.contradiction(lineage)).toBeNull();
    expect(changes.takeDoubt()).toBe(true);
    expect(changes.takeDoubt()).toBe(false);
    changes.contradicted(lineage.id, 'other bytes again');
    expect(changes.contradiction(lineage)).toBe('other bytes again');
  });

  it('begins to count anew when the source went on as archived, or with another lineage', () => {
    const changes = new HistoryChanges();
    changes.contradicted(lineage.id, 'garbled under way');
    changes.confirmed();
    changes.contradicted(lineage.id, 'garbled again');
    expect(changes.contradiction(lineage)).toBeNull();
    changes.contradicted('another', 'other bytes');
    expect(changes.contradiction(lineage)).toBeNull();
  });

  it('does not go back and forth between servers that answer at one address in turn (peers 25: mariadb-operator #1621)', () => {
    const changes = new HistoryChanges();
    for (let change = 0; change < 3; change += 1) changes.changing(lineage);
    expect(() => {
      changes.changing(lineage);
    }).toThrow(/had another history 4 times within 10 minutes/);
  });
});
