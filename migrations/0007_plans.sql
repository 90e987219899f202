-- Which rungs of its engine's ladder a worker offers for a preset, and what of the preset's files each can put elsewhere:
-- the rest of weights_mib is the network. What workers said before says nothing of either, so it counts for the first
-- rung alone, and all of it as the network.
ALTER TABLE worker_presets
    ADD COLUMN text_encoders_mib bigint NOT NULL DEFAULT 0 CHECK (text_encoders_mib >= 0),
    ADD COLUMN decoder_mib       bigint NOT NULL DEFAULT 0 CHECK (decoder_mib >= 0),
    ADD COLUMN plans             text[] NOT NULL DEFAULT '{full}',
    ADD CONSTRAINT worker_presets_parts_bounded CHECK (text_encoders_mib + decoder_mib <= weights_mib);

-- Tiles were on the ladder of language models too, where they changed nothing; this is its second rung now.
UPDATE jobs SET plan = 'kv_quantised' WHERE engine = 'llm' AND plan = 'vae_tiling';
