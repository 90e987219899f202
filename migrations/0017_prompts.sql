-- Prompts: a language model writes them out, people keep what they say again and again.

ALTER TABLE jobs DROP CONSTRAINT jobs_kind_check;
ALTER TABLE jobs ADD CONSTRAINT jobs_kind_check CHECK (kind IN ('generate', 'tag', 'enhance'));
-- What a job has written.
ALTER TABLE jobs ADD COLUMN result jsonb,
    ADD CONSTRAINT jobs_result_of_what_succeeded CHECK (result IS NULL OR (kind = 'enhance' AND state = 'succeeded'));
