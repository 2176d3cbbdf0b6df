import { ForbiddenError } from './errors.ts';

/** What one may do, each including what stands before it. */
export const ROLES = ['VIEWER', 'REVIEWER', 'EDITOR', 'ADMIN'] as const;
export type Role = (typeof ROLES)[number];

/** Who asks. Services take it as their first argument, and act for its tenant only. */
export interface Viewer {
  tenantId: string;
  /** The name under which what the viewer does is recorded, for example as `validatedBy`. */
  subject: string;
  role: Role;
  /** Where the request came from, an IP address; left out for what the server does by itself. */
  address?: string;
}

/** Whether `role` includes `needed`. */
export function includesRole(role: Role, needed: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(needed);
}

/** Throws ForbiddenError unless the viewer's role includes `needed`. */
export function requireRole({ role }: Viewer, needed: Role): void {
  if (!includesRole(role, needed)) throw new ForbiddenError(role, needed);
}

/** The server itself, at work for a tenant: `worker`. */
export function serverViewer(tenantId: string, subject: string): Viewer {
  return { tenantId, subject, role: 'ADMIN' };
}

/** The subjects of the server's own, which nobody may sign in as; keys are recorded as `key:` and their name. */
const OWN_SUBJECTS = new Set(['command line', 'download link', 'local', 'tokens', 'worker']);

/** Whether who signs in with this name could be taken for the server or a key. */
export function isReserved(subject: string): boolean {
  return OWN_SUBJECTS.has(subject) || subject.startsWith(KEY_SUBJECT);
}

const KEY_SUBJECT = 'key:';

/** The subject of whoever uses the key of this name. */
export function keySubject(name: string): string {
  return `${KEY_SUBJECT}${name}`;
}
