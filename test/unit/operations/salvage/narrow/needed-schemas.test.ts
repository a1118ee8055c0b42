import { describe, expect, it } from 'vitest';
import { neededSchemas } from '../../../../../src/operations/salvage/narrow/needed-schemas.ts';

const NAMES: Readonly<Record<string, readonly string[]>> = { shop: ['crm'], report: ['shop'], crm: ['geo'] };

function needed(
  groups: readonly (readonly string[])[],
  hasText = false,
  passesOn: (schema: string) => boolean = () => false,
): string[] {
  const schemas = ['shop', 'crm', 'geo', 'report', 'blog', 'mail'];
  const namedBy = (schema: string): readonly string[] => NAMES[schema] ?? [];
  return [...neededSchemas(['shop'], { groups, schemas, namedBy, passesOn, hasText })].sort();
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

  it('are those whose tables pass their rows on to them, also where the log has only rows', () => {
    expect(needed([], false, (schema) => schema === 'report')).toEqual(['crm', 'geo', 'report', 'shop']);
    expect(needed([], false, (schema) => schema === 'mail')).toEqual(['crm', 'geo', 'shop']);
  });
});
