-- Long examples, of which a launch asks whether a base model takes them. Few are this long, so the index stays small.
CREATE INDEX finetuning_examples_long_idx ON finetuning_examples (dataset_id, position)
  WHERE validated AND tokens > 8192;
