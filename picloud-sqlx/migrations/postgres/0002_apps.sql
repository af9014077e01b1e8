-- Apps and what they own; admins, sessions and settings; what was changed and what was run.
-- Ids are UUIDv7 (16 bytes, so that their order is the order of making); times are microseconds since 1970 UTC.

-- What was there before apps is given to one of them by the program, which then drops these.
ALTER TABLE routes RENAME TO routes_before_apps;
ALTER TABLE scripts RENAME TO scripts_before_apps;

CREATE TABLE meta (
    one       BIGINT PRIMARY KEY CHECK (one = 1),
    revision  BIGINT NOT NULL,
    had_admin BOOLEAN NOT NULL
);

INSERT INTO meta (one, revision, had_admin) VALUES (1, 0, FALSE);

-- `revision`: of the last commit that changed the app or anything it owns.
CREATE TABLE apps (
    id         BYTEA PRIMARY KEY CHECK (length(id) = 16),
    slug       TEXT COLLATE "C" NOT NULL,
    limits     TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    version    BIGINT NOT NULL,
    revision   BIGINT NOT NULL
);

CREATE UNIQUE INDEX apps_slug ON apps (slug);
CREATE INDEX apps_revision ON apps (revision);

-- Slugs that apps once had and that no app has now.
CREATE TABLE former_slugs (
    slug   TEXT COLLATE "C" PRIMARY KEY,
    app_id BYTEA NOT NULL REFERENCES apps (id) ON DELETE CASCADE
);

CREATE INDEX former_slugs_app ON former_slugs (app_id);

-- Apps that were removed, so that servers can tell what to stop serving.
CREATE TABLE gone_apps (
    id       BYTEA PRIMARY KEY CHECK (length(id) = 16),
    revision BIGINT NOT NULL
);

CREATE INDEX gone_apps_revision ON gone_apps (revision);

