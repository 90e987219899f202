-- A failed job that is tried again keeps its attempts' numbers: these came before.
ALTER TABLE jobs ADD COLUMN attempts_before int NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD CONSTRAINT jobs_attempts_before_bounded CHECK (attempts_before BETWEEN 0 AND attempt);

-- What one attempt may take, in seconds; no limit where absent.
ALTER TABLE jobs ADD COLUMN timeout_s int CHECK (timeout_s > 0);
