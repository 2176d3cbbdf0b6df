const waiting: (() => void)[] = [];

/**
 * Resolves when what came in with the present turn of the event loop has been looked at. What is sent to clients and to the
 * database waits for that: sent one by one, each wakes its reader while the next is worked out, and all that waking takes a
 * fifth of what a machine of few cores can answer. The turn of one who asks alone is over at once.
 */
export function endOfTurn(): Promise<void> {
  return new Promise((resolve) => {
    if (waiting.length === 0) setImmediate(endAll);
    waiting.push(resolve);
  });
}

function endAll(): void {
  for (const end of waiting.splice(0)) end();
}
