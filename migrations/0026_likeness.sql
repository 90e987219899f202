-- Prompts that are like another, found at once however many there are. Trigrams that most prompts share made an index of
-- them useless: with 200,000 pictures a second went by.

-- Numbers for the words of a prompt. Of two prompts whose words are alike by the share s (of those of both), each of
-- sixteen is the same by chance s^4: minwise hashing (Broder 1997) in bands of four. So of those alike by 0.7 one in a
-- hundred has none in common, of those alike by 0.2 one in forty has any. Few words are seldom alike by so much, though
-- one alone differs: up to eight words have eight more numbers, each the same by chance s^2.
CREATE FUNCTION prompt_bands(prompt text) RETURNS int[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(array_agg(band), '{}')
    FROM (SELECT hashtext(place || ':' || string_agg(least::text, ',' ORDER BY n)) AS band
          FROM (SELECT n, CASE WHEN n < 64 THEN n / 4 ELSE n / 2 END AS place,
                       min(hashtextextended(word, n)) AS least
                FROM (SELECT tsvector_to_array(to_tsvector('pg_catalog.english', prompt)) AS words) AS said,
                     generate_series(0, CASE WHEN cardinality(words) > 8 THEN 63 ELSE 79 END) AS n,
                     unnest(words) AS word
                GROUP BY n) AS sketch
          GROUP BY place) AS bands
$$;

ALTER TABLE images ADD COLUMN likeness int[] NOT NULL DEFAULT '{}';
UPDATE images SET likeness = prompt_bands(prompt);
DROP INDEX images_by_prompt;
CREATE INDEX images_by_likeness ON images USING gin (likeness) WITH (fastupdate = off);

CREATE OR REPLACE FUNCTION images_search() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    NEW.search := setweight(to_tsvector('english', NEW.prompt), 'A')
        || setweight(to_tsvector('english', coalesce(
            (SELECT string_agg(name, ' . ' ORDER BY name) FROM tags WHERE id = ANY (NEW.tag_ids)), '')), 'B')
        || setweight(to_tsvector('english', coalesce(NEW.params ->> 'negative_prompt', '')), 'D');
    IF TG_OP = 'INSERT' OR NEW.prompt IS DISTINCT FROM OLD.prompt THEN
        NEW.likeness := prompt_bands(NEW.prompt);
    END IF;
    RETURN NEW;
END $$;
