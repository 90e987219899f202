-- A job is deleted when nothing needs it any more. Tags outlive the job that found them.
ALTER TABLE image_tags
    DROP CONSTRAINT image_tags_job_id_fkey,
    ADD CONSTRAINT image_tags_job_id_fkey FOREIGN KEY (job_id) REFERENCES jobs (id) ON DELETE SET NULL;
