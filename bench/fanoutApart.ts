/** That followers get what they asked for, and nothing of another tenant, however much is shared between them. */
import { encodeGlobalID } from '@pothos/plugin-relay';
import { follow, type Follower } from './rawFollower.ts';
import type { Tenant } from './world.ts';

interface Scene {
  url: string;
  change: (id: string, description: string) => Promise<number>;
  datasetOf: (tenantId: string) => Promise<string>;
  mine: Tenant;
  other: Tenant;
}

/** Throws unless two selections of one dataset, two tenants, and both ways of following come apart. */
export async function checkApart({ url, change, datasetOf, mine, other }: Scene): Promise<void> {
  const [ours, theirs] = [await datasetOf(mine.id), await datasetOf(other.id)];
  const followers: Follower[] = [];
  const listen = (
    kind: 'webSocket' | 'eventStream',
    headers: Record<string, string>,
    id: string,
    fields: string,
  ) => {
    const heard: string[] = [];
    const waiting: { text: string; resolve: () => void }[] = [];
    const query = `subscription ($id: ID!) { datasetUpdated(id: $id) { ${fields} } }`;
    const variables = { id: encodeGlobalID('Dataset', id) };
    const onMessage = (message: Buffer) => {
      const said = message.toString();
      heard.push(said);
      for (const { text, resolve } of waiting) if (said.includes(text)) resolve();
    };
    followers.push(follow({ kind, url, headers, query, variables }, onMessage, (why) => heard.push(why)));
    const until = (text: string) =>
      new Promise<void>((resolve) => {
        waiting.push({ text, resolve });
        if (heard.some((said) => said.includes(text))) resolve();
      });
    return { heard, until };
  };

  const short = listen('webSocket', mine.headers, ours, 'description');
  const long = listen('webSocket', mine.headers, ours, 'description exampleCount');
  const streamed = listen('eventStream', mine.headers, ours, 'words: description');
  const foreign = listen('webSocket', other.headers, theirs, 'description');
  const intruder = listen('webSocket', other.headers, ours, 'description');
  await Promise.all([short, long, streamed, foreign].map(({ until }) => until('"data"')));
  await intruder.until('NOT_FOUND');
  await change(ours, 'a secret of ours');
  await change(theirs, 'a word of theirs');
  await Promise.all([
    short.until('{"description":"a secret of ours"}'),
    long.until('{"description":"a secret of ours","exampleCount":0}'),
    streamed.until('{"words":"a secret of ours"}'),
    foreign.until('{"description":"a word of theirs"}'),
  ]);
  for (const follower of followers) follower.close();
  const leaked = [...foreign.heard, ...intruder.heard].some((said) => said.includes('ours'));
  const mixed = [...short.heard, ...long.heard, ...streamed.heard].some((said) => said.includes('theirs'));
  if (leaked || mixed) throw new Error('A follower heard what is of another tenant');
}
