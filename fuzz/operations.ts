/** Operations that fit the schema, made from it at random; and those of the examples. */
import { readdirSync, readFileSync } from 'node:fs';
import {
  getNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  isUnionType,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLNamedType,
  type GraphQLObjectType,
} from 'graphql';
import type { SeededRandom } from '../bench/random.ts';
import { schema } from '../src/schema/index.ts';
import { nastyNumber, nastyText, nastyValue } from './mutations.ts';
import type { Scene } from './scene.ts';

export interface Operation {
  query: string;
  variables: Record<string, unknown>;
}

const folder = new URL('../examples/', import.meta.url);
const EXAMPLES = readdirSync(folder)
  .filter((name) => name.endsWith('.graphql'))
  .map((name) => readFileSync(new URL(name, folder), 'utf8'));

/** How often a value is what nobody should send. */
const NASTY_SHARE = 0.15;

export function randomOperation(random: SeededRandom, scene: Scene): Operation {
  const { pick, below } = random;
  if (below(10) === 0) {
    const query = pick(EXAMPLES).replaceAll(/"THE ID[^"]*"/g, () => JSON.stringify(pick(scene.ids)));
    return { query, variables: {} };
  }
  const [kind, root] = pick(rootTypes());
  const declared: string[] = [];
  const variables: Record<string, unknown> = {};
  const context = { random, scene, declared, variables };
  const selection = fieldOf(pick(Object.values(root.getFields())), context, 3);
  const declarations = declared.length > 0 ? `(${declared.join(', ')})` : '';
  return { query: `${kind} Fuzz${declarations} { ${selection} }`, variables };
}

function rootTypes(): [string, GraphQLObjectType][] {
  const types: [string, GraphQLObjectType | null | undefined][] = [
    ['query', schema.getQueryType()],
    ['mutation', schema.getMutationType()],
    ['subscription', schema.getSubscriptionType()],
  ];
  return types.flatMap(([kind, type]) => (type ? [[kind, type]] : []));
}

interface Making {
  random: SeededRandom;
  scene: Scene;
  declared: string[];
  variables: Record<string, unknown>;
}

function fieldOf(field: GraphQLField<unknown, unknown>, making: Making, depth: number): string {
  const { random } = making;
  const given = field.args.filter((arg) => isNonNullType(arg.type) || random.below(3) === 0);
  const args = given.map((arg) => `${arg.name}: ${argumentOf(arg, making)}`);
  const alias = random.below(8) === 0 ? `a${random.below(100)}: ` : '';
  const head = `${alias}${field.name}${args.length > 0 ? `(${args.join(', ')})` : ''}`;
  const type = getNamedType(field.type);
  return isLeafType(type) ? head : `${head} { ${selectionOf(type, making, depth)} }`;
}

/** As a variable, whose value is JSON. */
function argumentOf(arg: GraphQLArgument, { random, scene, declared, variables }: Making): string {
  const name = `v${declared.length}`;
  declared.push(`$${name}: ${String(arg.type)}`);
  variables[name] = valueOf(arg.type, arg.name, random, scene);
  return `$${name}`;
}

function selectionOf(type: GraphQLNamedType, making: Making, depth: number): string {
  const { random } = making;
  if (isUnionType(type)) {
    const members = type
      .getTypes()
      .map((member) => `... on ${member.name} { ${selectionOf(member, making, depth - 1)} }`);
    return `__typename ${members.join(' ')}`;
  }
  if (!isObjectType(type) && !isInterfaceType(type)) return '__typename';
  const fields = Object.values(type.getFields()).filter(
    (field) => depth > 0 || (isLeafType(getNamedType(field.type)) && field.args.length === 0),
  );
  // Two of a name with different arguments would not fit together.
  const chosen = fields.filter(() => random.below(3) === 0).slice(0, 6);
  return ['__typename', ...chosen.map((field) => fieldOf(field, making, depth - 1))].join(' ');
}

function valueOf(
  type: GraphQLInputType,
  name: string,
  random: SeededRandom,
  scene: Scene,
  depth = 4,
): unknown {
  const { pick, below } = random;
  if (isNonNullType(type)) return valueOf(type.ofType, name, random, scene, depth);
  if (below(20) === 0) return null;
  if (isListType(type)) {
    return Array.from({ length: depth > 0 ? below(4) : 0 }, () =>
      valueOf(type.ofType, name, random, scene, depth - 1),
    );
  }
  if (isInputObjectType(type)) {
    const fields = Object.values(type.getFields()).filter(
      (field) => isNonNullType(field.type) || (depth > 0 && below(3) === 0),
    );
    return Object.fromEntries(
      fields.map((field) => [field.name, valueOf(field.type, field.name, random, scene, depth - 1)]),
    );
  }
  if (isEnumType(type)) return pick(type.getValues()).name;
  if (random.random() < NASTY_SHARE) return nastyValue(random);
  switch (type.name) {
    case 'Int':
    case 'SafeInt':
      return below(2) === 0 ? below(100) : nastyNumber(random);
    case 'Float':
      return below(2) === 0 ? random.random() : nastyNumber(random);
    case 'Boolean':
      return below(2) === 0;
    case 'ID':
      return pick(scene.ids);
    case 'DateTime':
      return below(3) === 0 ? nastyText(random) : '2026-11-22T09:30:00.000Z';
    case 'Date':
      return below(3) === 0 ? nastyText(random) : '2026-11-22';
    default:
      return textOf(name, random, scene);
  }
}

function textOf(name: string, random: SeededRandom, scene: Scene): string {
  const { pick, below } = random;
  if (below(3) === 0) return nastyText(random);
  if (name === 'after' || name === 'before') return pick(scene.cursors);
  if (/model/i.test(name)) return pick(['sandbox-small', 'gpt-4.1-mini-2025-04-14', 'nothing']);
  if (/number/i.test(name)) return pick(['+4930123456', '030 123456', 'nobody']);
  if (/usd/i.test(name)) return pick(['12.50', '0', '-1', '1e9', '99999999999999999999.999999']);
  return pick(['Calls', 'What does it cost?', 'It is free.', 'support', `key-${below(1_000)}`]);
}
