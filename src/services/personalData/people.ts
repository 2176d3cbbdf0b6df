/** Which of the names in a conversation are one person's: "Maria Lopez", "Maria" and "Ms Lopez" are. */
import { wordsOf } from './words.ts';

export interface People {
  /** The person's key, the same for all their names. */
  keyOf(name: string): string;
}

/**
 * A name belongs to the person whose fuller name holds all of its words, when there is only one such person. Otherwise
 * it is a person of its own: to take two for one would be worse than one for two.
 */
export function peopleOf(names: readonly string[]): People {
  const fuller = [...new Set(names.map(normalised))].toSorted(
    (a, b) => partsOf(b).length - partsOf(a).length || (a < b ? -1 : 1),
  );
  const persons: string[] = [];
  const keys = new Map<string, string>();
  for (const name of fuller) {
    const parts = partsOf(name);
    const holders = persons.filter((person) => {
      const theirs = partsOf(person);
      return parts.every((part) => theirs.includes(part));
    });
    const [only] = holders;
    if (holders.length === 1 && only !== undefined) keys.set(name, only);
    else {
      persons.push(name);
      keys.set(name, name);
    }
  }
  return { keyOf: (name) => keys.get(normalised(name)) ?? normalised(name) };
}

function normalised(name: string): string {
  return wordsOf(name)
    .map(({ plain }) => (plain.endsWith("'s") ? plain.slice(0, -2) : plain))
    .join(' ');
}

function partsOf(name: string): string[] {
  return name.split(' ');
}
