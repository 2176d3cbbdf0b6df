/** What is followed, where whoever knows what one was told last knows all that one will be told. */
export interface Course<T> extends AsyncIterableIterator<T> {
  /** How far one is who was told this last: equal for those to whom the same comes next. */
  placeOf(told: T): unknown;
  /** The same from there on, for somebody else. */
  after(told: T): Course<T>;
}

export function isCourse(source: AsyncIterator<unknown>): source is Course<unknown> {
  return 'placeOf' in source && 'after' in source;
}
