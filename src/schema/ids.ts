/** Global ids at the edge: what is not one of ours is an expected failure, not a fault of the server. */
import { decodeGlobalID } from '@pothos/plugin-relay';
import { z } from 'zod';
import { InvalidInputError } from '../services/errors.ts';
import type { Context } from './context.ts';

const NODE_TYPES = [
  'ApiKey',
  'CallTranscription',
  'CallerErasure',
  'Dataset',
  'DuplicateGroup',
  'Example',
  'Export',
  'Review',
  'TrainingRun',
] as const;
type NodeType = (typeof NODE_TYPES)[number];

const uuid = z.uuid();

/** The row id in a global id of `type`. `field` names the argument in the fault. Throws InvalidInputError. */
export function parseId(type: NodeType, globalId: string, field = 'id'): string {
  const { typename, id } = decoded(globalId);
  if (typename === type && uuid.safeParse(id).success) return id;
  const came =
    typename && typename !== type
      ? `the id of ${withArticle(typename.slice(0, 40))}`
      : `"${globalId.slice(0, 80)}"`;
  throw new InvalidInputError([
    { field, message: `must be the id of ${withArticle(type)}, as this API gave it out, not ${came}` },
  ]);
}

const withArticle = (name: string): string => `${/^[aeiou]/i.test(name) ? 'an' : 'a'} ${name}`;

/** As parseId, for an argument that may be left out. */
export function parseOptionalId(
  type: NodeType,
  globalId: string | null | undefined,
  field: string,
): string | null {
  return globalId == null ? null : parseId(type, globalId, field);
}

function decoded(globalId: string): { typename: string; id: string } {
  try {
    return decodeGlobalID(globalId);
  } catch {
    return { typename: '', id: '' };
  }
}

const NO_ROW = '00000000-0000-0000-0000-000000000000';

/**
 * For `node`: what the id says, with the id of no row when it cannot be a row's, so that nothing is found.
 * Throws InvalidInputError for what is no id of ours at all.
 */
export function knownId(globalId: string): { typename: string; id: string } {
  const { typename, id } = decoded(globalId);
  if (!NODE_TYPES.some((known) => known === typename)) {
    const message = `must be an id that this API gave out, not ${JSON.stringify(globalId.slice(0, 80))}`;
    throw new InvalidInputError([{ field: 'id', message }]);
  }
  return { typename, id: uuid.safeParse(id).success ? id : NO_ROW };
}

/** For `node`, and for whatever is read again: the row of this id, if it is the viewer's tenant's. The services' lock, not the database's. */
export function ownRow(id: string, { viewer }: Context): { id: string; tenantId: string } {
  return { id, tenantId: viewer.tenantId };
}
