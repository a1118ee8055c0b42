import { describe, expect, it } from 'vitest';
import { neededSchemas } from '../../../../../src/operations/salvage/narrow/needed-schemas.ts';

const NAMES: Readonly<Record<string, readonly string[]>> = { shop: ['crm'], report: ['shop'], crm: ['geo'] };

function needed(groups: readonly (readonly string[])[], hasText = false): string[] {
  const schemas = ['shop', 'crm', 'geo', 'report', 'blog', 'mail'];
  return [...neededSchemas(['shop'], { groups, schemas, namedBy: (schema) => NAMES[schema] ?? [], hasText })].sort();
}

describe('the schemas that one needs', () => {
  it('are those that its definitions name, and theirs', () => {
    expect(needed([['shop'], ['blog', 'mail'], []])).toEqual(['crm', 'geo', 'shop']);
  });

  it('are those that one transaction changed together with them, whichever of them', () => {
    expect(
      needed([
        ['blog', 'mail'],
        ['geo', 'mail'],
      ]),
    ).toEqual(['blog', 'crm', 'geo', 'mail', 'shop']);
  });

  it('are, where statements run anew, also those whose triggers and views may lead to them', () => {
    expect(needed([], true)).toEqual(['crm', 'geo', 'report', 'shop']);
  });
});
