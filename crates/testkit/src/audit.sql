-- What a fault harness wants to know of every write, noted in the transaction that makes it.
-- Each process comes as a role of its own, so that session_user says who wrote; whoever that is may note it.

CREATE TABLE audit_images (
    -- Whoever drew it: the job, or its helper.
    job_id   uuid NOT NULL,
    index    int NOT NULL,
    attempt  int NOT NULL,
    writer   text NOT NULL,
    -- The job at that moment.
    state    text NOT NULL,
    fence    bigint NOT NULL,
    of_job   int NOT NULL,
    -- The slot of the worker that held it, and whether its lease was claimed.
    holder   text,
    claimed  boolean NOT NULL
);

CREATE TABLE audit_moves (
    id       bigint GENERATED ALWAYS AS IDENTITY,
    job_id   uuid NOT NULL,
    before   text NOT NULL,
    after    text NOT NULL,
    fence    bigint NOT NULL,
    writer   text NOT NULL,
    holder   text
);

CREATE TABLE audit_bookings (
    device_id text NOT NULL,
    booked    bigint NOT NULL,
    counted   bigint NOT NULL,
    capacity  bigint NOT NULL,
    turns     bigint NOT NULL
);

-- The role of a worker's process: engine and host.
CREATE FUNCTION audit_slot(worker uuid) RETURNS text LANGUAGE sql STABLE AS
    $$ SELECT engine || '_' || host FROM workers WHERE id = worker $$;

CREATE FUNCTION audit_image() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO audit_images
    SELECT jobs.id, NEW.index, NEW.attempt, session_user, jobs.state, jobs.fence, jobs.attempt,
           audit_slot(jobs.worker_id),
           EXISTS (SELECT FROM leases WHERE job_id = jobs.id AND leases.fence = jobs.fence AND leases.state = 'claimed')
    FROM jobs WHERE jobs.id = coalesce(NEW.drawn_by, NEW.job_id);
    RETURN NULL;
END $$;
CREATE TRIGGER audit AFTER INSERT ON images FOR EACH ROW EXECUTE FUNCTION audit_image();

CREATE FUNCTION audit_move() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO audit_moves (job_id, before, after, fence, writer, holder)
    VALUES (NEW.id, OLD.state, NEW.state, OLD.fence, session_user, audit_slot(OLD.worker_id));
    RETURN NULL;
END $$;
CREATE TRIGGER audit AFTER UPDATE ON jobs FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state)
    EXECUTE FUNCTION audit_move();

-- At the commit of whatever books or frees: the rows themselves, not the counters that are made of them.
CREATE FUNCTION audit_booking() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    device text := CASE WHEN TG_OP = 'DELETE' THEN OLD.device_id ELSE NEW.device_id END;
BEGIN
    INSERT INTO audit_bookings
    SELECT * FROM (
        SELECT device,
               (SELECT coalesce(sum(booked_mib), 0) FROM residents WHERE device_id = device)
               + (SELECT coalesce(sum(working_mib), 0) FROM leases WHERE device_id = device) AS booked,
               resident_mib + working_mib AS counted,
               capacity_mib AS capacity,
               (SELECT coalesce(sum(leases.turns), 0) FROM leases WHERE device_id = device) - devices.turns AS turns
        FROM devices WHERE id = device
    ) AS now
    WHERE booked > capacity OR booked <> counted OR turns > 0;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER audit AFTER INSERT OR DELETE OR UPDATE OF booked_mib ON residents
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION audit_booking();
CREATE CONSTRAINT TRIGGER audit AFTER INSERT OR DELETE OR UPDATE OF working_mib, turns ON leases
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION audit_booking();
