-- Scripts and their routes, before there were apps.
-- Ids are UUIDv7 (16 bytes, so that their order is the order of making); times are microseconds since 1970 UTC.

CREATE TABLE scripts (
    id         BYTEA  PRIMARY KEY CHECK (length(id) = 16),
    name       TEXT   COLLATE "C" NOT NULL UNIQUE,
    source     TEXT   NOT NULL,
    hash       BYTEA  NOT NULL CHECK (length(hash) = 32),
    version    BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE routes (
    id         BYTEA   PRIMARY KEY CHECK (length(id) = 16),
    script_id  BYTEA   NOT NULL REFERENCES scripts (id) ON DELETE CASCADE,
    method     TEXT    COLLATE "C" NOT NULL,
    path       TEXT    NOT NULL,
    shape      TEXT    COLLATE "C" NOT NULL,
    enabled    BOOLEAN NOT NULL,
    created_at BIGINT  NOT NULL,
    UNIQUE (method, shape)
);
