/** Refuses operations that are too long or too dear, over every transport: a plugin of Yoga's pipeline. */
import { GraphQLError, parse, type ASTVisitor, type ValidationContext } from 'graphql';
import type { Plugin, YogaInitialContext } from 'graphql-yoga';
import { documentSize, type DocumentSize } from './documentSize.ts';
import type { Limits } from './limits.ts';

interface Measure {
  measure: keyof DocumentSize;
  code: string;
  variable: string;
  what: string;
}

/** What the text alone says. */
const OF_THE_TEXT: Measure[] = [
  { measure: 'depth', code: 'TOO_DEEP', variable: 'GRAPHQL_MAX_DEPTH', what: 'levels of depth' },
  { measure: 'aliases', code: 'TOO_MANY_ALIASES', variable: 'GRAPHQL_MAX_ALIASES', what: 'aliases' },
  {
    measure: 'directives',
    code: 'TOO_MANY_DIRECTIVES',
    variable: 'GRAPHQL_MAX_DIRECTIVES',
    what: 'directives',
  },
];

/** What page sizes, which may be variables, have a say in. */
const COMPLEXITY: Measure = {
  measure: 'complexity',
  code: 'TOO_COMPLEX',
  variable: 'GRAPHQL_MAX_COMPLEXITY',
  what: 'points of complexity',
};

/** Context for what comes between validation and execution. */
interface Measured {
  tooComplex?: GraphQLError | undefined;
}

export function documentLimits(limits: Limits): Plugin<YogaInitialContext & Measured> {
  // One function for all operations: Yoga keeps what validation found for each document.
  const rule = (context: ValidationContext): ASTVisitor => ({
    Document(document) {
      const size = documentSize(context.getSchema(), document);
      for (const error of faultsOf(size, OF_THE_TEXT)) context.reportError(error);
    },
  });

  function faultsOf(size: DocumentSize, measures: Measure[]): GraphQLError[] {
    return measures
      .filter(({ measure }) => size[measure] > limits[measure])
      .map(
        ({ measure, code, variable, what }) =>
          new GraphQLError(
            `The operation has ${size[measure]} ${what}; ${limits[measure]} are allowed (${variable}). Ask for less at once.`,
            { extensions: { code } },
          ),
      );
  }

  return {
    onParse({ setParseFn }) {
      setParseFn((source: string) => parseWithin(source, limits.tokens));
    },
    onValidate({ addValidationRule, params: { schema, documentAST } }) {
      addValidationRule(rule);
      return ({ valid, context: { params }, extendContext }) => {
        if (!valid) return;
        const size = documentSize(schema, documentAST, params.variables);
        const [tooComplex] = faultsOf(size, [COMPLEXITY]);
        // Not as validation's result: Yoga would keep it for the document, whatever its variables are next time.
        extendContext({ tooComplex });
      };
    },
    onContextBuilding({ context: { tooComplex } }) {
      if (tooComplex) throw tooComplex;
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
