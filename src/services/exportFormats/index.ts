import type { ExportFormat } from '../../generated/prisma/client.ts';
import { alpaca } from './alpaca.ts';
import { csv } from './csv.ts';
import { openAiChat } from './openAiChat.ts';
import { openAiDpo } from './openAiDpo.ts';
import { shareGpt } from './shareGpt.ts';
import type { Format } from './types.ts';

const FORMATS: Record<ExportFormat, Format> = {
  OPENAI_CHAT_JSONL: openAiChat,
  OPENAI_DPO_JSONL: openAiDpo,
  SHAREGPT: shareGpt,
  ALPACA: alpaca,
  CSV: csv,
};

export function formatOf(format: ExportFormat): Format {
  return FORMATS[format];
}

export type { ExportLine, Format } from './types.ts';
