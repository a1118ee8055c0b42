import { ALTER_FORMS } from './incident-forms/alter.ts';
import { DROP_DATABASE_FORMS } from './incident-forms/drop-database.ts';
import { DROP_TABLE_FORMS } from './incident-forms/drop-table.ts';
import type { IncidentForm } from './incident-forms/form.ts';
import { OTHER_OBJECT_FORMS } from './incident-forms/other-objects.ts';
import { REPLACE_AND_RENAME_FORMS } from './incident-forms/replace-and-rename.ts';
import { ROW_FORMS } from './incident-forms/rows.ts';
import { TRANSACTION_FORMS } from './incident-forms/transactions.ts';
import { TRAP_FORMS } from './incident-forms/traps.ts';
import { TRUNCATE_FORMS } from './incident-forms/truncate.ts';

/** Every way to destroy something that is tried on real servers, in each format of their logs. */
export const INCIDENT_FORMS: readonly IncidentForm[] = [
  ...DROP_DATABASE_FORMS,
  ...DROP_TABLE_FORMS,
  ...TRUNCATE_FORMS,
  ...ALTER_FORMS,
  ...REPLACE_AND_RENAME_FORMS,
  ...OTHER_OBJECT_FORMS,
  ...ROW_FORMS,
  ...TRANSACTION_FORMS,
  ...TRAP_FORMS,
];
