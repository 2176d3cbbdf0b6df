/** Typed documents for the command line, the tests and the example client, made from schema.graphql. */
import type { CodegenConfig } from '@graphql-codegen/cli';

const config: CodegenConfig = {
  schema: 'schema.graphql',
  documents: [
    'src/cli/**/*.ts',
    'test/**/*.ts',
    'examples/client/**/*.ts',
    'crashtest/**/*.ts',
    'soak/**/*.ts',
    'bench/serverDocuments.ts',
    'examples/*.graphql',
  ],
  ignoreNoDocuments: true,
  importExtension: '.ts',
  generates: {
    'src/generated/gql/': {
      preset: 'client',
      presetConfig: { fragmentMasking: false },
      config: {
        useTypeImports: true,
        enumsAsTypes: true,
        strictScalars: true,
        scalars: { DateTime: 'string', Date: 'string', JSON: 'unknown', SafeInt: 'number' },
      },
    },
  },
};

export default config;
