/** What a sample call is about: a conversation with alternatives, and with {values} chosen per call. */

/** What the caller says and what the agent answers, in several wordings; `chance` that it comes up at all. */
export interface Exchange {
  caller: readonly string[];
  agent: readonly string[];
  chance?: number;
}

export interface Story {
  topic: string;
  values: Readonly<Record<string, readonly string[]>>;
  greeting: readonly string[];
  /** At least two of them always come up. */
  exchanges: readonly Exchange[];
  thanks: readonly string[];
  goodbye: readonly string[];
}

export const NAMES = [
  'Alma Reyes',
  'Jonas Pike',
  'Mina Okafor',
  'Theo Lindqvist',
  'Rosa Calder',
  'Idris Vaughn',
  'Nell Haddad',
  'Piotr Zander',
];
export const DAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
export const THANKS = [
  'Great, thank you very much.',
  'Perfect, that is all I needed.',
  'Lovely, thanks for your help.',
  'All right, thank you. Bye.',
];
export const GOODBYE = [
  'You are welcome. Have a nice day!',
  'My pleasure. Goodbye!',
  'Glad I could help. Take care!',
];
