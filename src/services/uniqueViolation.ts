import { Prisma } from '../generated/prisma/client.ts';

/** Whether a write was refused since a row with the same key is there: somebody else was quicker. */
export function isUniqueViolation(error: unknown): boolean {
  return error instanceof Prisma.PrismaClientKnownRequestError && error.code === 'P2002';
}
