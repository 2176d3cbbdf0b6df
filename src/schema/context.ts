import { noteSubject } from '../db/sources.ts';
import type { TenantClient } from '../db/tenancy.ts';
import type { Services } from '../services/index.ts';
import type { Viewer } from '../services/viewer.ts';

/** What every resolver is given. */
export interface Context {
  viewer: Viewer;
  /** Reads, as the viewer's tenant. */
  db: TenantClient;
  services: Services;
  /** Aborts when the client leaves before it is answered; for long work that is of no use to anybody else. */
  gone: () => AbortSignal;
}

/** Whoever looks at the subject makes an answer to it alone. */
export function withNotedSubject(viewer: Viewer): Viewer {
  return {
    ...viewer,
    get subject() {
      noteSubject();
      return viewer.subject;
    },
  };
}
