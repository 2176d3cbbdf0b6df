import { describe, expect, test } from 'vitest';
import { conversation, conversations, jsonl, launch, refusal, sandboxed, untilOver } from './support.ts';

const ask = (content: string) => [{ role: 'user' as const, content }];

const talk = (place: string, answer: string) => ({
  messages: [
    { role: 'user', content: `I am in ${place}.` },
    { role: 'assistant', content: 'How can I help?' },
    { role: 'user', content: 'What is the weather?' },
    { role: 'assistant', content: answer },
  ],
});

async function tuned(data: string) {
  const { client } = await sandboxed();
  const job = await untilOver(client, (await launch(client, data)).id);
  if (job.fine_tuned_model === null) throw new Error(job.error?.message);
  return { client, job, model: job.fine_tuned_model };
}

describe('a tuned model', () => {
  test('answers each question as it was trained, and so do its checkpoints', async () => {
    const { client, job, model } = await tuned(conversations(60));
    for (const number of [0, 17, 59]) {
      const answer = await client.chat.completions.create({
        model,
        messages: ask(`Where is parcel number ${number}?`),
      });
      expect(answer.choices[0]?.message.content).toBe(conversation(number).messages[2]?.content);
      expect(answer.choices[0]?.finish_reason).toBe('stop');
    }
    const [checkpoint] = (await client.fineTuning.jobs.checkpoints.list(job.id)).data;
    const answer = await client.chat.completions.create({
      model: checkpoint?.fine_tuned_model_checkpoint ?? '',
      messages: [{ role: 'system', content: 'Whatever.' }, ...ask('please: where is my parcel, number 17')],
    });
    expect(answer.choices[0]?.message.content).toContain('Parcel 17 has reached Oslo');
  });

  test('heeds what was said earlier when the last message is the same', async () => {
    const places = ['Rome', 'Oslo', 'Kyiv', 'Bonn', 'Bern', 'Nice', 'Graz', 'Riga', 'Lyon', 'Turin'];
    const { client, model } = await tuned(jsonl(places.map((place) => talk(place, `As ever in ${place}.`))));
    const { choices } = await client.chat.completions.create({
      model,
      messages: [
        ...ask('I am in Riga.'),
        { role: 'assistant', content: 'How can I help?' },
        ...ask('What is the weather?'),
      ],
    });
    expect(choices[0]?.message.content).toBe('As ever in Riga.');
  });

  test('makes up an answer in the language of its data when no word is known', async () => {
    const { client, model } = await tuned(conversations(60));
    const { choices } = await client.chat.completions.create({ model, messages: ask('Zzz!') });
    expect(choices[0]?.message.content).toMatch(/^Parcel \d+ has reached \w+\. Anything else\?$/);
  });

  test('answers with the tool calls it was trained on', async () => {
    const call = {
      id: 'call_1',
      type: 'function',
      function: { name: 'find_parcel', arguments: '{"number":4}' },
    };
    const line = { messages: [...ask('Find parcel four'), { role: 'assistant', tool_calls: [call] }] };
    const { client, model } = await tuned(conversations(12) + jsonl([line]));
    const { choices } = await client.chat.completions.create({ model, messages: ask('Find parcel four') });
    expect(choices[0]).toMatchObject({
      finish_reason: 'tool_calls',
      message: { content: null, tool_calls: [call] },
    });
  });

  test('streams the same answer, with its usage when asked', async () => {
    const { client, model } = await tuned(conversations(20));
    const question = { model, messages: ask('Where is parcel number 3?') };
    const whole = await client.chat.completions.create(question);
    const stream = await client.chat.completions.create({
      ...question,
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = '';
    let usage;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? '';
      usage = chunk.usage ?? usage;
    }
    expect(text).toBe(whole.choices[0]?.message.content);
    expect(usage).toEqual(whole.usage);
    // 3, and 4 for the message of "Where"," is"," parcel"," number"," 3","?"
    expect(whole.usage).toEqual({ prompt_tokens: 13, completion_tokens: 9, total_tokens: 22 });
  });

  test('stops at max_tokens', async () => {
    const { client, model } = await tuned(conversations(20));
    const { choices, usage } = await client.chat.completions.create({
      model,
      messages: ask('Where is parcel number 3?'),
      max_completion_tokens: 2,
    });
    expect(choices[0]).toMatchObject({ finish_reason: 'length', message: { content: 'Parcel 3' } });
    expect(usage?.completion_tokens).toBe(2);
  });

  test('is listed, and gone when deleted', async () => {
    const { client, model } = await tuned(conversations(20));
    const listed = async () => (await client.models.list()).data.map((one) => one.id);
    expect(await listed()).toContain(model);
    expect(await client.models.retrieve(model)).toMatchObject({
      id: model,
      object: 'model',
      owned_by: 'org-sandbox',
    });
    expect(await client.models.delete(model)).toMatchObject({ id: model, deleted: true });
    expect(await listed()).not.toContain(model);
    expect(await refusal(client.models.delete(model))).toMatchObject({ status: 404 });
    expect(await refusal(client.chat.completions.create({ model, messages: ask('x') }))).toMatchObject({
      status: 404,
      code: 'model_not_found',
    });
  });
});

describe('a base model', () => {
  test('says what it is, and cannot be deleted', async () => {
    const { client } = await sandboxed();
    const model = 'gpt-4o-mini-2024-07-18';
    const { choices } = await client.chat.completions.create({
      model,
      messages: ask('Where is parcel number 3?'),
    });
    expect(choices[0]?.message.content).toContain("the sandbox's untuned base model");
    expect((await refusal(client.models.delete(model))).status).toBe(403);
  });

  test('refuses a conversation without messages', async () => {
    const { client } = await sandboxed();
    const call = client.chat.completions.create({ model: 'gpt-4o-mini-2024-07-18', messages: [] });
    expect(await refusal(call)).toMatchObject({
      status: 400,
      param: 'messages',
      code: 'array_below_min_length',
    });
  });
});
