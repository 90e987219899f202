-- What jobs take, learned from what attempts were seen to take (crates/domain/src/correction.rs).

-- What was booked for the attempt: its model and its own work. Absent of attempts from before.
ALTER TABLE job_attempts ADD COLUMN resident_mib bigint CHECK (resident_mib >= 0);
ALTER TABLE job_attempts ADD COLUMN working_mib bigint CHECK (working_mib >= 0);

DROP INDEX job_attempts_to_learn;
CREATE INDEX job_attempts_to_learn ON job_attempts (finished_at)
    WHERE NOT learned AND (outcome = 'succeeded' OR error ->> 'kind' = 'out_of_memory');

CREATE TABLE estimates (
    preset      text NOT NULL REFERENCES presets (name) ON DELETE CASCADE,
    -- Of the jobs' sizes; its definition is crates/domain/src/correction.rs.
    bucket      int  NOT NULL CHECK (bucket >= 0),
    plan        text NOT NULL,
    -- The newest observations, newest first: what was seen, of what the formula says.
    seen        double precision[] NOT NULL CHECK (cardinality(seen) > 0),
    -- Their quantile: what the formula is multiplied by.
    ratio       double precision NOT NULL CHECK (ratio > 0),
    -- Observations, those too that are no longer kept.
    samples     int NOT NULL CHECK (samples >= cardinality(seen)),
    -- What the formula said of the newest one, for people.
    formula_mib bigint NOT NULL CHECK (formula_mib > 0),
    -- When such a job last ran out of memory.
    raised_at   timestamptz,
    updated_at  timestamptz NOT NULL,
    PRIMARY KEY (preset, bucket, plan)
);
