import type { RowChange, RowsEvent } from '../../binlog/group.ts';
import { RowImages } from '../../binlog/row-images.ts';
import type { TableMap } from '../../binlog/table-map.ts';
import type { RowAnswer } from '../../recovery/consequences/analyse-skips.ts';
import type { GroupPlace } from '../../recovery/consequences/conflict-list.ts';
import type { GroupSpans } from '../../recovery/consequences/group-spans.ts';
import type { RowQuestion } from '../../recovery/consequences/row-watch.ts';
import type { TableFacts } from '../../recovery/consequences/table-facts.ts';
import type { Named } from '../../recovery/consequences/touch.ts';
import { KeyDifferences, type Collision } from './key-differences.ts';
import { PassedPlace } from './passed-place.ts';
import { columnsOfKeys, KeyReader, type Images } from './row-keys.ts';

type Place = Omit<GroupPlace, 'gtid' | 'start'> & { readonly offset: number };

/** Which skip a row is left out with: the one that is asked about, another one, or none. */
type SkipOfRow = 'own' | 'other' | null;

interface ComparedKey {
  readonly reader: KeyReader;
  readonly differences: KeyDifferences;
}

/** Follows the keys of one table until a row collides. */
export class TableComparer {
  readonly table: Named;
  readonly #question: RowQuestion;
  readonly #facts: TableFacts | null;
  /** Of the skip that is asked about, and of all. */
  readonly #spans: { readonly own: GroupSpans; readonly skipped: GroupSpans };
  readonly #images: RowImages;
  readonly #differences: readonly KeyDifferences[];
  #keys: readonly ComparedKey[] = [];
  /** What the keys' readers were made for. */
  #map: TableMap | null = null;
  #doubt: string | null = null;
  #found: Omit<RowAnswer, 'group'> | null = null;
  #place: GroupPlace | null = null;
  /** From where on it is another table. */
  readonly #until: PassedPlace;
  /** From where on its rows may go without a word of the log. */
  readonly #loose: PassedPlace;

  constructor(question: RowQuestion, o: { facts: TableFacts | null; own: GroupSpans; skipped: GroupSpans }) {
    const { facts } = o;
    this.table = question.table;
    this.#question = question;
    this.#facts = facts;
    this.#spans = o;
    if (facts === null) this.#doubt = 'which keys it has is not known';
    else if (!facts.hasPrimaryKey) this.#doubt = 'it has no primary key';
    this.#until = new PassedPlace(question.until);
    this.#loose = new PassedPlace(question.loose);
    this.#images = new RowImages(facts === null ? [] : columnsOfKeys(facts));
    this.#differences = (facts?.uniqueKeys ?? []).map((_, index) => new KeyDifferences(index === 0));
  }

  /** True once nothing that comes can matter. */
  get isOver(): boolean {
    return this.#until.isBehind || this.#doubt !== null || this.#found !== null;
  }

  /** True when a row has collided in a group that is not told yet. */
  get isPlaceless(): boolean {
    return this.#found !== null && this.#place === null;
  }

  /** A file of the log begins. */
  enterFile(file: Pick<Place, 'lineage' | 'file'>): void {
    for (const place of [this.#until, this.#loose]) place.enterFile(file);
  }

  /** The group that the last rows were of. */
  settle(group: GroupPlace): void {
    this.#place = group;
  }

  /** The group that the last rows were of never ended, or was undone. */
  undo(): void {
    if (this.isPlaceless) this.#found = null;
  }

  /** What the rows that went by come to. */
  get answers(): RowAnswer[] {
    const { first, referred } = this.#question;
    if (this.#found !== null && this.#place !== null) return [{ ...this.#found, group: this.#place }];
    if (this.#doubt !== null) return [unknown(first, this.#doubt)];
    const isMoved = this.#differences.some((key) => key.isMoved || key.isReplaced);
    const why = 'is referred to by rows that come, maybe by keys that it does not have (error 1452)';
    return referred === null || !isMoved ? [] : [{ kind: 'may-fail', why, group: referred }];
  }

  /** Rows of the table. */
  meet(kind: RowChange['kind'], event: RowsEvent, place: Place): void {
    if (this.isOver || this.#facts === null) return;
    for (const one of [this.#until, this.#loose]) one.meet(place);
    if (this.#until.isBehind) return;
    const skip = this.#skipAt(place);
    const keys = this.#keysOf(event, this.#facts);
    const isRead = this.#images.each(event, () => {
      for (const key of keys) this.#row(kind, event.bytes, { key, skip });
    });
    if (!isRead) this.#doubt ??= 'the log has rows of it that cannot be read';
  }

  #skipAt(place: Place): SkipOfRow {
    if (this.#spans.own.has(place)) return 'own';
    return this.#spans.skipped.has(place) ? 'other' : null;
  }

  #keysOf({ table }: RowsEvent, facts: TableFacts): readonly ComparedKey[] {
    if (table !== null && table !== this.#map) {
      this.#map = table;
      if (table.layout?.columns.length !== facts.columns.length)
        this.#doubt ??= 'its rows have other columns than its definition';
      const wanted = columnsOfKeys(facts);
      this.#keys = facts.uniqueKeys.map((key, index) => {
        const differences = this.#differences[index] as KeyDifferences;
        return { reader: new KeyReader(key, { table, facts, wanted }), differences };
      });
    }
    return this.#keys;
  }

  #row(kind: RowChange['kind'], bytes: Buffer, { key, skip }: { key: ComparedKey; skip: SkipOfRow }): void {
    if (this.#found !== null) return;
    const { before, after } = this.#images;
    const { reader, differences } = key;
    const [old, now]: [Images, Images] = [[before], [after, before]];
    const isKept = kind !== 'update' || reader.isKept(bytes, before, after);
    const row = { kind, before: reader.value(bytes, old), after: isKept ? 'kept' : reader.value(bytes, now) } as const;
    const collision = skip === null ? differences.meet(row) : null;
    if (skip !== null) differences.skip(row, skip === 'own');
    this.#doubt ??= reader.doubt ?? differences.doubt;
    if (collision === null) return;
    const images = collision === 1062 && kind === 'update' ? now : old;
    this.#found = answerOf(collision, { key: reader.text(bytes, images), isCertain: this.#isCertain(key) });
  }

  /** A row that was given another key by what is skipped, or came back, may have got a third one since; or be gone with its parent. */
  #isCertain({ reader, differences }: ComparedKey): boolean {
    const mayHaveChanged = differences.isMoved || this.#differences[0]?.isReplaced === true;
    return reader.isExact && !this.#loose.isBehind && (reader.isPrimary || !mayHaveChanged);
  }
}

function unknown(group: GroupPlace, why: string): RowAnswer {
  const what = 'gets, changes or loses rows that cannot be compared with the skipped ones';
  return { kind: 'may-fail', why: `${what}: ${why} (error 1062 or 1032)`, group };
}

function answerOf(error: Collision, { key, isCertain }: { key: string; isCertain: boolean }): Omit<RowAnswer, 'group'> {
  const what = error === 1062 ? 'gets a row whose key is still there' : 'has a row changed that is not there';
  return { kind: isCertain ? 'fails' : 'may-fail', why: `${what}: ${key} (error ${error})` };
}
