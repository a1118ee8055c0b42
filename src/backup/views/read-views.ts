import type { TableName } from '../../binlog/group.ts';
import type { ServerConnection } from '../../server/connection.ts';
import { namesIn, orderViews, viewKey, type ViewKey } from './view-order.ts';

/** A view, and what decides how it can be made anew. */
export interface View extends TableName {
  readonly key: ViewKey;
  /** Whoever it reads as, `user@host`; `role@` for a role. */
  readonly definer: string;
  readonly security: 'DEFINER' | 'INVOKER';
  /** Views that it reads, and perhaps a few that it does not. */
  readonly reads: ReadonlySet<ViewKey>;
  readonly isChecked: boolean;
  readonly isUpdatable: boolean;
  /** The SELECT of a view that the server itself cannot read. */
  readonly broken: string | null;
}

interface Row extends TableName {
  readonly definition: string;
  readonly checkOption: string;
  readonly updatable: string;
  readonly definer: string;
  readonly security: 'DEFINER' | 'INVOKER';
}

/** Reads all views of these schemas, each behind those that it reads. */
export async function readViewsInOrder(
  connection: ServerConnection,
  schemas: readonly string[],
  broken: readonly TableName[],
): Promise<View[]> {
  const isBroken = new Set(broken.map(viewKey));
  const views: View[] = [];
  for (const schema of schemas) {
    const rows = await connection.query<Row>(
      `SELECT TABLE_SCHEMA AS \`schema\`, TABLE_NAME AS \`table\`, VIEW_DEFINITION AS definition, CHECK_OPTION AS checkOption,
              IS_UPDATABLE AS updatable, DEFINER AS definer, SECURITY_TYPE AS security
       FROM information_schema.VIEWS WHERE TABLE_SCHEMA = ? ORDER BY TABLE_NAME`,
      [schema],
    );
    for (const row of rows) if (row.schema === schema) views.push(viewOf(row, isBroken));
  }
  const keys = new Set(views.map(({ key }) => key));
  return orderViews(views.map((view) => ({ ...view, reads: new Set([...view.reads].filter((key) => keys.has(key))) })));
}

function viewOf({ schema, table, definition, definer, security, ...row }: Row, isBroken: ReadonlySet<ViewKey>): View {
  const key = viewKey({ schema, table });
  return {
    ...{ schema, table, key, definer, security },
    reads: namesIn(definition),
    isChecked: row.checkOption !== 'NONE',
    isUpdatable: row.updatable === 'YES',
    broken: isBroken.has(key) ? definition : null,
  };
}
