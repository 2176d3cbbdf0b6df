const waiting: (() => void)[] = [];

/**
 * Does `work` when what came in with the present turn of the event loop has been looked at. What is sent to clients and to
 * the database goes out so: sent one by one, each wakes its reader while the next is worked out, and all that waking takes
 * a fifth of what a machine of few cores can answer. Whoever asks alone does not wait for it: the turn is over at once.
 */
export function atEndOfTurn(work: () => void): void {
  if (waiting.length === 0) setImmediate(doAll);
  waiting.push(work);
}

function doAll(): void {
  for (const work of waiting.splice(0)) work();
}

/** Resolves then. */
export function endOfTurn(): Promise<void> {
  return new Promise((resolve) => {
    atEndOfTurn(resolve);
  });
}
