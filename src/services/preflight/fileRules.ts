/** The rules of a file as bytes, and of how much it holds. */
import { error, warning } from './rule.ts';

/** More tokens than any base model takes: no token is longer than 128 bytes. */
export const MAX_LINE_BYTES = 8 * 1024 * 1024;

export const fileRules = {
  formatNotTrained: error(
    'FORMAT_NOT_TRAINED',
    'The provider does not train on this format. Export the dataset as OPENAI_CHAT_JSONL or OPENAI_DPO_JSONL.',
  ),
  emptyFile: error('EMPTY_FILE', 'There is no example at all. Validate some.'),
  tooFewExamples: error(
    'TOO_FEW_EXAMPLES',
    'There are fewer examples than the provider trains on. Collect or validate more.',
  ),
  fileTooLarge: error('FILE_TOO_LARGE', 'The file is larger than the provider takes. Export fewer examples.'),
  byteOrderMark: warning(
    'BYTE_ORDER_MARK',
    'The file begins with a byte-order mark, which JSON has no place for and strict readers refuse. Save it without.',
  ),
  blankLine: error('BLANK_LINE', 'The line is blank. Each line must be one JSON object: leave it out.'),
  lineTooLong: error(
    'LINE_TOO_LONG',
    `The line is longer than ${MAX_LINE_BYTES} bytes, more than any base model takes of one. Split the example.`,
  ),
  invalidUtf8: error('INVALID_UTF8', 'The line is not valid UTF-8. Save the file in UTF-8.'),
  invalidJson: error('INVALID_JSON', 'The line is not valid JSON. Each line must be one JSON object.'),
  notAnObject: error('NOT_AN_OBJECT', 'The line is JSON, but no object. Each line must be one JSON object.'),
  duplicateLine: warning(
    'DUPLICATE_LINE',
    'The line is the same as an earlier one and is learned twice. Leave one of them out.',
  ),
  exampleTooLong: error(
    'EXAMPLE_TOO_LONG',
    'The example has more tokens than the base model takes: its end, which is the answer, would be cut off. Shorten or split it.',
  ),
};
