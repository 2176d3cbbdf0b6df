/**
 * What is mostly there at once, and waited for only where it is not. A promise takes longer than much of what is done for
 * a request, and whoever awaits one makes another.
 */
export type Soon<T> = T | Promise<T>;

/** What `work` makes of the value: at once, if that is there. */
export function onceThere<T, Made>(value: Soon<T>, work: (value: T) => Soon<Made>): Soon<Made> {
  return value instanceof Promise ? value.then(work) : work(value);
}
