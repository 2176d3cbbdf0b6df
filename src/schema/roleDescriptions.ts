/** Says in each field's description which role it needs, as its `authScopes` have it. */
import { isObjectType, type GraphQLObjectType, type GraphQLSchema } from 'graphql';
import { z } from 'zod';
import { ROLES, type Role } from '../services/viewer.ts';

const declared = z.object({ pothosOptions: z.object({ authScopes: z.object({ role: z.enum(ROLES) }) }) });

/** The role that a field declares; null where any viewer may have it. */
export function roleOf({ extensions }: { extensions: unknown }): Role | null {
  return declared.safeParse(extensions).data?.pothosOptions.authScopes.role ?? null;
}

/** Throws for a mutation that does not say who may send it. */
export function describeRoles(schema: GraphQLSchema): GraphQLSchema {
  for (const field of Object.values(schema.getMutationType()?.getFields() ?? {}))
    if (roleOf(field) === null)
      throw new Error(`The mutation ${field.name} does not say which role it needs`);
  for (const type of Object.values(schema.getTypeMap()).filter(isObjectType)) describeFields(type);
  return schema;
}

function describeFields(type: GraphQLObjectType): void {
  for (const field of Object.values(type.getFields())) {
    const role = roleOf(field);
    if (role !== null) field.description = `${field.description ?? ''} Needs the role ${role}.`.trimStart();
  }
}
