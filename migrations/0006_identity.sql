-- Which database this is, whatever server it is on: the directory of pictures is marked with it, so that no other
-- database's scheduler takes what lies there for strays.
CREATE TABLE identity (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    id     uuid NOT NULL DEFAULT gen_random_uuid()
);
INSERT INTO identity DEFAULT VALUES;
