/** Relay's rules, and some of good manners, for the GraphQL schema as printed. All other files are oxlint's. */
import graphql from '@graphql-eslint/eslint-plugin';

const PLAIN_RULES = [
  'relay-connection-types',
  'relay-page-info',
  'description-style',
  'known-type-names',
  'no-duplicate-fields',
  'no-hashtag-description',
  'no-scalar-result-type-on-mutation',
  'no-unreachable-types',
  'require-deprecation-date',
  'require-deprecation-reason',
  'require-nullable-fields-with-oneof',
  'require-type-pattern-with-oneof',
  'unique-enum-value-names',
];

export default [
  {
    files: ['schema.graphql'],
    plugins: { '@graphql-eslint': graphql },
    languageOptions: {
      parser: graphql.parser,
      parserOptions: { graphQLConfig: { schema: 'schema.graphql' } },
    },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      ...Object.fromEntries(PLAIN_RULES.map((name) => [`@graphql-eslint/${name}`, 'error'])),
      // Every list can be walked from both ends.
      '@graphql-eslint/relay-arguments': ['error', { includeBoth: true }],
      // Relay asks neither: short lists, such as the turns of a call, are no connections, and what has no id of its own,
      // such as an event of a run, is no Node.
      '@graphql-eslint/relay-edge-types': [
        'error',
        { withEdgeSuffix: true, shouldImplementNode: false, listTypeCanWrapOnlyEdgeType: false },
      ],
      '@graphql-eslint/require-description': [
        'error',
        {
          types: true,
          rootField: true,
          FieldDefinition: true,
          InputValueDefinition: true,
          EnumValueDefinition: true,
        },
      ],
      '@graphql-eslint/naming-convention': [
        'error',
        {
          types: 'PascalCase',
          FieldDefinition: 'camelCase',
          InputValueDefinition: 'camelCase',
          Argument: 'camelCase',
          EnumValueDefinition: 'UPPER_CASE',
        },
      ],
    },
  },
];
