/** The routes by name: addresses hold ids and whatever a stranger types, which belongs into no label and no log. */

export const OTHER_ROUTE = 'other';
export const GRAPHQL_ROUTE = '/graphql';
export const METRICS_ROUTE = '/metrics';

const ID = ':id';

const ROUTES = [
  '/',
  GRAPHQL_ROUTE,
  '/health/live',
  '/health/ready',
  METRICS_ROUTE,
  '/exports/:id/:id',
  '/exports/:id/:id/validation',
  '/import/call-transcriptions',
  '/import/examples/:id',
  '/webhooks/openai',
];

/** What asks by itself all day long: of interest only when something is sought. */
export const ROUTINE_ROUTES = new Set(['/health/live', '/health/ready', METRICS_ROUTE]);

/** The route of a request's address, `other` where there is none. */
export function routeName(address = ''): string {
  if (address === GRAPHQL_ROUTE) return GRAPHQL_ROUTE; // Nearly all.
  const parts = address.split('?', 1)[0]?.split('/') ?? [];
  return ROUTES.find((route) => fits(route.split('/'), parts)) ?? OTHER_ROUTE;
}

function fits(route: string[], parts: string[]): boolean {
  return (
    route.length === parts.length &&
    route.every((wanted, index) => (wanted === ID ? parts[index] !== '' : wanted === parts[index]))
  );
}
