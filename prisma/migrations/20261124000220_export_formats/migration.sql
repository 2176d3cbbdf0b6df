-- AlterEnum
ALTER TYPE "export_format" ADD VALUE 'OPENAI_DPO_JSONL';
ALTER TYPE "export_format" ADD VALUE 'SHAREGPT';
ALTER TYPE "export_format" ADD VALUE 'ALPACA';
ALTER TYPE "export_format" ADD VALUE 'CSV';
