import { EVENT } from '../../binlog/event-type.ts';
import type { FormatDescription } from '../../binlog/format-description.ts';
import type { QueryEvent } from '../../binlog/group.ts';
import { queryRole } from '../../binlog/query-event.ts';
import { parseStatementContext, type StatementContext } from '../../binlog/statement-context.ts';
import { dialectOf, sourceOf } from '../../incident/dialect.ts';
import type { LastgoodError } from '../../platform/errors.ts';
import { quoteName } from '../../server/quote-name.ts';
import { isBrokenOff } from './expected-errors.ts';
import { nameInvoker } from './invoker.ts';
import { loadStatement } from './load-statement.ts';
import type { LoggedEvent } from './logged-events.ts';
import { BEGIN } from './open-group.ts';
import type { SessionState } from './session-state.ts';
import {
  charsetDefaults,
  databaseCollation,
  optionsOf,
  variablesOf,
  type Options,
  type SessionVariables,
} from './session-variables.ts';
import { own, type Statement } from './statement.ts';
import type { TranslatorOptions } from './translator-options.ts';
import { parseWholeQuery } from './whole-query.ts';
import { withoutEnd } from './without-end.ts';

/** The schema is the statement's object, not its default. Source: MySQL 8.4 sql/log_event.h, LOG_EVENT_SUPPRESS_USE_F. */
const SUPPRESS_USE = 0x8;
/** utf8mb4_general_ci: in it names are, which have other letters than ASCII. */
const UTF8: SessionVariables = { character_set_client: '45' };
const NOT_ASCII = /[^\u0020-\u007e]/;
/** What changes rows and nothing else: such a statement ends where it ends, whatever follows. */
const CHANGES_ROWS = /^\s*(?:INSERT|UPDATE|DELETE|REPLACE)\s/i;

/** Turns statements in text form into the same ones in the same circumstances. */
export class QueryTranslator {
  readonly #options: TranslatorOptions;
  readonly #state: SessionState;
  readonly #failure: (event: LoggedEvent, why: string) => LastgoodError;
  #format: FormatDescription | null = null;
  #flags: Options = [];
  #hasWarned = false;

  constructor(
    options: TranslatorOptions,
    state: SessionState,
    failure: (event: LoggedEvent, why: string) => LastgoodError,
  ) {
    this.#options = options;
    this.#state = state;
    this.#failure = failure;
  }

  /** The server that wrote what comes now. */
  set source(format: FormatDescription) {
    this.#format = format;
    this.#flags = optionsOf(format);
  }

  async translate(event: LoggedEvent): Promise<readonly Statement[]> {
    const query = parseWholeQuery(event);
    const context = parseStatementContext(event, event.bodyEnd);
    if (query === null || context === null) throw this.#failure(event, 'the statement cannot be read');
    switch (queryRole(query.text)) {
      case 'begin':
        return [own(BEGIN)];
      case 'commit':
        return [own('COMMIT')];
      case 'rollback':
        return [own('ROLLBACK')];
      case 'xa-start':
      case 'statement':
        return await this.#statement(event, query, context);
    }
  }

  /** The client's character set must be one that the text's letters are in. */
  utf8For(sql: string): SessionVariables {
    return NOT_ASCII.test(sql) ? UTF8 : {};
  }

  async #statement(event: LoggedEvent, query: QueryEvent, context: StatementContext): Promise<readonly Statement[]> {
    if (isBrokenOff(query.errorCode))
      throw this.#failure(event, `the source broke it off half done, with error ${query.errorCode}`);
    const isSchemas = (event.flags & SUPPRESS_USE) !== 0;
    const use = isSchemas ? [] : await this.#use(query.schema);
    const statement = await this.#logged(event, query, context);
    if (isSchemas) this.#schemasChange();
    const defaults = this.#charsetDefaults(event, context);
    const variables = { ...variablesOf(query, context, this.#flags), ...defaults, ...databaseCollation(context) };
    const change = this.#state.change(variables);
    return [...use.map((sql) => own(sql)), ...(change === null ? [] : [own(change)]), statement];
  }

  #charsetDefaults(event: LoggedEvent, context: StatementContext): SessionVariables {
    const { hasCharsetDefaults, collations } = this.#options.limits;
    if (context.unknown !== undefined && !this.#hasWarned) {
      this.#hasWarned = true;
      this.#options.log.warn({ variable: context.unknown }, 'statements depend on a variable that is not known here');
    }
    if (!hasCharsetDefaults && context.characterSetCollations === undefined) return {};
    const defaults = charsetDefaults(context, collations);
    if (defaults === null)
      throw this.#failure(event, 'the target does not know the default collations of the statement');
    return defaults;
  }

  async #logged(event: LoggedEvent, query: QueryEvent, context: StatementContext): Promise<Statement> {
    const { text, sqlMode, errorCode: expected } = query;
    const format = this.#format;
    const dialect = format === null ? null : dialectOf(sourceOf(format), sqlMode, false);
    const sql = dialect === null ? text : nameInvoker(withoutEnd(text, dialect), context.invoker, dialect);
    const alone = expected !== 0 || !CHANGES_ROWS.test(text.toString('latin1', 0, 32));
    const statement = { sql, logged: { text, sqlMode }, expected, alone };
    if (event.type !== EVENT.EXECUTE_LOAD_QUERY) return statement;
    const load = loadStatement(event, sql);
    if (load === null) throw this.#failure(event, 'the LOAD DATA statement contradicts itself');
    return {
      ...statement,
      sql: load.sql,
      alone: true,
      localFile: await this.#options.files.reader(load.fileId),
      takesAllLines: load.isStrict,
    };
  }

  /** @returns the statements that choose the default schema; the one of a session may be gone */
  async #use(schema: string): Promise<string[]> {
    if (schema === this.#state.schema) return [];
    const { schemas, settle, chooseMissing, leaveSchema } = this.#options;
    if (schema === '') {
      await settle();
      await leaveSchema();
      this.#state.schema = '';
      this.#state.forget('collation_database');
      return [];
    }
    const name = quoteName(schema);
    const charset = this.#state.change(this.utf8For(schema));
    const before = charset === null ? [] : [charset];
    this.#state.forget('collation_database');
    let exists = schemas.recall(schema);
    if (exists === undefined) {
      await settle();
      exists = await schemas.ask(schema);
    }
    this.#state.schema = schema;
    if (exists) return [...before, `USE ${name}`];
    await settle();
    await chooseMissing(schema, [...before, `USE ${name}`]);
    return [];
  }

  #schemasChange(): void {
    this.#options.schemas.forget();
    if (this.#state.schema === '') return;
    this.#state.schema = null; // it may be the one that is dropped
    this.#state.forget('collation_database');
  }
}
