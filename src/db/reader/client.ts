/** A client of Prisma's whose reads go past Prisma's engine where they can (reader.ts). */
import { tables } from '../../generated/tables.ts';
import { readStatement, type ReadStatement } from './reader.ts';

/** Sends a statement whose rows are a text each. */
type Ask = (statement: Pick<ReadStatement, 'text' | 'values' | 'asBytes'>) => Promise<string[]>;

/** As Prisma calls them on the client: `dataset` is the model Dataset. */
const modelNames = new Map(
  Object.keys(tables).map((name) => [`${name.charAt(0).toLowerCase()}${name.slice(1)}`, name]),
);

/** The same client; what the reader understands is sent by `ask`. */
export function answeredBySql<Client extends object>(client: Client, ask: Ask): Client {
  const models = new Map<string, object>();
  return new Proxy(client, {
    get(target, key) {
      const own: unknown = Reflect.get(target, key, target);
      const model = typeof key === 'string' ? modelNames.get(key) : undefined;
      if (typeof key !== 'string' || model === undefined || !(own instanceof Object)) return own;
      const known = models.get(key) ?? modelReads(own, model, ask);
      models.set(key, known);
      return known;
    },
  });
}

const written = new WeakSet<object>();

/** Whether this is a read of rows as they are written, just as it was given: nobody has looked for values in them. */
export function givesWritten(promise: unknown): boolean {
  return promise instanceof Promise && written.has(promise);
}

const OPERATIONS = ['findMany', 'findFirst', 'findFirstOrThrow', 'findUnique', 'findUniqueOrThrow', 'count'];

/** What is done with one model. */
function modelReads(prismas: object, model: string, ask: Ask): object {
  const reads = new Map(
    OPERATIONS.map((operation) => {
      const otherwise: unknown = Reflect.get(prismas, operation);
      if (typeof otherwise !== 'function') throw new Error(`Prisma has no ${operation}`);
      const left = (args: unknown): unknown => Reflect.apply(otherwise, prismas, [args]);
      const read = (args: unknown = {}): unknown => {
        const statement = readStatement(model, operation, args);
        if (!statement) return left(args);
        const answered = answer(statement, operation, async () => left(args));
        if (statement.asBytes) written.add(answered);
        return answered;
      };
      return [operation, read];
    }),
  );
  /** That there is none is an error of Prisma's to some operations. */
  async function answer(statement: ReadStatement, operation: string, otherwise: () => Promise<unknown>) {
    const found = statement.read(await ask(statement));
    return found === null && operation.endsWith('OrThrow') ? otherwise() : found;
  }
  return new Proxy(prismas, {
    get(target, key) {
      return (typeof key === 'string' && reads.get(key)) || Reflect.get(target, key, target);
    },
  });
}
