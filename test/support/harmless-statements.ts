import { HARMLESS_DEFINITIONS } from './harmless-statements/definitions.ts';
import type { HarmlessSession } from './harmless-statements/harmless.ts';
import { HARMLESS_SESSIONS } from './harmless-statements/sessions.ts';
import { HARMLESS_WORDS } from './harmless-statements/words.ts';

/** What a finder of destructive statements must never take for one, tried on real servers in each format of their logs. */
export const HARMLESS: readonly HarmlessSession[] = [...HARMLESS_WORDS, ...HARMLESS_DEFINITIONS, ...HARMLESS_SESSIONS];
