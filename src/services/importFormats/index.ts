/** Reading of imports: bytes to rows (one reader a format), rows to calls and examples. */
export { readCsv } from './csv.ts';
export { type CallInput, type CallPart, parseCall } from './callInput.ts';
export { type ExampleInput, type ExampleMessage, type ExampleTool, parseExample } from './exampleInput.ts';
export { readNdjson } from './ndjson.ts';
export { type RowFault, type RowRead, isHeaderFault } from './types.ts';
export { readVtt } from './vtt.ts';
