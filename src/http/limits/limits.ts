/** How large and how dear what a client sends may be. The configuration sets each; these hold where it does not. */
export interface Limits {
  bodyBytes: number;
  tokens: number;
  depth: number;
  aliases: number;
  directives: number;
  complexity: number;
  socketOperations: number;
}

export const DEFAULT_LIMITS: Limits = {
  bodyBytes: 1_000_000,
  tokens: 4_000,
  depth: 20,
  aliases: 50,
  directives: 50,
  complexity: 250_000,
  socketOperations: 100,
};
