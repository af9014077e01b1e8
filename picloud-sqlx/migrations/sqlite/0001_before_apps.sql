-- Scripts and their routes, before there were apps.
-- Ids are UUIDv7 (16 bytes, so that their order is the order of making); times are microseconds since 1970 UTC.

CREATE TABLE scripts (
    id         BLOB    PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    name       TEXT    NOT NULL UNIQUE,
    source     TEXT    NOT NULL,
    hash       BLOB    NOT NULL CHECK (length(hash) = 32),
    version    INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE routes (
    id         BLOB    PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    script_id  BLOB    NOT NULL REFERENCES scripts (id) ON DELETE CASCADE,
    method     TEXT    NOT NULL,
    path       TEXT    NOT NULL,
    shape      TEXT    NOT NULL,
    enabled    INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (method, shape)
) STRICT;
