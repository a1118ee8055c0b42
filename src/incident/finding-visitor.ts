import type { GtidState } from '../binlog/gtid.ts';
import type { Group, GroupVisitor, QueryEvent, RowChange, SourceNote, TableName } from '../binlog/group.ts';
import type { IncidentFinder } from './finder.ts';

/** Hands everything on to a finder: the base of visitors that look at a log's groups for something else as well. */
export abstract class FindingVisitor implements GroupVisitor {
  protected readonly finder: IncidentFinder;

  constructor(finder: IncidentFinder) {
    this.finder = finder;
  }

  query(query: QueryEvent): void {
    this.finder.query(query);
  }

  wantsRows(deleted: number, updated: number): boolean {
    return this.finder.wantsRows(deleted, updated);
  }

  rows(change: RowChange): void {
    this.finder.rows(change);
  }

  annotation(bytes: Buffer, from: number, to: number): void {
    this.finder.annotation(bytes, from, to);
  }

  cascade(child: TableName | null): void {
    this.finder.cascade(child);
  }

  release(): void {
    this.finder.release();
  }

  unread(): void {
    this.finder.unread();
  }

  group(group: Group, before: GtidState | null): void {
    this.finder.group(group, before);
  }

  torn(start: number, end: number, isCut: boolean): void {
    this.finder.torn(start, end, isCut);
  }

  sourceIncident(start: number, end: number, note: SourceNote): void {
    this.finder.sourceIncident(start, end, note);
  }
}
