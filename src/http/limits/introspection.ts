/** Refuses to tell what the schema has, over every transport: a plugin of Yoga's pipeline. */
import {
  getNamedType,
  GraphQLError,
  isCompositeType,
  type ASTVisitor,
  type ValidationContext,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';

export function noIntrospection(): Plugin {
  return {
    onValidate({ addValidationRule }) {
      addValidationRule(rule);
    },
  };
}

/** `__typename`, and of a type whose name is known its name and kind, stay: clients and the specification's audit ask for them. */
function rule(context: ValidationContext): ASTVisitor {
  return {
    Field(node) {
      const type = context.getFieldDef()?.type;
      const isOfType =
        context.getParentType()?.name === '__Type' && isCompositeType(type && getNamedType(type));
      if (node.name.value !== '__schema' && !isOfType) return;
      context.reportError(
        new GraphQLError(
          'The server does not tell its schema (INTROSPECTION). It is in schema.graphql of its source.',
          { nodes: node, extensions: { code: 'INTROSPECTION_OFF' } },
        ),
      );
    },
  };
}
