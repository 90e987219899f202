-- Pictures are enlarged.
ALTER TABLE jobs DROP CONSTRAINT jobs_kind_check;
ALTER TABLE jobs ADD CONSTRAINT jobs_kind_check CHECK (kind IN ('generate', 'tag', 'enhance', 'upscale'));
-- What it was enlarged from and how much; its params are those of that picture.
ALTER TABLE images ADD COLUMN upscale jsonb;
