/** The last thing the user said and the last thing the assistant answered: what a person judges the example by. */
export function summaryOf(messages: readonly { role: string; content?: string | null | undefined }[]): {
  userMessage: string;
  assistantResponse: string;
} {
  const lastOf = (role: 'user' | 'assistant') =>
    messages.findLast((message) => message.role === role && message.content)?.content ?? '';
  return { userMessage: lastOf('user'), assistantResponse: lastOf('assistant') };
}
