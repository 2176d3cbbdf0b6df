import { expect, test } from 'vitest';
import { sampleCalls, SAMPLE_SIZE } from '../../src/cli/sampleCalls.ts';
import { createSpeakerReader } from '../../src/services/turns.ts';
import { parseCall } from '../../src/services/importFormats/index.ts';

const calls = sampleCalls();

test('is the same every time', () => {
  expect(sampleCalls()).toEqual(calls);
});

test('holds calls that the import takes, each once', () => {
  const options = { defaultConfidence: null, reader: createSpeakerReader() };
  for (const call of calls) expect(parseCall({ ...call }, 1, options)).toHaveProperty('call');
  expect(new Set(calls.map(({ call_sid }) => call_sid)).size).toBe(SAMPLE_SIZE);
});

test('has something to collect and something to skip for every reason', () => {
  const answered = calls.filter(({ turns }) => turns.length > 1);
  for (const { turns } of answered) {
    expect(turns.length).toBeGreaterThanOrEqual(6);
    expect(turns.length).toBeLessThanOrEqual(14);
    for (const { text } of turns) expect(text).not.toMatch(/[{}]/);
  }
  const confidences = answered.flatMap(({ transcript_confidence }) => transcript_confidence ?? []);
  expect(Math.min(...confidences)).toBeGreaterThanOrEqual(0.6);
  expect(Math.max(...confidences)).toBeLessThanOrEqual(0.99);
  expect(confidences.filter((confidence) => confidence < 0.8).length).toBeGreaterThan(10);
  expect(calls.filter(({ call_status }) => call_status !== 'completed').length).toBeGreaterThan(1);
  expect(
    calls.filter((call) => call.turns.length > 0 && call.transcript_confidence === null).length,
  ).toBeGreaterThan(1);
  expect(calls.filter(({ turns }) => turns.length === 1).length).toBeGreaterThan(1);
  expect(answered.length).toBeGreaterThan(100);
  expect(new Set(calls.map(({ topic }) => topic)).size).toBe(8);
});

test('uses only numbers that are kept free for fiction', () => {
  for (const { phone_number } of calls) expect(phone_number).toMatch(/^\+1\d{3}55501\d{2}$/);
});
