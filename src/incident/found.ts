import type { Form } from './grammar.ts';
import type { IncidentKind, IncidentObject } from './incident.ts';

/** What reading a statement found that it destroys. */
export interface Found {
  readonly form: Form;
  readonly objects: readonly IncidentObject[];
  /** False where the statement was not understood to its end, or its text cannot tell whether anything is lost. */
  readonly sure: boolean;
  /** True when the statement is about one table only: if it used a temporary one, it was this, or one in a subquery. */
  readonly ofOneTable: boolean;
}

/** Something like a definition, in a form that no table has. It is shown, never dropped. */
export const UNCLASSIFIED: Found = { form: formOf('unclassified'), objects: [], sure: true, ofOneTable: false };

/** A statement of this kind that was logged with an error may have been half done. */
export function formOf(kind: IncidentKind): Form {
  return { kind, afterError: 'unknown' };
}
