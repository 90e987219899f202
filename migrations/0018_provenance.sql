-- What an attempt's pictures were made with, beyond what their job says: files, versions, device. The first picture's
-- transaction writes it.
ALTER TABLE job_attempts ADD COLUMN provenance jsonb;

-- SHA-256 of model files as a host's workers have read them. A file that was changed is another file.
CREATE TABLE file_hashes (
    host        text NOT NULL,
    path        text NOT NULL,
    bytes       bigint NOT NULL CHECK (bytes >= 0),
    -- Nanoseconds since 1970.
    modified_ns bigint NOT NULL,
    sha256      text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    PRIMARY KEY (host, path, bytes, modified_ns)
);
