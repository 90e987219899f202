-- Which scheduler leads. An optimisation: two that both believe it still grant safely, a grant being one transaction.
-- `beat` grows while the holder lives; a contender takes over when it stood still on the contender's own clock.
CREATE TABLE leader (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    epoch  bigint NOT NULL DEFAULT 0,
    beat   bigint NOT NULL DEFAULT 0,
    holder uuid
);
INSERT INTO leader DEFAULT VALUES;
