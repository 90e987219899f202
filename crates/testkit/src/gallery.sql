-- A large gallery, always the same one: each picture 37 s after the one before it, a dozen words of
-- 3,000 for a prompt and five of 5,000 tags, both by Zipf's law. What is drawn hangs on the picture's number alone.

-- The n-th of so many draws for a picture: from 1 to `of`, k as often as 1/k.
CREATE FUNCTION pg_temp.drawn(picture int, draw int, of int) RETURNS int LANGUAGE sql IMMUTABLE AS
    $$ SELECT floor(exp(ln((of + 1)::float8) * ((hashint8extended(picture, draw) & 2147483647) / 2147483648::float8)))::int $$;

CREATE TEMP TABLE words AS
SELECT n, (SELECT string_agg((ARRAY['ba','ro','mi','tu','lo','so','ka','no','vi','du','fa','go','pa','li','za','nu'])
                             [1 + (n * 769 >> part) % 16], '') FROM unnest(ARRAY[0, 4, 8]) AS part) AS word
FROM generate_series(1, 3000) AS n;
CREATE INDEX ON words (n) INCLUDE (word);
ANALYZE words;

CREATE FUNCTION pg_temp.picture_id(n int) RETURNS uuid LANGUAGE sql IMMUTABLE AS
    $$ SELECT overlay(overlay(md5(n::text) placing lpad(to_hex(1700000000000 + n * 37000::bigint), 12, '0') from 1 for 12)
                      placing '7' from 13 for 1)::uuid $$;

CREATE FUNCTION pg_temp.add_pictures(first int, last int) RETURNS void LANGUAGE sql AS $$
    INSERT INTO images (id, job_id, index, attempt, plan, owner, preset, width, height, seed, params, prompt, file, thumb,
                        pixels_sha256, times, tags_state, created_at, rating, favourite)
    SELECT pg_temp.picture_id(n), '00000000-0000-7000-8000-000000000001', n, 1, 'full',
           (ARRAY['local', 'anna', 'ben'])[pg_temp.drawn(n, 101, 3)], 'gallery-' || pg_temp.drawn(n, 102, 12),
           (ARRAY[512, 768, 1024])[pg_temp.drawn(n, 103, 3)], (ARRAY[512, 768, 1024])[pg_temp.drawn(n, 104, 3)], n,
           jsonb_build_object('prompt', prompt, 'negative_prompt', 'blurry, low quality', 'width', 512, 'height', 512,
                              'steps', 20, 'cfg', 7, 'seed', n, 'batch', 1),
           prompt, repeat('a', 64), repeat('a', 64), repeat(md5(n::text), 2),
           '{"loading_ms": 0, "encoding_ms": 10, "sampling_ms": 900, "decoding_ms": 90, "saving_ms": 10}', 'done',
           to_timestamp(1700000000 + n * 37), greatest(0, pg_temp.drawn(n, 105, 20) - 15), pg_temp.drawn(n, 106, 20) = 20
    FROM generate_series(first, last) AS picture (n),
         LATERAL (SELECT string_agg(word, ' ' ORDER BY k) AS prompt
                  FROM generate_series(1, 12) AS k JOIN words ON words.n = pg_temp.drawn(picture.n, k, 3000)) AS said
    ORDER BY n;
    -- The first five that differ, of twelve.
    INSERT INTO image_tags (image_id, tag_id, source, confidence, position)
    SELECT pg_temp.picture_id(n), tags.id, 'llm', 0.9, five.draw
    FROM generate_series(first, last) AS n,
         LATERAL (SELECT pg_temp.drawn(n, 200 + k, 5000) AS tag, min(k) AS draw FROM generate_series(1, 12) AS k
                  GROUP BY tag ORDER BY draw LIMIT 5) AS five
    JOIN tags ON tags.name = 'tag ' || five.tag
    ORDER BY n;
$$;

-- As the demo painter, where that is there: whoever runs on these tables reads them.
INSERT INTO presets (name, engine, spec)
SELECT 'gallery-' || n, 'sd',
       coalesce((SELECT spec || jsonb_build_object('name', 'gallery-' || n) FROM presets WHERE name = 'demo'), '{}')
FROM generate_series(1, 12) AS n
ON CONFLICT DO NOTHING;
INSERT INTO tags (name) SELECT 'tag ' || n FROM generate_series(1, 5000) AS n ON CONFLICT DO NOTHING;
INSERT INTO image_files (sha256, bytes, state) VALUES (repeat('a', 64), 1, 'stored') ON CONFLICT DO NOTHING;
INSERT INTO jobs (id, kind, engine, preset, owner, state, params, finished_at)
VALUES ('00000000-0000-7000-8000-000000000001', 'generate', 'sd', 'gallery-1', 'local', 'succeeded', '{}', now())
ON CONFLICT DO NOTHING;
