-- Prompts: a language model writes them out, people keep what they say again and again.

ALTER TABLE jobs DROP CONSTRAINT jobs_kind_check;
ALTER TABLE jobs ADD CONSTRAINT jobs_kind_check CHECK (kind IN ('generate', 'tag', 'enhance'));
-- What a job has written.
ALTER TABLE jobs ADD COLUMN result jsonb,
    ADD CONSTRAINT jobs_result_of_what_succeeded CHECK (result IS NULL OR (kind = 'enhance' AND state = 'succeeded'));

-- Words that people put around their prompts again and again.
CREATE TABLE prompt_templates (
    name            text PRIMARY KEY CHECK (name ~ '^[a-z0-9][a-z0-9._-]{0,63}$'),
    label           text NOT NULL CHECK (label <> ''),
    content         text NOT NULL CHECK (content LIKE '%{prompt}%'),
    negative_prompt text NOT NULL,
    category        text NOT NULL,
    -- Jobs that were submitted with it.
    uses            bigint NOT NULL DEFAULT 0 CHECK (uses >= 0),
    used_at         timestamptz,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now()
);

-- Tags that are written as another. One step: a tag that something is written as is no alias itself.
CREATE TABLE tag_aliases (
    alias      text PRIMARY KEY CHECK (alias <> '' AND char_length(alias) <= 64),
    tag        text NOT NULL CHECK (tag <> '' AND char_length(tag) <= 64 AND tag <> alias),
    created_at timestamptz NOT NULL DEFAULT now()
);

-- What an owner wants unless a request says otherwise; null: as the server is configured.
CREATE TABLE owner_settings (
    owner      text PRIMARY KEY,
    auto_tag   boolean,
    updated_at timestamptz NOT NULL DEFAULT now()
);
