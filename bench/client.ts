import { createClient, type Client } from '../soak/client.ts';
import type { Tenant } from './world.ts';

/** How long an answer may take: collecting or exporting hundreds of thousands of examples is one request. */
const PATIENCE_MS = 1_200_000;

export const clientOf = (url: string, { headers }: Tenant): Client =>
  createClient(url, { headers }, PATIENCE_MS);
