import type { IncidentKind } from '../../incident/incident.ts';
import type { MassThreshold } from '../mass-threshold.ts';

/** Who is told of incidents, and of which. */
export interface AlertSettings {
  /** A line for the shell; null: none. */
  readonly command: string | null;
  /** An http or https URL, which may hold a secret: it is never shown or logged whole; null: none. */
  readonly webhook: string | null;
  /** A change of fewer rows alerts nobody. */
  readonly mass: MassThreshold;
  /** The first that matches wins. */
  readonly rules: readonly AlertRule[];
}

/** One `[[incidents.rule]]`: says of an object that an incident destroyed whether anybody wants to be told. */
export interface AlertRule {
  /** null: all. */
  readonly kinds: readonly IncidentKind[] | null;
  /** Patterns with `*` and `?`; null: any, also an incident that names no object. */
  readonly schemas: readonly string[] | null;
  /** null: any, also a whole schema. */
  readonly tables: readonly string[] | null;
  readonly alert: boolean;
}
