-- What a worker's role may do: the statements that crates/worker runs, and no other. Applied again with each migration,
-- so that the rights are always those of the present schema. The roles of machines are members of `mystic_worker`.

SET LOCAL client_min_messages = warning;

-- Roles belong to all databases of a server, so another one's migration may make this role at the same moment.
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'mystic_worker') THEN
        CREATE ROLE mystic_worker NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;

REVOKE ALL ON ALL TABLES IN SCHEMA public FROM mystic_worker;
GRANT USAGE ON SCHEMA public TO mystic_worker;

-- Whether the schema is the program's.
GRANT SELECT (version, checksum, success) ON _sqlx_migrations TO mystic_worker;

-- Registering, beating, leaving.
GRANT SELECT ON presets, worker_presets, devices, workers, residents, leases TO mystic_worker;
GRANT INSERT (id, host, kind, name, total_mib, capacity_mib, turns),
      UPDATE (host, kind, name, total_mib, capacity_mib, turns, resident_mib, working_mib, turns_taken, idle_since, used_mib,
              others_mib, others_estimated, utilisation, temperature, power_watts,
              lost_at, updated_at)
    ON devices TO mystic_worker;
GRANT INSERT (id, host, device_id, engine, version, pid, boot_id, state, max_children),
      UPDATE (state, gone_at, beat, beat_at)
    ON workers TO mystic_worker;
GRANT INSERT, UPDATE (weights_mib, text_encoders_mib, decoder_mib, plans, problem, signature, preload_failed)
    ON worker_presets TO mystic_worker;
GRANT UPDATE (state, pid, observed_mib, loaded_at, used_at, preload), DELETE ON residents TO mystic_worker;
GRANT UPDATE (state), DELETE ON leases TO mystic_worker;

-- Claiming and settling. What a job is to do, for whom and how soon, is not a worker's to change.
GRANT SELECT,
      UPDATE (state, attempt, engine_deaths, plan, images_done, picture, picture_at, worker_id, resident_id, wait_reason, error, result, not_before,
              last_event, started_at, finished_at)
    ON jobs TO mystic_worker;
GRANT SELECT (job_id, attempt, fence, worker_id, outcome, provenance),
      INSERT (job_id, attempt, fence, worker_id, device_id, plan, resident_mib, working_mib),
      UPDATE (finished_at, outcome, error, times, peak_mib, provenance)
    ON job_attempts TO mystic_worker;
GRANT INSERT (job_id, number, kind, data) ON job_events TO mystic_worker;

-- Pictures with their files and tags, and the job that tags each.
GRANT SELECT (sha256, state), INSERT (sha256, bytes, state), UPDATE (state, staged_at) ON image_files TO mystic_worker;
GRANT SELECT (id, job_id, index, tags_state, params, seed, file),
      INSERT (id, job_id, index, attempt, plan, owner, preset, width, height, seed, params, prompt, file, thumb,
              pixels_sha256, times, tags_state, parent, binned_at, drawn_by, upscale),
      UPDATE (tags_state)
    ON images TO mystic_worker;
GRANT SELECT, INSERT ON file_hashes TO mystic_worker;
GRANT SELECT (id, name), INSERT (name) ON tags TO mystic_worker;
GRANT SELECT (alias, tag) ON tag_aliases TO mystic_worker;
GRANT SELECT (image_id, source), INSERT (image_id, tag_id, source, confidence, job_id, position), DELETE
    ON image_tags TO mystic_worker;
GRANT INSERT (id, kind, engine, preset, owner, priority, params, max_attempts, not_before, idempotency_key,
              idempotency_hash, parent_image, origin, images_total, timeout_s)
    ON jobs TO mystic_worker;

-- A worker adds no other jobs than those, and takes no tags away but a model's.
ALTER TABLE jobs ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS jobs_open ON jobs;
CREATE POLICY jobs_open ON jobs USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS jobs_of_workers ON jobs;
CREATE POLICY jobs_of_workers ON jobs AS RESTRICTIVE FOR INSERT TO mystic_worker
    WITH CHECK (kind = 'tag' AND origin = 'auto' AND state = 'queued' AND parent_image IS NOT NULL);
ALTER TABLE image_tags ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS image_tags_open ON image_tags;
CREATE POLICY image_tags_open ON image_tags USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS image_tags_of_models ON image_tags;
CREATE POLICY image_tags_of_models ON image_tags AS RESTRICTIVE FOR DELETE TO mystic_worker USING (source <> 'user');

-- Names can't be parameters of CREATE ROLE, and are quoted here and nowhere else.
CREATE OR REPLACE FUNCTION mystic_grant_access(machine text, secret text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    role text := 'mystic_worker_' || machine;
BEGIN
    EXECUTE format('CREATE ROLE %I LOGIN PASSWORD %L IN ROLE mystic_worker', role, secret);
    RETURN role;
END $$;

-- Ends the role's sessions first, as far as we may: one that is left has no rights from then on.
CREATE OR REPLACE FUNCTION mystic_revoke_access(machine text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    role text := 'mystic_worker_' || machine;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
        RETURN;
    END IF;
    BEGIN
        EXECUTE format('ALTER ROLE %I NOLOGIN', role);
        PERFORM pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = role;
    EXCEPTION WHEN insufficient_privilege THEN NULL;
    END;
    EXECUTE format('DROP ROLE %I', role);
END $$;

REVOKE EXECUTE ON FUNCTION mystic_grant_access(text, text), mystic_revoke_access(text) FROM PUBLIC;
