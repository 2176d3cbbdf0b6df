/** Reading of imports: bytes to rows (one reader a format), rows to calls and examples. */
export { type CsvOptions, OPTIONAL_COLUMNS, REQUIRED_COLUMNS, readCsv } from './csv.ts';
export { type CallInput, type CallOptions, type CallParsed, parseCall } from './callInput.ts';
export {
  type ExampleInput,
  type ExampleMessage,
  type ExampleParsed,
  type ExampleTool,
  type ToolCall,
  parseExample,
} from './exampleInput.ts';
export { DEFAULT_MAX_LINE_BYTES } from './lines.ts';
export { type NdjsonOptions, readNdjson } from './ndjson.ts';
export { type ByteSource, type HeaderFault, type RowFault, type RowRead, isHeaderFault } from './types.ts';
export { DEFAULT_MAX_VTT_BYTES, type VttOptions, readVtt } from './vtt.ts';
