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
