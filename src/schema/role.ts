import type { Role } from '../services/viewer.ts';
import { builder } from './builder.ts';

export const RoleType = builder.enumType('Role', {
  description: 'What one may do; each role includes those before it.',
  values: {
    VIEWER: { description: 'Reads everything of the tenant but what is for admins alone.' },
    REVIEWER: { description: 'Judges, scores and edits examples.' },
    EDITOR: { description: 'Makes datasets, imports, collects, exports, and asks models.' },
    ADMIN: {
      description:
        'Launches and cancels training runs, erases callers, sets the budget, manages keys, and reads the audit log.',
    },
  } satisfies Record<Role, object>,
});
