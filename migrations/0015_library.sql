-- Presets are written over REST too, and what of a preset an engine has loaded is told apart from what it has not.
ALTER TABLE presets
    -- Over files and flags: crates/domain/src/preset/signature.rs. `api migrate` fills it in.
    ADD COLUMN signature  text NOT NULL DEFAULT '',
    -- Who wrote it last: the catalogue's file, or somebody over REST, whose preset the file does not overwrite.
    ADD COLUMN origin     text NOT NULL DEFAULT 'file' CHECK (origin IN ('file', 'api')),
    -- Hidden and refused to new jobs; jobs that ran keep naming it.
    ADD COLUMN retired_at timestamptz;

-- What the worker looked at: anything but the preset's own says nothing of it.
ALTER TABLE worker_presets ADD COLUMN signature text NOT NULL DEFAULT '';

-- What was booked, and is loaded whatever becomes of its preset meanwhile.
ALTER TABLE residents ADD COLUMN signature text NOT NULL DEFAULT '', ADD COLUMN spec jsonb;
UPDATE residents SET spec = presets.spec FROM presets WHERE presets.name = residents.preset;
ALTER TABLE residents ALTER COLUMN spec SET NOT NULL;
