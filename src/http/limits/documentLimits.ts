/** Refuses operations that are too long or too dear, over every transport: a plugin of Yoga's pipeline. */
import { GraphQLError, parse, type ASTVisitor, type ValidationContext } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { documentSize, type DocumentSize } from './documentSize.ts';
import type { Limits } from './limits.ts';

const MEASURES: { measure: keyof DocumentSize; code: string; variable: string; what: string }[] = [
  { measure: 'depth', code: 'TOO_DEEP', variable: 'GRAPHQL_MAX_DEPTH', what: 'levels deep' },
  { measure: 'aliases', code: 'TOO_MANY_ALIASES', variable: 'GRAPHQL_MAX_ALIASES', what: 'aliases' },
  {
    measure: 'directives',
    code: 'TOO_MANY_DIRECTIVES',
    variable: 'GRAPHQL_MAX_DIRECTIVES',
    what: 'directives',
  },
  {
    measure: 'complexity',
    code: 'TOO_COMPLEX',
    variable: 'GRAPHQL_MAX_COMPLEXITY',
    what: 'points of complexity',
  },
];

export function documentLimits(limits: Limits): Plugin {
  // One function for all operations: Yoga keeps what validation found for each document.
  const rule = (context: ValidationContext): ASTVisitor => ({
    Document(document) {
      const size = documentSize(context.getSchema(), document);
      for (const { measure, code, variable, what } of MEASURES) {
        if (size[measure] <= limits[measure]) continue;
        context.reportError(
          new GraphQLError(
            `The operation has ${size[measure]} ${what}; ${limits[measure]} are allowed (${variable}). Ask for less at once.`,
            { extensions: { code } },
          ),
        );
      }
    },
  });
  return {
    onParse({ setParseFn }) {
      setParseFn((source: string) => parseWithin(source, limits.tokens));
    },
    onValidate({ addValidationRule }) {
      addValidationRule(rule);
    },
  };
}

function parseWithin(source: string, maxTokens: number) {
  try {
    return parse(source, { maxTokens });
  } catch (error) {
    if (!(error instanceof GraphQLError) || !error.message.includes('Parsing aborted')) throw error;
    throw new GraphQLError(
      `The operation has more than ${maxTokens} tokens, which is as many as are allowed (GRAPHQL_MAX_TOKENS). Send values as variables, or several operations.`,
      { extensions: { code: 'TOO_MANY_TOKENS' } },
    );
  }
}
