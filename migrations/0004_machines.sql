-- Machines that share no disk with the api: a machine comes in with its join key, each start of a worker there gets a
-- token. Of both only the SHA-256 is kept.
CREATE TABLE join_keys (
    name       text PRIMARY KEY CHECK (name ~ '^[a-z][a-z0-9_-]{0,39}$'),
    hash       bytea NOT NULL UNIQUE CHECK (octet_length(hash) = 32),
    created_at timestamptz NOT NULL DEFAULT now(),
    -- Never, where absent.
    expires_at timestamptz,
    revoked_at timestamptz
);

CREATE TABLE worker_tokens (
    hash       bytea PRIMARY KEY CHECK (octet_length(hash) = 32),
    worker_id  uuid NOT NULL REFERENCES workers (id),
    join_key   text NOT NULL REFERENCES join_keys (name),
    expires_at timestamptz NOT NULL
);
CREATE INDEX worker_tokens_by_join_key ON worker_tokens (join_key);
