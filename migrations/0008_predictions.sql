-- What the placement weighs with beside the ledger. None of it is needed for anything to be right.

-- Since when a turn was free without a break; absent while none is.
ALTER TABLE devices ADD COLUMN idle_since timestamptz DEFAULT now();
UPDATE devices SET idle_since = NULL WHERE turns_taken >= turns;

-- From the grant to the job's end, as the grant predicted it.
ALTER TABLE leases ADD COLUMN expected_ms bigint NOT NULL DEFAULT 0 CHECK (expected_ms >= 0);

-- Its owner's unfinished work when the scheduler first saw the job: its place in the rounds.
ALTER TABLE jobs ADD COLUMN ahead_ms bigint CHECK (ahead_ms >= 0);

-- Attempts that the averages below have not heard of.
ALTER TABLE job_attempts ADD COLUMN learned boolean NOT NULL DEFAULT false;
CREATE INDEX job_attempts_to_learn ON job_attempts (finished_at)
    WHERE NOT learned AND outcome = 'succeeded';

-- Moving averages of what a preset takes on a device.
CREATE TABLE learned_times (
    preset    text NOT NULL REFERENCES presets (name) ON DELETE CASCADE,
    device_id text NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    -- One unit of a job's work; its definition is crates/domain/src/work.rs.
    unit_ms   double precision CHECK (unit_ms > 0),
    units_of  int NOT NULL DEFAULT 0 CHECK (units_of >= 0),
    load_ms   double precision CHECK (load_ms > 0),
    loads     int NOT NULL DEFAULT 0 CHECK (loads >= 0),
    PRIMARY KEY (preset, device_id),
    CONSTRAINT learned_times_are_of_something
        CHECK ((unit_ms IS NULL) = (units_of = 0) AND (load_ms IS NULL) = (loads = 0))
);
