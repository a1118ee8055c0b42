import type { PlanConflict } from '../plan.ts';
import type { Difference } from './difference.ts';

/** What comes of a later group that meets a difference. */
export type Trouble = Extract<PlanConflict['kind'], 'fails' | 'may-fail' | 'differs' | 'undone'>;

/** One meeting of a later touch with a difference. */
export interface Meeting {
  /** null: nothing comes of it. */
  readonly trouble: Trouble | null;
  /** In words, behind the group and the object; '' where nothing comes of it. */
  readonly why: string;
  /** What differs from then on; null: nothing any more. */
  readonly then: Difference | null;
}

/** Nothing comes of it, and the difference stays, or is another one. */
export function quiet(then: Difference | null): Meeting {
  return { trouble: null, why: '', then };
}

/** Something comes of it. */
export function trouble(kind: Trouble, why: string, then: Difference | null): Meeting {
  return { trouble: kind, why, then };
}

/** What is said wherever a later group takes back what skipping kept. */
export const LOST = 'what skipping keeps is lost again';
