/** Statements that a transaction can take back; of any other it is not known. */
const CHANGES_ROWS = /^\s*(?:insert|update|delete|replace|load|savepoint|rollback|release)\b/i;

/** False also where it is not known. */
export function changesRows(text: Buffer): boolean {
  return CHANGES_ROWS.test(text.toString('latin1', 0, 200));
}
