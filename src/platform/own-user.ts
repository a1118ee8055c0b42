import { userInfo } from 'node:os';

/** Whom this process acts as; null where the system has no such numbers. */
export function ownUserId(): number | null {
  return process.geteuid?.() ?? null;
}

/** The name of this user; null for a number without one, which a container may be given. */
export function ownUserName(): string | null {
  try {
    return userInfo().username;
  } catch {
    return null;
  }
}
