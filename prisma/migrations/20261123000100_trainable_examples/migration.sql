-- Whether the providers take these messages: none is empty, but for those of an assistant that calls tools and those of
-- tools, and a tool answers a call that was made before. The first condition tells most examples without a closer look.
CREATE FUNCTION messages_trainable(messages jsonb) RETURNS boolean LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  IF NOT messages @? '$[*] ? (@.role == "tool" || !exists(@.content) || @.content == null || @.content == "")' THEN
    RETURN true;
  END IF;
  RETURN (
    WITH said AS (
      SELECT message, place, message->>'role' AS role,
        CASE WHEN jsonb_typeof(message->'tool_calls') = 'array' THEN message->'tool_calls' ELSE '[]' END AS calls
      FROM jsonb_array_elements(messages) WITH ORDINALITY AS listed (message, place)
    ), called AS (
      SELECT call->>'id' AS id, min(place) AS place
      FROM said, jsonb_array_elements(calls) AS call WHERE role = 'assistant' GROUP BY call->>'id'
    )
    SELECT NOT EXISTS (
      SELECT FROM said
      LEFT JOIN called ON role = 'tool' AND called.id = message->>'tool_call_id' AND called.place < said.place
      WHERE CASE
        WHEN role = 'tool' THEN called.id IS NULL
        WHEN role = 'assistant' AND calls <> '[]' THEN false
        ELSE coalesce(message->>'content', '') = ''
      END
    )
  );
END
$$;

-- What was validated before this was checked would end a training run at the provider. FORCE would hide the rows from
-- an owner that is no superuser, the counts' rows as well.
ALTER TABLE finetuning_examples NO FORCE ROW LEVEL SECURITY;
ALTER TABLE finetuning_datasets NO FORCE ROW LEVEL SECURITY;
UPDATE finetuning_examples SET validated = false, validated_by = NULL, validated_at = NULL,
  rejected = true, rejected_by = 'rule: trainable', rejected_at = now(), updated_at = now(),
  rejection_reason = 'The provider does not take it: a message is empty, or a tool answers a call that was not made. Edit it, then validate it.'
WHERE validated AND NOT messages_trainable(messages);
ALTER TABLE finetuning_examples FORCE ROW LEVEL SECURITY;
ALTER TABLE finetuning_datasets FORCE ROW LEVEL SECURITY;
