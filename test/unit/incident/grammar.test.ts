import { describe, expect, it } from 'vitest';
import { CHANGES } from '../../../src/incident/alter-grammar.ts';
import { STATEMENTS } from '../../../src/incident/grammar.ts';
import { INCIDENT_KINDS } from '../../../src/incident/incident.ts';
import type { Element } from '../../../src/incident/syntax.ts';

function wordsOf(elements: readonly Element[]): string[] {
  return elements.flatMap((element) => {
    if (element.type === 'optional') return wordsOf(element.elements);
    return element.type === 'words' ? [...element.words] : [];
  });
}

const RULES = [...STATEMENTS.rules, ...CHANGES.rules];

describe('the grammars', () => {
  it('have keywords in capitals and known placeholders only', () => {
    const words = RULES.flatMap(({ head, rest }) => [...head.flat(), ...wordsOf(rest)]);
    expect(words.filter((word) => !/^(?:[A-Z0-9_]+|[=(])$/.test(word))).toEqual([]);
  });

  it.each([
    ['statements', STATEMENTS.rules],
    ['changes of a table', CHANGES.rules],
  ])('have one row for each beginning of %s', (_title, rules) => {
    const heads = rules.flatMap(({ head }) => {
      return head.reduce((sofar, words) => sofar.flatMap((one) => words.map((word) => `${one} ${word}`)), ['']);
    });
    expect(heads.filter((head, at) => heads.indexOf(head) !== at)).toEqual([]);
  });

  it('know every kind that a text can tell, and no other', () => {
    const told = [
      ...STATEMENTS.rules.map(({ meaning }) => (meaning.is === 'destroys' ? meaning.form.kind : null)),
      ...CHANGES.rules.map(({ meaning }) => meaning.kind),
      ...['mass-update'], // a reader of its own
    ];
    expect(INCIDENT_KINDS.filter((kind) => !told.includes(kind))).toEqual(['source-incident']);
  });
});
