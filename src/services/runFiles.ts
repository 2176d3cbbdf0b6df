/** Under which names a provider knows a run's files: they carry no other mark by which they could be found again. */
export function trainingFileName({ id }: { id: string }): string {
  return `tunesmith-${id}.jsonl`;
}

export function validationFileName({ id }: { id: string }): string {
  return `tunesmith-${id}-validation.jsonl`;
}
