import type { FormatDescription } from '../../binlog/format-description.ts';
import { formatGtid } from '../../binlog/gtid-text.ts';
import type { GroupPhase } from '../../binlog/group-phase.ts';
import type { Group, GroupVisitor, QueryEvent, RowChange, SourceNote, TableName } from '../../binlog/group.ts';
import { sourceOf, type Source } from '../../incident/dialect.ts';
import type { GroupPlace } from './conflict-list.ts';
import { mentionsIn } from './mentions.ts';
import { NameFilter } from './name-filter.ts';
import { readStatement, type StatementTouches } from './statement-touches.ts';
import type { Stretch } from './read-behind.ts';
import { RowTouches } from './row-touches.ts';
import { keyOf, type Touch } from './touch.ts';

/** All that one group does, each thing once, in order. */
export interface TouchedGroup {
  readonly place: GroupPlace;
  readonly end: number;
  readonly touches: readonly Touch[];
  /** Why it may have done more; null when it has not. */
  readonly unread: string | null;
  /** True when it has statements in text form about rows. */
  readonly hasText: boolean;
  /** True when foreign keys may have changed rows of tables that the log does not name. */
  readonly cascades: boolean;
  /** Set when it is one half of something. */
  readonly phase?: GroupPhase | undefined;
}

export interface GroupTouchesOptions {
  /**
   * Says of the group that holds an offset which names matter: its rows, and statements about rows, of others are passed over.
   * null: all. Asked once for each group.
   */
  readonly filter: (place: Omit<GroupPlace, 'gtid'>) => NameFilter | null;
  readonly onGroup: (group: TouchedGroup) => void;
  /** True where names of tables in capitals are the same names. */
  readonly foldsCase: boolean;
}

/** A group that does more different things than this counts as one that cannot be read. */
const MOST_TOUCHES = 20_000;

/** Puts together what groups do while a log is read. `enterFile` comes before the groups of each file. */
export class GroupTouches implements GroupVisitor {
  readonly #options: GroupTouchesOptions;
  #source: Source = { flavor: 'mysql', version: Infinity };
  #part: Stretch = { lineage: '', file: '', from: 0, to: 0 };
  #touches = new Map<string, Touch>();
  #unread: string | null = null;
  #hasText = false;
  #cascades = false;
  /** Of the open group; undefined: not asked yet. */
  #filter: NameFilter | null | undefined;
  readonly #rows: RowTouches;

  constructor(options: GroupTouchesOptions) {
    this.#options = options;
    this.#rows = new RowTouches(options.foldsCase);
  }

  enterFile(part: Stretch, format: FormatDescription): void {
    this.#part = part;
    this.#source = sourceOf(format);
    this.#forget();
  }

  query(query: QueryEvent): void {
    const filter = this.#filterAt(query.offset);
    const isAboutRows = NameFilter.isAboutRows(query);
    this.#hasText ||= isAboutRows;
    if (filter !== null && isAboutRows && !filter.mayMean(query)) return;
    const statement = readStatement(query, this.#source);
    this.#hasText ||= usesRows(statement);
    if (statement.touches === null) this.#unread ??= 'does something that cannot be read';
    const more = NAMES_FOREIGN_KEYS.test(statement.text) ? { namesForeignKeys: true } : {};
    for (const touch of statement.touches ?? []) this.#add({ ...touch, ...more });
    if (filter !== null) this.#mentions({ ...statement, schema: query.schema }, filter);
  }

  /** What a statement names and does not change, it may read; so it may where it only inserts there, and names it again. */
  #mentions(statement: StatementTouches & { readonly schema: string }, filter: NameFilter): void {
    const { touches } = statement;
    for (const { schema, name, isRepeated } of mentionsIn(statement, (inSchema, named) =>
      filter.has(inSchema, named),
    )) {
      const told = touches?.find((touch) => touch.name === name && touch.schema === schema);
      const isTold = told !== undefined && !(told.verb === 'insert' && isRepeated);
      const more = { lenient: isHarmless(statement), isStored: definesStored(statement) };
      if (!isTold) this.#add({ schema, name, type: 'table', verb: 'read', by: 'text', ...more });
    }
  }

