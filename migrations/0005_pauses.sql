-- What an operator has stopped. Queued jobs that a row covers wait; what runs goes on.
CREATE TABLE pauses (
    scope     text NOT NULL CHECK (scope IN ('queue', 'owner', 'preset', 'device')),
    -- The owner, preset or device; empty for the queue.
    name      text NOT NULL,
    -- A device's idle models are unloaded too.
    release   boolean NOT NULL DEFAULT false,
    paused_by text NOT NULL,
    paused_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (scope, name),
    CONSTRAINT pauses_name_what_they_cover CHECK ((scope = 'queue') = (name = '')),
    CONSTRAINT pauses_release_devices CHECK (NOT release OR scope = 'device')
);

-- Whether queued jobs of this owner and preset are stopped.
CREATE FUNCTION paused(owner text, preset text) RETURNS boolean LANGUAGE sql STABLE AS
    $$ SELECT EXISTS (SELECT FROM pauses WHERE scope = 'queue'
                      OR (scope = 'owner' AND name = $1) OR (scope = 'preset' AND name = $2)) $$;
