-- Pictures that were imported: no job has made them.
ALTER TABLE images
    ALTER COLUMN job_id DROP NOT NULL,
    ALTER COLUMN plan DROP NOT NULL,
    ADD COLUMN origin text NOT NULL DEFAULT 'job' CHECK (origin IN ('job', 'import')),
    -- What its file is: what we draw is PNG, what is imported keeps its bytes.
    ADD COLUMN format text NOT NULL DEFAULT 'png' CHECK (format IN ('png', 'jpeg', 'webp')),
    ADD CONSTRAINT images_of_a_job_name_it CHECK ((origin = 'job') = (job_id IS NOT NULL)),
    ADD CONSTRAINT images_of_a_job_have_a_plan CHECK ((origin = 'job') = (plan IS NOT NULL));
-- The same bytes are imported once.
CREATE UNIQUE INDEX images_imported_once ON images (file) WHERE origin = 'import';