  rows({ kind, schema, table, offset }: RowChange): void {
    if (table === '') {
      this.#unread ??= 'changes rows of a table that the log does not name';
      return;
    }
    const { touch, key } = this.#rows.of(kind, schema, table);
    if (this.#touches.has(key) || this.#filterAt(offset)?.mayConcern(schema, table) === false) return;
    this.#put(key, touch);
  }

  cascade(child: TableName | null): void {
    if (child === null) this.#cascades = true;
    else this.#add({ type: 'table', schema: child.schema, name: child.table, verb: 'delete', by: 'cascade' });
  }

  unread(): void {
    this.#unread ??= 'has an event that cannot be read';
  }

  sourceIncident(start: number, end: number, { inGroup }: SourceNote): void {
    this.#unread ??= 'is where the source lost events';
    if (inGroup) return;
    this.#tell({ start, gtid: null }, end);
  }

  group(group: Group): void {
    const { start, end, phase, ending, transactional } = group;
    // The text stands in both halves of an ALTER, and counts with the second one, which says how it ended.
    const isNothing = phase?.step === 'begun' && phase.key.startsWith('ALTER');
    const isUndone = phase?.step === 'rollback' || (ending === 'rollback' && transactional === true);
    if (isNothing || isUndone) this.#forget();
    if (isUndone && phase === undefined) return;
    this.#tell({ start, gtid: group.gtid === null ? null : formatGtid(group.gtid), phase }, end);
  }

  torn(): void {
    this.#forget();
  }

  #filterAt(offset: number): NameFilter | null {
    const { lineage, file } = this.#part;
    if (this.#filter === undefined) this.#filter = this.#options.filter({ lineage, file, start: offset });
    return this.#filter;
  }

  #tell(o: { start: number; gtid: string | null; phase?: GroupPhase | undefined }, end: number): void {
    const { start, gtid, phase } = o;
    const { lineage, file, to } = this.#part;
    const told = {
      touches: [...this.#touches.values()],
      unread: this.#unread,
      hasText: this.#hasText,
      cascades: this.#cascades,
      phase,
    };
    this.#forget();
    if (end <= to) this.#options.onGroup({ place: { lineage, file, start, gtid }, end, ...told });
  }

  #add(touch: Touch): void {
    const folded = this.#options.foldsCase ? fold(touch) : touch;
    const { verb, by, namesColumns = '', lenient = '', isStored = '', replaces = '', to, changes } = folded;
    const target = to === undefined ? '' : keyOf(to);
    const key = [keyOf(folded), verb, by, namesColumns, lenient, isStored, replaces, target].join('\0');
    if (changes !== undefined) this.#put(`${key}\0${this.#touches.size}`, folded);
    else if (!this.#touches.has(key)) this.#put(key, folded);
  }

  #put(key: string, touch: Touch): void {
    if (this.#touches.size >= MOST_TOUCHES) this.#unread ??= `does more than ${MOST_TOUCHES} things`;
    else this.#touches.set(key, touch);
  }

  #forget(): void {
    if (this.#touches.size > 0) this.#touches = new Map();
    this.#unread = null;
    this.#hasText = false;
    this.#cascades = false;
    this.#filter = undefined;
  }
}

const STORED: readonly Touch['type'][] = ['view', 'trigger', 'routine', 'event'];
const LOOKS_AFTER = /^\s*(?:ANALYZE|OPTIMIZE|CHECK|REPAIR|FLUSH)\s+(?:TABLES?|LOCAL|NO_WRITE_TO_BINLOG)\b/i;

/** True for what names tables and does not read their rows: definitions, rights, statistics. */
function isHarmless({ touches, text }: StatementTouches): boolean {
  const isAboutRights = touches?.some(({ verb }) => verb === 'rights') === true;
  return LOOKS_AFTER.test(text) || isAboutRights || definesStored({ touches });
}

function definesStored({ touches }: Pick<StatementTouches, 'touches'>): boolean {
  return touches?.some(({ type }) => STORED.includes(type)) === true;
}

/** Statements that run functions, or read rows, and do not begin as those about rows. A function that writes is logged as SELECT. */
const RUNS = /\b(?:select|do|call|load|values|with)\b/i;
const ROW_VERBS: readonly Touch['verb'][] = ['insert', 'update', 'delete'];

function usesRows({ touches, text }: StatementTouches): boolean {
  const isOfRows = touches?.some(({ verb }) => ROW_VERBS.includes(verb)) === true;
  return isOfRows || (RUNS.test(text) && !definesStored({ touches }));
}

const NAMES_FOREIGN_KEYS = /\bconstraint\b[^,]*\bforeign\b/i;

function fold(touch: Touch): Touch {
  if (touch.type === 'user') return touch;
  const { schema, name, to } = touch;
  const lower = { schema: schema.toLowerCase(), name: name?.toLowerCase() ?? null };
  return {
    ...touch,
    ...lower,
    ...(to === undefined
      ? {}
      : { to: { ...to, schema: to.schema.toLowerCase(), name: to.name?.toLowerCase() ?? null } }),
  };
}
