import type { GroupPhase } from '../../binlog/group-phase.ts';
import type { Incident } from '../../incident/incident.ts';
import { cascadedBy, mayCascade, type ChangedColumns } from './cascades.ts';
import { ConflictList, type GroupPlace } from './conflict-list.ts';
import { differencesOf, differing, isAny, joined, type Difference } from './difference.ts';
import type { Meeting } from './meeting.ts';
import { meet, meetInSchema, meetInside } from './meet.ts';
import { meetNames } from './meet-names.ts';
import { meetChild, meetParent, takesRows } from './meet-relative.ts';
import { HalfGroups } from './half-groups.ts';
import { leftOut } from './left-out.ts';
import { RowWatch, type RowQuestion } from './row-watch.ts';
import { relativesOf, type Definitions, type ForeignKey } from './table-facts.ts';
import { keyOf, nameOf, type Named, type Touch } from './touch.ts';

const UNNAMED = 'may change rows of other tables by foreign keys, which the log does not name';
const UNFOLLOWED = 'is in text form, and may have changed rows of other tables through a trigger, a view or a function';
const BY_KEY = 'a foreign key had changed its rows with the skipped ones, of which the log has nothing';

/** What is known beside the log behind the skipped group. */
export interface Known {
  readonly definitions: Definitions;
  /** Of the skipped groups; null where nobody looked. */
  readonly changed?: ChangedColumns | undefined;
}

/**
 * Follows what skipping one incident leads to, through the groups behind it: what differs from the source, and which
 * groups meet it. Behind a group that fails for certain nothing is followed any more: a replay would end there.
 */
export class SkipTrace {
  readonly incident: Incident;
  readonly conflicts: ConflictList;
  readonly halves = new HalfGroups();
  readonly #definitions: Definitions;
  readonly #changed: ChangedColumns;
  readonly #differences = new Map<string, Difference>();
  readonly #rows = new RowWatch();
  /** Tables that something was defined for which may use them later. */
  readonly #used = new Set<string>();
  /** Names that a rename gave: what is known of definitions is not of these tables. */
  readonly #renamed = new Set<string>();
  /** Those of them that took foreign keys to their new names. */
  readonly #moved = new Set<string>();
  #isOver = false;
  #changes = 0;

  constructor(incident: Incident, { definitions, changed = () => null }: Known) {
    this.incident = incident;
    this.#changed = changed;
    this.conflicts = new ConflictList(incident.id);
    this.#definitions = {
      ...definitions,
      table: (table) => (this.#renamed.has(keyOf(table)) ? null : definitions.table(table)),
    };
  }

  /** False once nothing can come any more: it fails for certain, or nothing differs. */
  get isOpen(): boolean {
    return !this.#isOver && this.#differences.size > 0;
  }

  /** True when a group fails for certain. */
  get fails(): boolean {
    return this.#isOver;
  }

  /** Counts up whenever something else differs than before. */
  get changes(): number {
    return this.#changes;
  }

  /** A group was found to fail for certain. */
  end(): void {
    this.#isOver = true;
    this.#changes += 1;
  }

