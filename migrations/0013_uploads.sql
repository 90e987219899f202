-- Pictures and masks that users send, decoded and encoded anew. An upload keeps its file for a day, a job's for as long
-- as the job is there.
CREATE TABLE uploads (
    id         uuid PRIMARY KEY,
    owner      text NOT NULL,
    kind       text NOT NULL CHECK (kind IN ('picture', 'mask')),
    width      int NOT NULL CHECK (width > 0),
    height     int NOT NULL CHECK (height > 0),
    file       text NOT NULL REFERENCES image_files (sha256),
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX uploads_by_file ON uploads (file);
CREATE INDEX uploads_by_age ON uploads (created_at);

-- Files that a job reads: an upload's, or another picture's.
CREATE TABLE job_inputs (
    job_id uuid NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    file   text NOT NULL REFERENCES image_files (sha256),
    PRIMARY KEY (job_id, file)
);
CREATE INDEX job_inputs_by_file ON job_inputs (file);
