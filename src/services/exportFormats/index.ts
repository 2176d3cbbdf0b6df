import type { ExportFormat } from '../../generated/prisma/client.ts';
import { openAiChat } from './openAiChat.ts';
import type { Format } from './types.ts';

const FORMATS: Record<ExportFormat, Format> = {
  OPENAI_CHAT_JSONL: openAiChat,
};

export function formatOf(format: ExportFormat): Format {
  return FORMATS[format];
}

export type { ExportLine, Format } from './types.ts';
