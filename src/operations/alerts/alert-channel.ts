import type { Single, Together } from './alert-queue.ts';

/** Somebody, or something, that is told of incidents. */
export interface AlertChannel {
  /** In the record and in messages: 'webhook'. */
  readonly name: string;
  /** People want to hear of old incidents too, and that a pending one came to nothing. */
  readonly isForPeople: boolean;
  /** The next safe command, or where to look, when it takes nothing. */
  readonly hint: string;
  /** Resolves when it has arrived. Called again with the same when it throws, and after a crash: twice must be as good as once. */
  tell(what: Single | Together, signal: AbortSignal): Promise<void>;
}
