-- A device with nothing to do draws one picture of a job that runs elsewhere. Such a helper is a job of its own, with its
-- own lease, fence and attempt, that is never queued and never shown among the jobs that people sent; the picture is
-- its parent's.
ALTER TABLE jobs
    ADD COLUMN helps uuid REFERENCES jobs (id) ON DELETE CASCADE,
    -- The place of the picture that it draws: of a helper the only one, of any other the one that it has begun.
    ADD COLUMN picture int CHECK (picture >= 0),
    ADD COLUMN picture_at timestamptz,
    ADD CONSTRAINT jobs_helper_draws_one
        CHECK (helps IS NULL OR (kind = 'generate' AND images_total = 1 AND picture IS NOT NULL AND state <> 'queued')),
    ADD CONSTRAINT jobs_picture_is_dated CHECK (helps IS NOT NULL OR (picture IS NULL) = (picture_at IS NULL));
CREATE INDEX jobs_helpers ON jobs (helps) WHERE helps IS NOT NULL;
-- No picture is drawn by two helpers.
CREATE UNIQUE INDEX jobs_one_helper_a_picture ON jobs (helps, picture)
    WHERE helps IS NOT NULL AND state IN ('leased', 'running');

-- Whoever helps a job that has ended is asked to end. A worker that ends a job has no right to ask for another's end.
CREATE FUNCTION jobs_end_helpers() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE jobs SET cancel_requested_at = now()
    WHERE helps = NEW.id AND state IN ('leased', 'running') AND cancel_requested_at IS NULL;
    RETURN NULL;
END $$;
CREATE TRIGGER jobs_end_helpers AFTER UPDATE OF state ON jobs FOR EACH ROW
    WHEN (NEW.finished_at IS NOT NULL AND OLD.finished_at IS NULL AND NEW.images_total > 1)
    EXECUTE FUNCTION jobs_end_helpers();

-- The helper that drew it; `attempt` is an attempt of that one then.
ALTER TABLE images ADD COLUMN drawn_by uuid REFERENCES jobs (id);
CREATE INDEX images_by_helper ON images (drawn_by) WHERE drawn_by IS NOT NULL;
