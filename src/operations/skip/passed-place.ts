import type { GroupPlace } from '../../recovery/consequences/conflict-list.ts';

type File = Pick<GroupPlace, 'lineage' | 'file'>;

/** Tells of rows that go by in the order of the log whether they stand at a group or behind it. */
export class PassedPlace {
  readonly #group: GroupPlace | null;
  #isInFile = false;
  #isBehind = false;

  /** @param group null: nothing is ever behind it */
  constructor(group: GroupPlace | null) {
    this.#group = group;
  }

  /** True once rows have stood there, or its file is over. */
  get isBehind(): boolean {
    return this.#isBehind;
  }

  /** A file of the log begins: the one with the group may have no rows from there on. */
  enterFile(file: File): void {
    this.#isBehind ||= this.#isInFile;
    this.#isInFile = this.#isOf(file);
  }

  /** Rows stand here. */
  meet(place: File & { readonly offset: number }): void {
    this.#isBehind ||= this.#isOf(place) && place.offset >= (this.#group?.start ?? Infinity);
  }

  #isOf({ lineage, file }: File): boolean {
    return this.#group?.lineage === lineage && this.#group.file === file;
  }
}
