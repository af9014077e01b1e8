-- Apps and what they own; admins and their sessions.
-- Ids are UUIDv7 (16 bytes, so that their order is the order of making); times are microseconds since 1970 UTC.

CREATE TABLE meta (
    one       INTEGER PRIMARY KEY CHECK (one = 1),
    revision  INTEGER NOT NULL,
    had_admin INTEGER NOT NULL
) STRICT;

INSERT INTO meta (one, revision, had_admin) VALUES (1, 0, 0);

CREATE TABLE apps (
    id         BLOB    PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    slug       TEXT    NOT NULL,
    limits     TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    version    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX apps_slug ON apps (slug);

CREATE TABLE domains (
    id         BLOB    PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    app_id     BLOB    NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    pattern    TEXT    NOT NULL,
    shape      TEXT    NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX domains_shape ON domains (shape);
CREATE INDEX domains_app ON domains (app_id);

-- The newest version of each script; its text is in `script_versions`.
CREATE TABLE scripts (
    id         BLOB    PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    app_id     BLOB    NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    name       TEXT    NOT NULL,
    limits     TEXT    NOT NULL,
    version    INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX scripts_name ON scripts (app_id, name);
-- What the rows below refer to, so that the schema itself keeps a route from leading into another app.
CREATE UNIQUE INDEX scripts_app ON scripts (app_id, id);

-- Every version there has been. Rows are added, and go only with their script. The author may be gone.
CREATE TABLE script_versions (
    app_id    BLOB    NOT NULL,
    script_id BLOB    NOT NULL,
    version   INTEGER NOT NULL,
    source    TEXT    NOT NULL,
    hash      BLOB    NOT NULL CHECK (length(hash) = 32),
    saved_at  INTEGER NOT NULL,
    saved_by  BLOB             CHECK (length(saved_by) = 16),
    PRIMARY KEY (script_id, version),
    FOREIGN KEY (app_id, script_id) REFERENCES scripts (app_id, id) ON DELETE CASCADE
) STRICT;

CREATE INDEX script_versions_app ON script_versions (app_id, script_id);

CREATE TABLE routes (
    id         BLOB    PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    app_id     BLOB    NOT NULL,
    script_id  BLOB    NOT NULL,
    method     TEXT    NOT NULL,
    path       TEXT    NOT NULL,
    shape      TEXT    NOT NULL,
    enabled    INTEGER NOT NULL,
    version    INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    FOREIGN KEY (app_id, script_id) REFERENCES scripts (app_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX routes_shape ON routes (app_id, method, shape);
CREATE INDEX routes_script ON routes (app_id, script_id);

CREATE TABLE admins (
    id            BLOB    PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    username      TEXT    NOT NULL,
    password_hash TEXT    NOT NULL,
    active        INTEGER NOT NULL,
    created_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX admins_username ON admins (username);

CREATE TABLE sessions (
    id           BLOB    PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    token_hash   BLOB    NOT NULL CHECK (length(token_hash) = 32),
    admin_id     BLOB    NOT NULL REFERENCES admins (id) ON DELETE CASCADE,
    created_at   INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL,
    ip           TEXT
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX sessions_token ON sessions (token_hash);
CREATE INDEX sessions_admin ON sessions (admin_id);
