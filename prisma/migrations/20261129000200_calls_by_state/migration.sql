-- With the state of the call, so that those that cannot be collected are counted without reading any.
DROP INDEX "call_transcriptions_tenant_id_transcript_confidence_created_idx";

-- CreateIndex
CREATE INDEX "call_transcriptions_tenant_id_transcript_confidence_created_idx" ON "call_transcriptions"("tenant_id", "transcript_confidence" DESC, "created_at", "call_sid", "call_status");
