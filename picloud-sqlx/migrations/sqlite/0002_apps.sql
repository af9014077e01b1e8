-- Apps and what they own; admins, sessions and settings; what was changed and what was run.
-- Ids are UUIDv7 (16 bytes, so that their order is the order of making); times are microseconds since 1970 UTC.

-- What was there before apps is given to one of them by the program, which then drops these.
ALTER TABLE routes RENAME TO routes_before_apps;
ALTER TABLE scripts RENAME TO scripts_before_apps;

CREATE TABLE meta (
    one       INTEGER PRIMARY KEY CHECK (one = 1),
    revision  INTEGER NOT NULL,
    had_admin INTEGER NOT NULL
) STRICT;

INSERT INTO meta (one, revision, had_admin) VALUES (1, 0, FALSE);

-- `revision`: of the last commit that changed the app or anything it owns.
CREATE TABLE apps (
    id         BLOB    PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    slug       TEXT    NOT NULL,
    limits     TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    version    INTEGER NOT NULL,
    revision   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX apps_slug ON apps (slug);
CREATE INDEX apps_revision ON apps (revision);

-- Slugs that apps once had and that no app has now.
CREATE TABLE former_slugs (
    slug   TEXT PRIMARY KEY NOT NULL,
    app_id BLOB NOT NULL REFERENCES apps (id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX former_slugs_app ON former_slugs (app_id);

-- Apps that were removed, so that servers can tell what to stop serving.
CREATE TABLE gone_apps (
    id       BLOB    PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    revision INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX gone_apps_revision ON gone_apps (revision);

CREATE TABLE domains (
    id         BLOB    PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    app_id     BLOB    NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    pattern    TEXT    NOT NULL,
    shape      TEXT    NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX domains_shape ON domains (shape);
CREATE INDEX domains_app ON domains (app_id, id);

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
CREATE INDEX routes_app ON routes (app_id, id);
CREATE INDEX routes_script ON routes (app_id, script_id);

CREATE TABLE admins (
    id            BLOB    PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    username      TEXT    NOT NULL,
    password_hash TEXT    NOT NULL,
    role          TEXT    NOT NULL,
    active        INTEGER NOT NULL,
    version       INTEGER NOT NULL,
    created_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX admins_username ON admins (username);

CREATE TABLE sessions (
    id           BLOB    PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    token_hash   BLOB    NOT NULL CHECK (length(token_hash) = 32),
    admin_id     BLOB    NOT NULL REFERENCES admins (id) ON DELETE CASCADE,
    created_at   INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL,
    ip           TEXT,
    user_agent   TEXT
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX sessions_token ON sessions (token_hash);
CREATE INDEX sessions_admin ON sessions (admin_id, id);

-- JSON by name.
CREATE TABLE settings (
    key        TEXT    PRIMARY KEY NOT NULL,
    value      TEXT    NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Who changed what. Refers to nothing: records outlive what they tell of.
CREATE TABLE audit (
    id          BLOB    PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    at          INTEGER NOT NULL,
    admin_id    BLOB             CHECK (length(admin_id) = 16),
    username    TEXT    NOT NULL,
    ip          TEXT,
    action      TEXT    NOT NULL,
    refused     TEXT,
    app_id      BLOB             CHECK (length(app_id) = 16),
    target      TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    hash_before BLOB             CHECK (length(hash_before) = 32),
    hash_after  BLOB             CHECK (length(hash_after) = 32)
) STRICT, WITHOUT ROWID;

CREATE INDEX audit_app ON audit (app_id, id);
CREATE INDEX audit_at ON audit (at);

-- What scripts did. `level` is the highest of the lines: 0 for none, 1 to 4 for debug to error.
CREATE TABLE executions (
    id            BLOB    PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    app_id        BLOB    NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    script_id     BLOB    NOT NULL CHECK (length(script_id) = 16),
    script_name   TEXT    NOT NULL,
    version       INTEGER NOT NULL,
    cause         TEXT    NOT NULL,
    at            INTEGER NOT NULL,
    method        TEXT    NOT NULL,
    path          TEXT    NOT NULL,
    route         TEXT    NOT NULL,
    status        INTEGER NOT NULL,
    code          TEXT,
    message       TEXT,
    place         TEXT,
    trace         TEXT    NOT NULL,
    lines         TEXT    NOT NULL,
    level         INTEGER NOT NULL,
    lines_dropped INTEGER NOT NULL,
    wall_us       INTEGER NOT NULL,
    cpu_us        INTEGER NOT NULL,
    operations    INTEGER NOT NULL,
    peak_memory   INTEGER NOT NULL,
    ip            TEXT
) STRICT;

CREATE INDEX executions_app ON executions (app_id, id);
CREATE INDEX executions_at ON executions (at);

-- Counts by script and minute; the histograms are JSON.
CREATE TABLE minutes (
    app_id     BLOB    NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    script_id  BLOB    NOT NULL CHECK (length(script_id) = 16),
    minute     INTEGER NOT NULL,
    count      INTEGER NOT NULL,
    errors     INTEGER NOT NULL,
    unsampled  INTEGER NOT NULL,
    dropped    INTEGER NOT NULL,
    wall_us    TEXT    NOT NULL,
    operations TEXT    NOT NULL,
    PRIMARY KEY (app_id, minute, script_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX minutes_minute ON minutes (minute);
