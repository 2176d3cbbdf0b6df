/** Whether `variables` and `extensions` in an address can be read; Yoga would take what cannot for a fault of its own. */
export function hasJsonParameters({ searchParams }: URL): boolean {
  return ['variables', 'extensions'].every((name) => {
    try {
      JSON.parse(searchParams.get(name) || 'null');
      return true;
    } catch {
      return false;
    }
  });
}
