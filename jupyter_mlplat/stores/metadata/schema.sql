CREATE TABLE artifact (
    pk INTEGER NOT NULL,
    id TEXT NOT NULL,
    type TEXT NOT NULL,
    name TEXT NOT NULL,
    digest TEXT,
    doc TEXT NOT NULL,
    PRIMARY KEY (pk)
);
CREATE INDEX artifact_digest ON artifact (digest);
CREATE UNIQUE INDEX artifact_id ON artifact (id);
CREATE TABLE cache_entry (
    pk INTEGER NOT NULL,
    "key" TEXT NOT NULL,
    pipeline TEXT NOT NULL,
    step TEXT NOT NULL,
    run_id TEXT NOT NULL,
    doc TEXT NOT NULL,
    PRIMARY KEY (pk)
);
CREATE UNIQUE INDEX cache_key ON cache_entry ("key");
CREATE INDEX cache_run ON cache_entry (run_id);
CREATE INDEX cache_step ON cache_entry (pipeline, step);
CREATE TABLE endpoint (
    name TEXT NOT NULL,
    doc TEXT NOT NULL,
    internal TEXT NOT NULL,
    PRIMARY KEY (name)
)
 WITHOUT ROWID;
CREATE TABLE event (
    seq INTEGER NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    data TEXT NOT NULL,
    time FLOAT NOT NULL,
    PRIMARY KEY (seq)
);
CREATE TABLE execution (
    pk INTEGER NOT NULL,
    id TEXT NOT NULL,
    run_id TEXT,
    doc TEXT NOT NULL,
    PRIMARY KEY (pk)
);
CREATE UNIQUE INDEX execution_id ON execution (id);
CREATE INDEX execution_run ON execution (run_id);
CREATE TABLE experiment (
    name TEXT NOT NULL,
    id TEXT NOT NULL,
    title TEXT NOT NULL,
    description TEXT NOT NULL,
    archived INTEGER NOT NULL,
    created_at FLOAT NOT NULL,
    PRIMARY KEY (name)
)
 WITHOUT ROWID;
CREATE UNIQUE INDEX experiment_id ON experiment (id);
CREATE TABLE finding (
    source TEXT NOT NULL,
    doc TEXT NOT NULL,
    PRIMARY KEY (source)
)
 WITHOUT ROWID;
CREATE TABLE firing (
    pk INTEGER NOT NULL,
    schedule TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "row" INTEGER NOT NULL,
    state TEXT NOT NULL,
    is_open INTEGER NOT NULL,
    run_id TEXT,
    doc TEXT NOT NULL,
    PRIMARY KEY (pk)
);
CREATE UNIQUE INDEX firing_key ON firing (schedule, "key", "row");
CREATE INDEX firing_open ON firing (is_open);
CREATE INDEX firing_run ON firing (run_id);
CREATE INDEX firing_state ON firing (schedule, state);
CREATE TABLE latest_metric (
    run INTEGER NOT NULL,
    name TEXT NOT NULL,
    value FLOAT,
    position INTEGER,
    logged_at FLOAT,
    PRIMARY KEY (run, name)
)
 WITHOUT ROWID;
CREATE TABLE link (
    execution INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    artifact INTEGER NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (execution, kind, artifact, name)
)
 WITHOUT ROWID;
CREATE INDEX link_artifact ON link (artifact, kind);
CREATE TABLE logged_model (
    id TEXT NOT NULL,
    run_id TEXT,
    experiment TEXT NOT NULL,
    doc TEXT NOT NULL,
    PRIMARY KEY (id)
)
 WITHOUT ROWID;
CREATE INDEX logged_model_run ON logged_model (run_id);
CREATE TABLE metric (
    pk INTEGER NOT NULL,
    run INTEGER NOT NULL,
    step TEXT NOT NULL,
    name TEXT NOT NULL,
    value FLOAT,
    position INTEGER,
    logged_at FLOAT NOT NULL,
    PRIMARY KEY (pk)
);
CREATE INDEX metric_series ON metric (run, name);
CREATE TABLE model (
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    created_at FLOAT NOT NULL,
    last_version INTEGER DEFAULT '0' NOT NULL,
    PRIMARY KEY (name)
)
 WITHOUT ROWID;
CREATE TABLE model_alias (
    model TEXT NOT NULL,
    alias TEXT NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (model, alias)
)
 WITHOUT ROWID;
CREATE TABLE model_change (
    pk INTEGER NOT NULL,
    model TEXT NOT NULL,
    doc TEXT NOT NULL,
    PRIMARY KEY (pk)
);
CREATE INDEX model_change_model ON model_change (model);
CREATE TABLE model_version (
    model TEXT NOT NULL,
    version INTEGER NOT NULL,
    artifact_id TEXT NOT NULL,
    run_id TEXT,
    doc TEXT NOT NULL,
    PRIMARY KEY (model, version)
)
 WITHOUT ROWID;
