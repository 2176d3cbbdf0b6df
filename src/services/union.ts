/** Which of `size` things, numbered from 0, are joined, by whatever chain (union-find with path halving). */
export function createUnion(size: number) {
  const parents = Uint32Array.from({ length: size }, (_, index) => index);

  /** The least number that this one is joined with: the root of its group. */
  function rootOf(index: number): number {
    let at = index;
    for (let parent = parents[at] ?? at; parent !== at; parent = parents[at] ?? at) {
      parents[at] = parents[parent] ?? parent;
      at = parents[at] ?? parent;
    }
    return at;
  }

  return {
    rootOf,
    joined: (a: number, b: number): boolean => rootOf(a) === rootOf(b),
    /** The two roots before, the one that stays first: the earlier, whatever the order of joining. */
    join(a: number, b: number): [root: number, child: number] {
      const [one, other] = [rootOf(a), rootOf(b)];
      const [root, child] = one < other ? [one, other] : [other, one];
      parents[child] = root;
      return [root, child];
    },
  };
}

export type Union = ReturnType<typeof createUnion>;
