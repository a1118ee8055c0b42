/** What ties schemas to each other. */
export interface SchemaTies {
  /** Schemas that one group of the log is about, each list once. */
  readonly groups: readonly (readonly string[])[];
  readonly schemas: readonly string[];
  /** The schemas that definitions of one may name. */
  readonly namedBy: (schema: string) => readonly string[];
  /** True where also rows of one of its tables may reach what its definitions name. */
  readonly passesOn: (schema: string) => boolean;
  /** True where statements run anew: then a change of one schema may reach another one whose name only its triggers, views and functions know. */
  readonly hasText: boolean;
}

/**
 * The schemas without which some may not become what they were: those that one transaction changed together with them, and those
 * that their definitions name. Pure.
 */
export function neededSchemas(
  wanted: readonly string[],
  { groups, schemas, namedBy, passesOn, hasText }: SchemaTies,
): Set<string> {
  const needed = new Set(wanted);
  const names = schemas
    .map((schema) => ({ schema, named: namedBy(schema), reaches: hasText || passesOn(schema) }))
    .filter(({ named }) => named.length > 0);
  for (let before = -1; before !== needed.size;) {
    before = needed.size;
    for (const group of groups) if (group.some((schema) => needed.has(schema))) group.forEach((one) => needed.add(one));
    for (const { schema, named, reaches } of names) {
      if (reaches && named.some((one) => needed.has(one))) needed.add(schema);
      if (needed.has(schema)) named.forEach((one) => needed.add(one));
    }
  }
  return needed;
}
