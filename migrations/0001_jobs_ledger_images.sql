-- The truth of MystiCanvas: jobs, the ledger of device memory, and the pictures.
-- Lock order in every transaction: devices, residents, jobs, images. Memory is in MiB.

CREATE TABLE presets (
    name       text PRIMARY KEY CHECK (name ~ '^[a-z0-9][a-z0-9._-]{0,63}$'),
    engine     text NOT NULL CHECK (engine IN ('sd', 'llm')),
    spec       jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE api_keys (
    name       text PRIMARY KEY CHECK (name ~ '^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$' AND name <> 'local'),
    hash       bytea NOT NULL UNIQUE CHECK (octet_length(hash) = 32),
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz
);

-- One card, or one host's system memory.
CREATE TABLE devices (
    id               text PRIMARY KEY,
    host             text NOT NULL,
    kind             text NOT NULL CHECK (kind IN ('cuda', 'cpu')),
    name             text NOT NULL,
    total_mib        bigint NOT NULL CHECK (total_mib > 0),
    capacity_mib     bigint NOT NULL CHECK (capacity_mib BETWEEN 0 AND total_mib),
    -- The ledger's two counters; each equals the sum of its rows at all times.
    resident_mib     bigint NOT NULL DEFAULT 0 CHECK (resident_mib >= 0),
    working_mib      bigint NOT NULL DEFAULT 0 CHECK (working_mib >= 0),
    turns            int NOT NULL DEFAULT 1 CHECK (turns > 0),
    turns_taken      int NOT NULL DEFAULT 0,
    -- Telemetry of the last heartbeat; no CHECK covers it.
    used_mib         bigint,
    others_mib       bigint NOT NULL DEFAULT 0,
    others_estimated boolean NOT NULL DEFAULT false,
    utilisation      int,
    temperature      int,
    lost_at          timestamptz,
    updated_at       timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT devices_never_overcommitted CHECK (resident_mib + working_mib <= capacity_mib),
    CONSTRAINT devices_turns_bounded CHECK (turns_taken BETWEEN 0 AND turns)
);

-- One incarnation of a worker process.
CREATE TABLE workers (
    id            uuid PRIMARY KEY,
    host          text NOT NULL,
    device_id     text NOT NULL REFERENCES devices (id),
    engine        text NOT NULL CHECK (engine IN ('sd', 'llm')),
    version       text NOT NULL,
    pid           int NOT NULL,
    boot_id       text NOT NULL,
    state         text NOT NULL CHECK (state IN ('ready', 'draining', 'gone')),
    max_children  int NOT NULL CHECK (max_children > 0),
    -- Grows by one a heartbeat: a counter that stands still is the only sign of a dead worker.
    beat          bigint NOT NULL DEFAULT 0,
    registered_at timestamptz NOT NULL DEFAULT now(),
    beat_at       timestamptz NOT NULL DEFAULT now(),
    gone_at       timestamptz,
    CONSTRAINT workers_gone_is_dated CHECK ((state = 'gone') = (gone_at IS NOT NULL))
);
CREATE UNIQUE INDEX workers_one_live_per_device_and_engine
    ON workers (host, device_id, engine) WHERE state <> 'gone';

-- What a worker can serve, or why not.
CREATE TABLE worker_presets (
    worker_id   uuid NOT NULL REFERENCES workers (id) ON DELETE CASCADE,
    preset      text NOT NULL REFERENCES presets (name) ON DELETE CASCADE,
    weights_mib bigint NOT NULL CHECK (weights_mib >= 0),
    problem     text,
    PRIMARY KEY (worker_id, preset)
);

-- A loaded model: one engine child. Created by the granting transaction, deleted only when the child is gone.
CREATE TABLE residents (
    id           uuid PRIMARY KEY,
    worker_id    uuid NOT NULL REFERENCES workers (id),
    device_id    text NOT NULL REFERENCES devices (id),
    preset       text NOT NULL REFERENCES presets (name),
    context_plan text NOT NULL,
    state        text NOT NULL CHECK (state IN ('loading', 'ready', 'evicting')),
    booked_mib   bigint NOT NULL CHECK (booked_mib >= 0),
    -- The engine child's process on its host, once it has started.
    pid          int,
    observed_mib bigint,
    created_at   timestamptz NOT NULL DEFAULT now(),
    loaded_at    timestamptz,
    used_at      timestamptz NOT NULL DEFAULT now(),
    UNIQUE (worker_id, preset, context_plan),
    CONSTRAINT residents_ready_is_dated CHECK (state <> 'ready' OR loaded_at IS NOT NULL)
);
CREATE INDEX residents_by_device ON residents (device_id);

CREATE TABLE jobs (
    id                  uuid PRIMARY KEY,
    kind                text NOT NULL CHECK (kind IN ('generate', 'tag')),
    engine              text NOT NULL CHECK (engine IN ('sd', 'llm')),
    preset              text NOT NULL REFERENCES presets (name),
    owner               text NOT NULL,
    state               text NOT NULL DEFAULT 'queued'
                        CHECK (state IN ('queued', 'leased', 'running', 'succeeded', 'failed', 'cancelled')),
    priority            smallint NOT NULL DEFAULT 0 CHECK (priority BETWEEN -100 AND 100),
    params              jsonb NOT NULL,
    fence               bigint NOT NULL DEFAULT 0,
    attempt             int NOT NULL DEFAULT 0,
    max_attempts        int NOT NULL DEFAULT 5 CHECK (max_attempts BETWEEN 1 AND 100),
    engine_deaths       int NOT NULL DEFAULT 0,
    plan                text NOT NULL DEFAULT 'full',
    images_total        int NOT NULL DEFAULT 0 CHECK (images_total >= 0),
    images_done         int NOT NULL DEFAULT 0,
    device_id           text REFERENCES devices (id),
    worker_id           uuid REFERENCES workers (id),
    resident_id         uuid,
    wait_reason         jsonb,
    error               jsonb,
    cancel_requested_at timestamptz,
    not_before          timestamptz,
    idempotency_key     text,
    idempotency_hash    bytea,
    parent_image        uuid,
    origin              text NOT NULL DEFAULT 'user' CHECK (origin IN ('user', 'auto')),
    last_event          int NOT NULL DEFAULT 0,
    created_at          timestamptz NOT NULL DEFAULT now(),
    leased_at           timestamptz,
    started_at          timestamptz,
    finished_at         timestamptz,
    CONSTRAINT jobs_terminal_is_dated
        CHECK ((state IN ('succeeded', 'failed', 'cancelled')) = (finished_at IS NOT NULL)),
    CONSTRAINT jobs_held_by_a_worker
        CHECK ((state IN ('leased', 'running')) = (worker_id IS NOT NULL AND device_id IS NOT NULL
               AND resident_id IS NOT NULL)),
    CONSTRAINT jobs_leased_is_dated CHECK (state NOT IN ('leased', 'running') OR leased_at IS NOT NULL),
    CONSTRAINT jobs_running_is_dated CHECK (state <> 'running' OR (started_at IS NOT NULL AND attempt > 0)),
    CONSTRAINT jobs_held_is_fenced CHECK (state NOT IN ('leased', 'running') OR fence > 0),
    CONSTRAINT jobs_failed_has_an_error CHECK (state <> 'failed' OR error IS NOT NULL),
    CONSTRAINT jobs_images_bounded CHECK (images_done BETWEEN 0 AND images_total),
    CONSTRAINT jobs_succeeded_is_complete CHECK (state <> 'succeeded' OR images_done = images_total),
    CONSTRAINT jobs_idempotency_is_whole CHECK ((idempotency_key IS NULL) = (idempotency_hash IS NULL))
);
CREATE INDEX jobs_queued ON jobs (priority DESC, id) WHERE state = 'queued';
CREATE INDEX jobs_queued_by_engine ON jobs (engine, priority DESC, id) WHERE state = 'queued';
CREATE INDEX jobs_held ON jobs (worker_id) WHERE state IN ('leased', 'running');
CREATE INDEX jobs_newest ON jobs (created_at DESC, id DESC);
CREATE INDEX jobs_by_state ON jobs (state, created_at DESC, id DESC);
CREATE UNIQUE INDEX jobs_idempotency ON jobs (owner, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX jobs_by_parent_image ON jobs (parent_image) WHERE parent_image IS NOT NULL;
CREATE UNIQUE INDEX jobs_one_auto_child ON jobs (parent_image, kind) WHERE origin = 'auto';

-- Working memory and a turn, from the grant until the work is known to have ended.
-- A reaped job leaves its row behind as `quarantined` until its engine child is proven dead.
CREATE TABLE leases (
    job_id      uuid NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    fence       bigint NOT NULL,
    worker_id   uuid NOT NULL REFERENCES workers (id),
    device_id   text NOT NULL REFERENCES devices (id),
    resident_id uuid NOT NULL REFERENCES residents (id) ON DELETE CASCADE,
    working_mib bigint NOT NULL CHECK (working_mib >= 0),
    turns       int NOT NULL CHECK (turns IN (0, 1)),
    state       text NOT NULL CHECK (state IN ('granted', 'claimed', 'quarantined')),
    granted_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (job_id, fence)
);
CREATE UNIQUE INDEX leases_one_live_per_job ON leases (job_id) WHERE state <> 'quarantined';
CREATE INDEX leases_by_resident ON leases (resident_id);
CREATE INDEX leases_by_worker ON leases (worker_id);

CREATE TABLE job_attempts (
    job_id      uuid NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    attempt     int NOT NULL CHECK (attempt > 0),
    fence       bigint NOT NULL,
    worker_id   uuid NOT NULL,
    device_id   text NOT NULL,
    plan        text NOT NULL,
    started_at  timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    outcome     text CHECK (outcome IN ('succeeded', 'failed', 'retried', 'cancelled', 'lost')),
    error       jsonb,
    times       jsonb,
    peak_mib    bigint,
    PRIMARY KEY (job_id, attempt),
    CONSTRAINT attempts_end_is_whole CHECK ((outcome IS NULL) = (finished_at IS NULL))
);

-- What happened to a job, numbered under the job's row lock. `xid` lets the global stream wait for older
-- transactions that are still open, so that a reader who resumes after an id has missed nothing.
CREATE TABLE job_events (
    id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    xid    xid8 NOT NULL DEFAULT pg_current_xact_id(),
    job_id uuid NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    number int NOT NULL,
    kind   text NOT NULL,
    data   jsonb NOT NULL DEFAULT '{}',
    at     timestamptz NOT NULL DEFAULT now(),
    UNIQUE (job_id, number)
);
CREATE INDEX job_events_in_order ON job_events (xid, id);

-- A file in the store, by its content. The row comes first (`staged`), the file second, the picture's row last.
CREATE TABLE image_files (
    sha256    text PRIMARY KEY CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    bytes     bigint NOT NULL CHECK (bytes > 0),
    state     text NOT NULL CHECK (state IN ('staged', 'stored', 'deleting')),
    staged_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE images (
    id            uuid PRIMARY KEY,
    job_id        uuid NOT NULL REFERENCES jobs (id),
    index         int NOT NULL CHECK (index >= 0),
    attempt       int NOT NULL,
    plan          text NOT NULL,
    owner         text NOT NULL,
    preset        text NOT NULL,
    width         int NOT NULL CHECK (width > 0),
    height        int NOT NULL CHECK (height > 0),
    seed          bigint NOT NULL,
    params        jsonb NOT NULL,
    prompt        text NOT NULL,
    file          text NOT NULL REFERENCES image_files (sha256),
    thumb         text NOT NULL REFERENCES image_files (sha256),
    pixels_sha256 text NOT NULL CHECK (pixels_sha256 ~ '^[0-9a-f]{64}$'),
    times         jsonb NOT NULL,
    tags_state    text NOT NULL CHECK (tags_state IN ('none', 'pending', 'done', 'failed')),
    created_at    timestamptz NOT NULL DEFAULT now(),
    UNIQUE (job_id, index)
);
CREATE INDEX images_newest ON images (created_at DESC, id DESC);
CREATE INDEX images_by_file ON images (file);
CREATE INDEX images_by_thumb ON images (thumb);
ALTER TABLE jobs ADD CONSTRAINT jobs_parent_image_fkey FOREIGN KEY (parent_image) REFERENCES images (id);

CREATE TABLE tags (
    id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE CHECK (name <> '' AND char_length(name) <= 64)
);

CREATE TABLE image_tags (
    image_id   uuid NOT NULL REFERENCES images (id) ON DELETE CASCADE,
    tag_id     bigint NOT NULL REFERENCES tags (id),
    source     text NOT NULL CHECK (source IN ('user', 'llm', 'vlm')),
    confidence real NOT NULL CHECK (confidence BETWEEN 0 AND 1),
    job_id     uuid REFERENCES jobs (id),
    position   int NOT NULL,
    PRIMARY KEY (image_id, tag_id, source)
);
CREATE INDEX image_tags_by_tag ON image_tags (tag_id);