CREATE TABLE output (
    run INTEGER NOT NULL,
    step TEXT NOT NULL,
    name TEXT NOT NULL,
    doc TEXT NOT NULL,
    PRIMARY KEY (run, step, name)
)
 WITHOUT ROWID;
CREATE TABLE pipeline (
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    title TEXT NOT NULL,
    created_at FLOAT NOT NULL,
    doc TEXT NOT NULL,
    PRIMARY KEY (id)
)
 WITHOUT ROWID;
CREATE UNIQUE INDEX pipeline_name ON pipeline (name);
CREATE TABLE pipeline_version (
    pk INTEGER NOT NULL,
    id TEXT NOT NULL,
    pipeline TEXT NOT NULL,
    name TEXT NOT NULL,
    title TEXT NOT NULL,
    created_at FLOAT NOT NULL,
    doc TEXT NOT NULL,
    ir TEXT NOT NULL,
    PRIMARY KEY (pk)
);
CREATE UNIQUE INDEX pipeline_version_id ON pipeline_version (id);
CREATE UNIQUE INDEX pipeline_version_name ON pipeline_version (pipeline, name);
CREATE TABLE run (
    number INTEGER NOT NULL,
    id TEXT NOT NULL,
    state TEXT NOT NULL,
    pipeline TEXT NOT NULL,
    notebook TEXT,
    experiment TEXT NOT NULL,
    created_at FLOAT NOT NULL,
    finished_at FLOAT,
    doc TEXT NOT NULL,
    duration_s FLOAT,
    words TEXT,
    title TEXT DEFAULT '' NOT NULL,
    archived INTEGER DEFAULT '0' NOT NULL,
    kind TEXT DEFAULT 'pipeline' NOT NULL,
    PRIMARY KEY (number)
);
CREATE INDEX run_created ON run (created_at);
CREATE INDEX run_duration ON run (duration_s);
CREATE INDEX run_experiment ON run (experiment, created_at);
CREATE UNIQUE INDEX run_id ON run (id);
CREATE INDEX run_kind ON run (kind);
CREATE INDEX run_notebook ON run (notebook);
CREATE INDEX run_pipeline_name ON run (pipeline);
CREATE INDEX run_state ON run (state);
CREATE TABLE run_pipeline (
    run INTEGER NOT NULL,
    doc TEXT NOT NULL,
    PRIMARY KEY (run)
);
CREATE TABLE run_tag (
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    run INTEGER NOT NULL,
    PRIMARY KEY (name, value, run)
)
 WITHOUT ROWID;
CREATE INDEX run_tag_run ON run_tag (run);
CREATE TABLE schedule (
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    doc TEXT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (id)
)
 WITHOUT ROWID;
CREATE UNIQUE INDEX schedule_name ON schedule (name);
CREATE TABLE store (
    id INTEGER NOT NULL,
    fence INTEGER NOT NULL,
    last_run INTEGER NOT NULL,
    PRIMARY KEY (id)
);
CREATE TABLE submission (
    "key" TEXT NOT NULL,
    digest TEXT NOT NULL,
    run INTEGER NOT NULL,
    PRIMARY KEY ("key")
)
 WITHOUT ROWID;
CREATE INDEX submission_run ON submission (run);
CREATE TABLE task (
    run INTEGER NOT NULL,
    name TEXT NOT NULL,
    position INTEGER NOT NULL,
    state TEXT NOT NULL,
    cached INTEGER NOT NULL,
    doc TEXT NOT NULL,
    is_step INTEGER DEFAULT '1' NOT NULL,
    PRIMARY KEY (run, name)
)
 WITHOUT ROWID;
CREATE TABLE tracked_run (
    run_id TEXT NOT NULL,
    execution_id TEXT NOT NULL,
    heard_at FLOAT NOT NULL,
    PRIMARY KEY (run_id)
)
 WITHOUT ROWID;
CREATE TABLE tracking_fact (
    owner TEXT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (owner, kind, name)
)
 WITHOUT ROWID;
CREATE TABLE tracking_file (
    owner TEXT NOT NULL,
    path TEXT NOT NULL,
    digest TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    PRIMARY KEY (owner, path)
)
 WITHOUT ROWID;
CREATE TABLE trial (
    run INTEGER NOT NULL,
    step TEXT NOT NULL,
    number INTEGER NOT NULL,
    state TEXT NOT NULL,
    value FLOAT,
    duration_s FLOAT,
    doc TEXT NOT NULL,
    PRIMARY KEY (run, step, number)
)
 WITHOUT ROWID;
CREATE TABLE trial_metric (
    run INTEGER NOT NULL,
    step TEXT NOT NULL,
    number INTEGER NOT NULL,
    mark INTEGER NOT NULL,
    name TEXT NOT NULL,
    value FLOAT,
    position INTEGER,
    reported_at FLOAT NOT NULL,
    PRIMARY KEY (run, step, number, mark)
)
 WITHOUT ROWID;
