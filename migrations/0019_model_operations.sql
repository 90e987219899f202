-- What is done with the models directory of the API's host: of each model the last operation, which a restart goes on with.
CREATE TABLE model_operations (
    model      text PRIMARY KEY,
    id         uuid NOT NULL UNIQUE,
    kind       text NOT NULL CHECK (kind IN ('pull', 'verify', 'import', 'remove')),
    -- The files that it is about, below the models directory: no two operations are about the same one at a time.
    paths      text[] NOT NULL,
    -- What an import was asked for: a model that is pulled is in the catalogue.
    request    jsonb CHECK ((request IS NOT NULL) = (kind = 'import')),
    state      text NOT NULL CHECK (state IN ('running', 'done', 'failed', 'cancelled')),
    -- Bytes.
    done       bigint NOT NULL DEFAULT 0 CHECK (done >= 0),
    total      bigint NOT NULL CHECK (total >= 0),
    error      text CHECK ((error IS NOT NULL) = (state = 'failed')),
    started_at timestamptz NOT NULL DEFAULT now(),
    ended_at   timestamptz CHECK ((ended_at IS NULL) = (state = 'running'))
);
