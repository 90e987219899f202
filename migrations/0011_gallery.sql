-- What people do with their pictures: rate, keep, tag, search and throw them away.

-- A trusted extension: whoever owns the database may have it.
CREATE EXTENSION IF NOT EXISTS pg_trgm;

ALTER TABLE images
    -- The picture that this one was made from.
    ADD COLUMN parent    uuid REFERENCES images (id) ON DELETE SET NULL CHECK (parent <> id),
    -- 0 where nobody has rated it.
    ADD COLUMN rating    smallint NOT NULL DEFAULT 0 CHECK (rating BETWEEN 0 AND 5),
    ADD COLUMN favourite boolean NOT NULL DEFAULT false,
    -- Since when it is in the bin: in no list, search or count but the bin's own.
    ADD COLUMN binned_at timestamptz,
    -- Its tags of all sources, each once: an index finds a set of them at once, which image_tags can't.
    ADD COLUMN tag_ids   bigint[] NOT NULL DEFAULT '{}',
    -- Prompt (A), tags (B) and negative prompt (D).
    ADD COLUMN search    tsvector NOT NULL DEFAULT '';

-- Jobs about a picture outlive it.
ALTER TABLE jobs DROP CONSTRAINT jobs_parent_image_fkey;
ALTER TABLE jobs ADD CONSTRAINT jobs_parent_image_fkey
    FOREIGN KEY (parent_image) REFERENCES images (id) ON DELETE SET NULL;

-- What is searched follows from the row, whoever writes it.
CREATE FUNCTION images_search() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    NEW.search := setweight(to_tsvector('english', NEW.prompt), 'A')
        || setweight(to_tsvector('english', coalesce(
            (SELECT string_agg(name, ' . ' ORDER BY name) FROM tags WHERE id = ANY (NEW.tag_ids)), '')), 'B')
        || setweight(to_tsvector('english', coalesce(NEW.params ->> 'negative_prompt', '')), 'D');
    RETURN NEW;
END $$;
CREATE TRIGGER search BEFORE INSERT OR UPDATE OF prompt, params, tag_ids ON images
    FOR EACH ROW EXECUTE FUNCTION images_search();

-- A picture's tags and what is found by them change in one transaction. A worker may tag, but not write the columns that
-- follow from it. Whoever changes tags has locked the picture, so that two don't miss each other's.
CREATE FUNCTION images_tag_ids() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE images SET tag_ids = coalesce(now_there.ids, '{}')
    FROM (SELECT DISTINCT image_id FROM changed) AS touched
    LEFT JOIN LATERAL (SELECT array_agg(DISTINCT tag_id ORDER BY tag_id) AS ids FROM image_tags
                       WHERE image_tags.image_id = touched.image_id) AS now_there ON true
    WHERE images.id = touched.image_id AND tag_ids IS DISTINCT FROM coalesce(now_there.ids, '{}');
    RETURN NULL;
END $$;
CREATE TRIGGER added AFTER INSERT ON image_tags REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION images_tag_ids();
CREATE TRIGGER taken AFTER DELETE ON image_tags REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION images_tag_ids();

-- What is there already: one statement, which sets the search columns too.
UPDATE images SET tag_ids = coalesce(
    (SELECT array_agg(DISTINCT tag_id ORDER BY tag_id) FROM image_tags WHERE image_id = images.id), '{}');

-- Lists and counts walk this index without the rows themselves: what it includes is what they look at.
DROP INDEX images_newest;
CREATE INDEX images_newest ON images (created_at DESC, id DESC)
    INCLUDE (owner, preset, rating, favourite, width, height, tag_ids) WHERE binned_at IS NULL;
CREATE INDEX images_in_bin ON images (created_at DESC, id DESC) WHERE binned_at IS NOT NULL;
-- For what is rare among the newest.
CREATE INDEX images_by_preset ON images (preset, created_at DESC, id DESC);
CREATE INDEX images_by_seed ON images (seed);
CREATE INDEX images_by_parent ON images (parent) WHERE parent IS NOT NULL;
-- A pending list would make reads wait for it now and then; pictures come seldom enough to be sorted in at once. The
-- trigrams are many, and nobody waits for the last millisecond of what is alike.
CREATE INDEX images_by_search ON images USING gin (search) WITH (fastupdate = off);
CREATE INDEX images_by_tags ON images USING gin (tag_ids) WITH (fastupdate = off);
CREATE INDEX images_by_prompt ON images USING gin (prompt gin_trgm_ops);
