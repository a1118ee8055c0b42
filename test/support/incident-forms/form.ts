import type { Flavor } from '../../../src/binlog/gtid.ts';
import type { IncidentKind, IncidentState } from '../../../src/incident/incident.ts';

export const LOG_FORMATS = ['ROW', 'MIXED', 'STATEMENT'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

/**
 * A way to destroy something, as plain data. `$db` is the form's own schema, made anew for each run and the default one;
 * `$dir` a folder that the server may read files from.
 */
export interface IncidentForm {
  readonly name: string;
  /** What is there before; `ONE_TABLE` when not given. */
  readonly setup?: readonly string[];
  readonly steps: readonly Step[];
  /** What is to be found, in log order. */
  readonly finds: readonly ExpectedIncident[];
  /** What is to be found instead in a log of that format. */
  readonly findsIn?: Partial<Readonly<Record<LogFormat, readonly ExpectedIncident[]>>>;
  /** Both when not given. */
  readonly flavor?: Flavor;
  /** All of them when not given. */
  readonly formats?: readonly LogFormat[];
  /** The client's character set as the driver names a collation of it; utf8mb4 when not given. */
  readonly collation?: string;
  /** True when what the server shows does not tell whether it was destroyed. */
  readonly leavesNoTrace?: true;
}

/** A statement; one that fails with an error; one of another session; a condition that comes true by itself. */
export type Step =
  | string
  | { readonly fails: string }
  | { readonly byAnother: string; readonly fails?: true }
  | { readonly until: string };

export interface ExpectedIncident {
  readonly kind: IncidentKind;
  /** `type schema.name`, `type schema`, or `type schema.name (parts)`. */
  readonly objects: readonly string[];
  /** effective when not given. */
  readonly state?: IncidentState;
  readonly suspicious?: true;
  /** Only compared when given. */
  readonly rows?: { readonly deleted: number; readonly updated: number };
  /** `schema.name` of tables that foreign keys may have changed; true: some, it is not known which; none when not given. */
  readonly cascades?: readonly string[] | true;
  /** Which of these groups is its last, when it goes on in later ones. */
  readonly goesOnTo?: number;
  /** Which of the groups that the steps wrote, from 0; the first when not given. */
  readonly group?: number;
  /** Which of these groups decided about it; none when not given. */
  readonly settledBy?: number;
}

/** Three rows in a table `a`. */
export const ONE_TABLE: readonly string[] = [
  'CREATE TABLE a (id INT PRIMARY KEY, v INT, w VARCHAR(100))',
  "INSERT INTO a VALUES (1, 1, 'x'), (2, 2, 'y'), (3, 3, 'z')",
];

/** The forms that exist on a server of the flavor in the format. */
export function formsOn<Form extends Pick<IncidentForm, 'flavor' | 'formats'>>(
  forms: readonly Form[],
  { flavor, format }: { flavor: Flavor; format: LogFormat },
): readonly Form[] {
  return forms.filter((form) => (form.flavor ?? flavor) === flavor && (form.formats ?? LOG_FORMATS).includes(format));
}
