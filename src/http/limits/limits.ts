/** How large and how dear what a client sends may be. The configuration sets each; these hold where it does not. */
export interface Limits {
  bodyBytes: number;
  tokens: number;
  depth: number;
  aliases: number;
  directives: number;
  complexity: number;
  frameBytes: number;
  socketOperations: number;
  socketsPerPrincipal: number;
  requestsPerMinute: number;
  querySeconds: number;
  mutationSeconds: number;
  importBytes: number;
}

export const DEFAULT_LIMITS: Limits = {
  bodyBytes: 1_000_000,
  tokens: 4_000,
  depth: 20,
  aliases: 50,
  directives: 50,
  complexity: 250_000,
  frameBytes: 262_144,
  socketOperations: 100,
  socketsPerPrincipal: 500,
  requestsPerMinute: 6_000,
  querySeconds: 60,
  mutationSeconds: 1_800,
  importBytes: 5_000_000_000,
};
