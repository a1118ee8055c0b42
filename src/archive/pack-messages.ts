import type { ErrorCode, ErrorDetails } from '../platform/errors.ts';
import type { Packed, PackJob } from './segment-pack.ts';

/** What the packing thread is told. Only one segment is packed at a time. */
export type PackOrder =
  | { readonly order: 'begin'; readonly job: PackJob }
  /** So many bytes of the plain file are written. */
  | { readonly order: 'grow'; readonly to: number }
  | { readonly order: 'finish'; readonly bytes: number }
  | { readonly order: 'discard' };

/** The answer to `finish` or `discard`. */
export type PackAnswer =
  | { readonly answer: 'packed'; readonly packed: Packed }
  | { readonly answer: 'discarded' }
  | { readonly answer: 'failed'; readonly code: ErrorCode; readonly message: string; readonly details: ErrorDetails };