CREATE TABLE domains (
    id         BYTEA PRIMARY KEY CHECK (length(id) = 16),
    app_id     BYTEA NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    pattern    TEXT NOT NULL,
    shape      TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE UNIQUE INDEX domains_shape ON domains (shape);
CREATE INDEX domains_app ON domains (app_id, id);

-- The newest version of each script; its text is in `script_versions`.
CREATE TABLE scripts (
    id         BYTEA PRIMARY KEY CHECK (length(id) = 16),
    app_id     BYTEA NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    name       TEXT COLLATE "C" NOT NULL,
    limits     TEXT NOT NULL,
    version    BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE UNIQUE INDEX scripts_name ON scripts (app_id, name);
-- What the rows below refer to, so that the schema itself keeps a route from leading into another app.
CREATE UNIQUE INDEX scripts_app ON scripts (app_id, id);

-- Every version there has been. Rows are added, and go only with their script. The author may be gone.
CREATE TABLE script_versions (
    app_id    BYTEA NOT NULL,
    script_id BYTEA NOT NULL,
    version   BIGINT NOT NULL,
    source    TEXT NOT NULL,
    hash      BYTEA NOT NULL CHECK (length(hash) = 32),
    saved_at  BIGINT NOT NULL,
    saved_by  BYTEA CHECK (length(saved_by) = 16),
    PRIMARY KEY (script_id, version),
    FOREIGN KEY (app_id, script_id) REFERENCES scripts (app_id, id) ON DELETE CASCADE
);

CREATE INDEX script_versions_app ON script_versions (app_id, script_id);

CREATE TABLE routes (
    id         BYTEA PRIMARY KEY CHECK (length(id) = 16),
    app_id     BYTEA NOT NULL,
    script_id  BYTEA NOT NULL,
    method     TEXT COLLATE "C" NOT NULL,
    path       TEXT NOT NULL,
    shape      TEXT COLLATE "C" NOT NULL,
    enabled    BOOLEAN NOT NULL,
    version    BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    FOREIGN KEY (app_id, script_id) REFERENCES scripts (app_id, id) ON DELETE CASCADE
);

CREATE UNIQUE INDEX routes_shape ON routes (app_id, method, shape);
CREATE INDEX routes_app ON routes (app_id, id);
CREATE INDEX routes_script ON routes (app_id, script_id);

CREATE TABLE admins (
    id            BYTEA PRIMARY KEY CHECK (length(id) = 16),
    username      TEXT COLLATE "C" NOT NULL,
    password_hash TEXT NOT NULL,
    role          TEXT NOT NULL,
    active        BOOLEAN NOT NULL,
    version       BIGINT NOT NULL,
    created_at    BIGINT NOT NULL
);

CREATE UNIQUE INDEX admins_username ON admins (username);

CREATE TABLE sessions (
    id           BYTEA PRIMARY KEY CHECK (length(id) = 16),
    token_hash   BYTEA NOT NULL CHECK (length(token_hash) = 32),
    admin_id     BYTEA NOT NULL REFERENCES admins (id) ON DELETE CASCADE,
    created_at   BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    ip           TEXT,
    user_agent   TEXT
);

CREATE UNIQUE INDEX sessions_token ON sessions (token_hash);
CREATE INDEX sessions_admin ON sessions (admin_id, id);

-- JSON by name.
CREATE TABLE settings (
    key        TEXT COLLATE "C" PRIMARY KEY,
    value      TEXT NOT NULL,
    updated_at BIGINT NOT NULL
);

-- Who changed what. Refers to nothing: records outlive what they tell of.
CREATE TABLE audit (
    id          BYTEA PRIMARY KEY CHECK (length(id) = 16),
    at          BIGINT NOT NULL,
    admin_id    BYTEA CHECK (length(admin_id) = 16),
    username    TEXT COLLATE "C" NOT NULL,
    ip          TEXT,
    action      TEXT NOT NULL,
    refused     TEXT,
    app_id      BYTEA CHECK (length(app_id) = 16),
    target      TEXT NOT NULL,
    name        TEXT COLLATE "C" NOT NULL,
    hash_before BYTEA CHECK (length(hash_before) = 32),
    hash_after  BYTEA CHECK (length(hash_after) = 32)
);

CREATE INDEX audit_app ON audit (app_id, id);
CREATE INDEX audit_at ON audit (at);

-- What scripts did. `level` is the highest of the lines: 0 for none, 1 to 4 for debug to error.
CREATE TABLE executions (
    id            BYTEA PRIMARY KEY CHECK (length(id) = 16),
    app_id        BYTEA NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    script_id     BYTEA NOT NULL CHECK (length(script_id) = 16),
    script_name   TEXT NOT NULL,
    version       BIGINT NOT NULL,
    cause         TEXT NOT NULL,
    at            BIGINT NOT NULL,
    method        TEXT COLLATE "C" NOT NULL,
    path          TEXT NOT NULL,
    route         TEXT NOT NULL,
    status        BIGINT NOT NULL,
    code          TEXT,
    message       TEXT,
    place         TEXT,
    trace         TEXT NOT NULL,
    lines         TEXT NOT NULL,
    level         BIGINT NOT NULL,
    lines_dropped BIGINT NOT NULL,
    wall_us       BIGINT NOT NULL,
    cpu_us        BIGINT NOT NULL,
    operations    BIGINT NOT NULL,
    peak_memory   BIGINT NOT NULL,
    ip            TEXT
);

CREATE INDEX executions_app ON executions (app_id, id);
CREATE INDEX executions_at ON executions (at);

-- Counts by script and minute; the histograms are JSON.
CREATE TABLE minutes (
    app_id     BYTEA NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    script_id  BYTEA NOT NULL CHECK (length(script_id) = 16),
    minute     BIGINT NOT NULL,
    count      BIGINT NOT NULL,
    errors     BIGINT NOT NULL,
    unsampled  BIGINT NOT NULL,
    dropped    BIGINT NOT NULL,
    wall_us    TEXT NOT NULL,
    operations TEXT NOT NULL,
    PRIMARY KEY (app_id, minute, script_id)
);

CREATE INDEX minutes_minute ON minutes (minute);
