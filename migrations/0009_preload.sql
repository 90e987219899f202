-- Models that are loaded before a job asks for them.

-- Booked with no job on it: a lease that nobody claims does not unbook it, since its engine may live.
ALTER TABLE residents ADD COLUMN preload boolean NOT NULL DEFAULT false;

-- Whether this worker failed to load the preset ahead of its jobs, and no job has loaded it there since.
ALTER TABLE worker_presets ADD COLUMN preload_failed boolean NOT NULL DEFAULT false;

-- Telemetry of the last heartbeat, as the others.
ALTER TABLE devices ADD COLUMN power_watts int;