  /** What still differs. */
  get differences(): readonly Difference[] {
    return [...this.#differences.values()];
  }

  /** Tables whose rows in the log have to be compared. */
  get questions(): readonly RowQuestion[] {
    return this.#rows.questions;
  }

  /** Names of tables and schemas that a statement or a row must be about to matter, unless everything does. */
  get names(): Named[] {
    const schemas = new Set(this.differences.filter(({ name }) => name === null).map(({ schema }) => schema));
    const ends = this.#definitions.foreignKeys.flatMap(({ child, parent }) => [child, parent]);
    const ofSchemas = ends.filter(({ schema }) => schemas.has(schema));
    const relatives = [...this.differences, ...ofSchemas].flatMap((named) => {
      const { ancestors, descendants } = relativesOf(this.#definitions, named);
      return [...ancestors, ...descendants];
    });
    return [...this.differences, ...relatives];
  }

  /** True where any table may be a relative of what differs. */
  get mindsAll(): boolean {
    return this.#definitions.foreignKeysUnknown !== null || this.#moved.size > 0;
  }

  /** A statement or an event of rows of the skipped group itself. */
  skip(touch: Touch, group: GroupPlace): void {
    const other = leftOut(touch, this.incident);
    if (other !== null) this.conflicts.add({ object: nameOf(touch), why: other, kind: 'left-out' }, group);
    for (const difference of touch.by === 'cascade' ? [] : differencesOf(touch)) this.#differ(difference);
    this.#rows.skipped(touch);
    this.#skipCascades(touch, group);
  }

  /** Where foreign keys are known, they tell what they did; else the log may name a table, but not what happened to it. */
  #skipCascades(touch: Touch, group: GroupPlace): void {
    const { foreignKeysUnknown } = this.#definitions;
    const all = { extra: 'unknown', old: 'unknown', absent: 'unknown', isCascaded: true } as const;
    if (touch.by === 'cascade' && foreignKeysUnknown !== null) this.#differ(differing(touch, all));
    for (const difference of cascadedBy(touch, this.#definitions, this.#changed)) this.#differ(difference);
    if (touch.by !== 'text' || !mayCascade(touch)) return;
    this.skipUnnamed(group);
    const isUsed = foreignKeysUnknown === null && this.#definitions.isUsedIndirectly(touch);
    if (isUsed) this.skipUnread(UNFOLLOWED, group);
  }

  /** The skipped group may have changed rows of tables by foreign keys, and does not name these. */
  skipUnnamed(group: GroupPlace): void {
    if (this.#definitions.foreignKeysUnknown !== null) this.skipUnread(UNNAMED, group);
  }

  /** What else the skipped group did is not known. */
  skipUnread(why: string, group: GroupPlace): void {
    this.conflicts.add(
      { object: '', why: `${why}: what else is left out with it is not known`, kind: 'unread' },
      group,
    );
  }

  /** A group behind it does this. */
  touch(touch: Touch, group: GroupPlace): void {
    if (!this.isOpen) return;
    if (touch.isStored === true) this.#used.add(keyOf(touch));
    const why = meetNames(this.differences, touch, this.#definitions);
    if (why !== null) this.conflicts.add({ object: nameOf(touch), why, kind: 'may-fail' }, group);
    this.#touchSame(touch, group);
    if (touch.to !== undefined) this.#rename(touch, touch.to);
    if (touch.to !== undefined) this.#touchSame({ ...touch, ...touch.to, verb: 'create' }, group);
    if (touch.name === null) this.#touchSchema(touch, group);
    else this.#touchRelatives(touch, group);
    this.#touchUnknown(touch, group);
  }

  /** A group behind it is one half of something. */
  phase(phase: GroupPhase, group: GroupPlace): void {
    if (this.#isOver) return;
    const found = this.halves.meet(phase);
    if (found === null) return;
    this.conflicts.add({ object: '', ...found }, group);
    if (found.kind === 'fails') this.end();
  }

  /** A group behind it, or a part of it, cannot be read. */
  unread(why: string, group: GroupPlace): void {
    if (this.isOpen) this.conflicts.add({ object: '', why, kind: 'unread' }, group);
  }

  /** A statement in text form works on other tables, and may use those that differ without a word. */
  text(group: GroupPlace): void {
    const hidden = this.differences.find((difference) => this.#isHidden(difference));
    if (hidden === undefined) return;
    const why = 'may be used by a statement in text form, through a trigger, a view or a function';
    this.conflicts.add({ object: nameOf(hidden), why, kind: 'differs' }, group);
  }

  /** A trigger fires for statements that do not name it; what tables are used for is told by definitions. */
  #isHidden(difference: Difference): boolean {
    const { type, name, exists, definition } = difference;
    if (type === 'trigger') return exists === 'kept' || definition;
    const isUsed = this.#used.has(keyOf(difference)) || this.#definitions.isUsedIndirectly(difference);
    return (type === 'table' || type === 'sequence') && name !== null && isUsed;
  }

  #differ(difference: Difference): void {
    this.#changes += 1;
    const key = keyOf(difference);
    const known = this.#differences.get(key);
    this.#differences.set(key, known === undefined ? difference : joined(known, difference));
  }

  #touchSame(touch: Touch, group: GroupPlace): void {
    const known = this.#differences.get(keyOf(touch));
    if (known !== undefined) {
      this.#rows.met(known, touch, group);
      this.#settle(known, meet(known, touch, this.#definitions), { touch, group });
      return;
    }
    const schema = this.#differences.get(keyOf({ ...touch, type: 'database', name: null }));
    if (schema === undefined || touch.name === null || touch.schema === '') return;
    const meeting = meetInside(schema, touch, this.#definitions);
    this.#settle(schema, meeting, { touch, group });
    if (meeting.found !== null) this.#differ(meeting.found);
  }

  #rename(touch: Touch, to: Named): void {
    const { ancestors, descendants } = relativesOf(this.#definitions, touch);
    const isRelated = ancestors.length + descendants.length > 0 || this.#moved.has(keyOf(touch));
    if (isRelated) {
      this.#moved.add(keyOf(to));
      this.#changes += 1;
    }
    this.#renamed.add(keyOf(to));
  }

  #touchSchema(touch: Touch, group: GroupPlace): void {
    for (const difference of this.differences) {
      if (difference.name === null || difference.schema !== touch.schema) continue;
      this.#settle(difference, meetInSchema(difference, touch), { touch: difference, group });
    }
    for (const { child, parent } of this.#definitions.foreignKeys) {
      const isBetween = parent.schema === touch.schema && child.schema !== touch.schema;
      if (isBetween) this.#meetRelative(child, { touch, group, by: meetParent });
    }
  }

  #touchRelatives(touch: Touch, group: GroupPlace): void {
    const { parents, descendants } = relativesOf(this.#definitions, touch);
    for (const child of descendants) this.#meetRelative(child, { touch, group, by: meetParent });
    for (const parent of parents) {
      this.#meetRelative(parent, { touch, group, by: meetChild });
      this.#rows.referred(this.#differences.get(keyOf(parent)), touch, group);
    }
  }

  /** Where foreign keys are not known, any table may be the parent of what is still there. */
  #touchUnknown(touch: Touch, group: GroupPlace): void {
    const { foreignKeysUnknown } = this.#definitions;
    const hasRows = touch.type === 'table' || touch.type === 'database';
    if (!this.mindsAll || !hasRows || !takesRows(touch)) return;
    const child = this.differences.find((difference) => {
      const isSame = touch.name === null ? difference.schema === touch.schema : keyOf(difference) === keyOf(touch);
      const isOther = !isSame && (difference.type === 'table' || difference.type === 'database');
      const mayRefer = foreignKeysUnknown !== null || [difference, touch].some((one) => this.#moved.has(keyOf(one)));
      return isOther && mayRefer && meetParent(difference, touch).trouble !== null;
    });
    if (child === undefined) return;
    const unknown = foreignKeysUnknown ?? 'a table with foreign keys was renamed';
    const why = `may refer to rows of other tables that are deleted (error 1451): ${unknown}`;
    this.conflicts.add({ object: nameOf(child), why, kind: 'may-fail' }, group);
    for (const difference of this.differences) this.#rows.loosened(difference, group);
  }

  /** A difference of a whole schema is one of each of its tables. */
  #meetRelative(
    named: Named,
    o: { touch: Touch; group: GroupPlace; by: (difference: Difference, touch: Touch) => Meeting },
  ): void {
    const inSchema = keyOf({ type: 'database', schema: named.schema, name: null });
    const difference = this.#differences.get(keyOf(named)) ?? this.#differences.get(inSchema);
    if (difference === undefined || (o.touch.schema === difference.schema && difference.name === null)) return;
    const { trouble, why } = o.by({ ...difference, ...named }, o.touch);
    if (trouble === null) return;
    this.conflicts.add({ object: nameOf(o.touch), why: withReason(why, difference), kind: trouble }, o.group);
    if (o.by === meetParent && this.#mayMove(named, o.touch)) this.#rows.loosened(named, o.group);
  }

  /** True where a foreign key may take rows of a child along, or change them. */
  #mayMove(child: Named, touch: Touch): boolean {
    if (takesRows(touch)) return true;
    const isOf = (key: ForeignKey): boolean => keyOf(key.child) === keyOf(child) && key.onUpdate !== 'restrict';
    return touch.verb === 'update' && this.#definitions.foreignKeys.some(isOf);
  }

  #settle(before: Difference, { trouble, why, then }: Meeting, o: { touch: Named; group: GroupPlace }): void {
    const { touch, group } = o;
    if (trouble !== null)
      this.conflicts.add({ object: nameOf(touch), why: withReason(why, before), kind: trouble }, group);
    if (trouble === 'fails') this.end();
    if (then !== before) {
      this.#rows.changed(before, then, group);
      this.#differences.delete(keyOf(before));
      this.#changes += 1;
      if (then !== null && isAny(then)) this.#differ(then);
    }
  }
}

function withReason(why: string, { isCascaded }: Difference): string {
  return isCascaded ? `${why}: ${BY_KEY}` : why;
}
