import { noteSubject } from '../db/sources.ts';
import type { TenantClient } from '../db/tenancy.ts';
import type { Services } from '../services/index.ts';
import type { Role, Viewer } from '../services/viewer.ts';

/** What every resolver is given. */
export interface Context {
  viewer: Viewer;
  /** Reads, as the viewer's tenant. */
  db: TenantClient;
  services: Services;
  /** Aborts when the client leaves before it is answered; for long work that is of no use to anybody else. */
  gone: () => AbortSignal;
}

/** Whoever looks at the subject makes an answer to it alone. A class, since each subscriber holds one. */
class NotedViewer implements Viewer {
  readonly tenantId: string;
  readonly role: Role;
  readonly address?: string;
  readonly #subject: string;

  constructor({ tenantId, subject, role, address }: Viewer) {
    this.tenantId = tenantId;
    this.role = role;
    this.#subject = subject;
    if (address !== undefined) this.address = address;
  }

  get subject(): string {
    noteSubject();
    return this.#subject;
  }
}

export function withNotedSubject(viewer: Viewer): Viewer {
  return new NotedViewer(viewer);
}
