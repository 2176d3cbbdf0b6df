interface Message {
  role: string;
  content?: string | null | undefined;
}

/** The last thing the user said and the last thing the assistant answered: what a person judges the example by. */
export function summaryOf(messages: readonly Message[]): { userMessage: string; assistantResponse: string } {
  const { userPlace, assistantPlace } = summaryPlaces(messages);
  const saidAt = (place: number | null) => (place === null ? '' : (messages[place]?.content ?? ''));
  return { userMessage: saidAt(userPlace), assistantResponse: saidAt(assistantPlace) };
}

/** Which of the messages `summaryOf` tells, counted from 0; null where nothing was said. */
export function summaryPlaces(messages: readonly Message[]): {
  userPlace: number | null;
  assistantPlace: number | null;
} {
  const lastOf = (role: 'user' | 'assistant') => {
    const place = messages.findLastIndex((message) => message.role === role && message.content);
    return place === -1 ? null : place;
  };
  return { userPlace: lastOf('user'), assistantPlace: lastOf('assistant') };
}
