/** What /metrics tells, as series. */

/** Values by series, such as `tunesmith_training_runs{status="QUEUED"}`. */
export type Series = ReadonlyMap<string, number>;

export function readSeries(text: string): Series {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(' ');
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
}

/** The names of all metrics, as their `# TYPE` lines give them. */
export function metricNames(text: string): string[] {
  return [...text.matchAll(/^# TYPE (\S+) /gm)].map(([, name = '']) => name);
}
