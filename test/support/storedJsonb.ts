/** As PostgreSQL writes JSONB. */
export function storedJsonb(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(storedJsonb).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  return `{${Object.entries(value)
    .toSorted(([a], [b]) => a.length - b.length || (a < b ? -1 : 1))
    .map(([key, one]) => `${JSON.stringify(key)}: ${storedJsonb(one)}`)
    .join(', ')}}`;
}
