//! The command line: what can be asked of `picloud`.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand};

use crate::config::Given;

/// User-written scripts as live HTTP endpoints.
///
/// Without a command, `picloud` serves: it listens on 127.0.0.1:8080 and keeps its data in ./picloud-data.
#[derive(Debug, Parser)]
#[command(name = "picloud", version, about, args_conflicts_with_subcommands = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) serve: ServeArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve scripts and the admin API, with accounts and a database (the default).
    Serve(ServeArgs),
    /// Serve a folder of scripts, reload on save, show errors in the answer. No accounts, no database.
    Dev(DevArgs),
    /// Run the tests of a folder: the functions `test_…()` in its `*_test.rhai` files. Ends with 1 where one fails.
    Test(TestArgs),
    /// Write the whole SQLite database into one new file, also while a server runs on it.
    Backup(BackupArgs),
    /// Replace the SQLite database with a backup; no server may run on it. What was there is kept beside it.
    Restore(BackupArgs),
}

#[derive(Debug, Default, Clone, Args)]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    pub(crate) given: Given,
    /// Address to listen on [default: 127.0.0.1:8080].
    #[arg(long, env = "PICLOUD_LISTEN", value_name = "ADDRESS")]
    pub(crate) listen: Option<SocketAddr>,
    /// Address where admin API, dashboard and metrics listen, apart from the scripts [default: beside the scripts].
    #[arg(long, env = "PICLOUD_ADMIN_LISTEN", value_name = "ADDRESS")]
    pub(crate) admin_listen: Option<SocketAddr>,
    /// Folder for the database [default: ./picloud-data].
    #[arg(long, env = "PICLOUD_DATA_DIR", value_name = "FOLDER")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Where data is kept: sqlite://FILE or postgres://USER@HOST/NAME [default: picloud.db in the data folder; also read from DATABASE_URL].
    #[arg(long, env = "PICLOUD_DATABASE", value_name = "URL", hide_env_values = true)]
    pub(crate) database: Option<String>,
    /// Settings file [default: ./picloud-server.toml, if it is there].
    #[arg(long, env = "PICLOUD_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The URL under which the world reaches this server, with its scheme and without a path.
    #[arg(long, env = "PICLOUD_PUBLIC_BASE_URL", value_name = "URL")]
    pub(crate) public_base_url: Option<String>,
    /// Print the settings with the place that each comes from, as JSON and without secrets, and end.
    #[arg(long)]
    pub(crate) print_config: bool,
    /// Worker threads [default: one for each processor].
    #[arg(long, env = "PICLOUD_WORKERS", value_name = "NUMBER")]
    pub(crate) workers: Option<usize>,
}

#[derive(Debug, Args)]
pub(crate) struct DevArgs {
    /// Folder with `*.rhai` files and, for routes other than /NAME, a picloud.toml.
    pub(crate) folder: PathBuf,
    /// Address to listen on.
    #[arg(long, env = "PICLOUD_LISTEN", value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
}

#[derive(Debug, Args)]
pub(crate) struct TestArgs {
    /// Folder with `*.rhai` files, tests beside them in `*_test.rhai`, and a picloud.toml as for `dev`.
    #[arg(default_value = ".")]
    pub(crate) folder: PathBuf,
    /// Run only tests that have this in `file::function`.
    #[arg(long, value_name = "TEXT")]
    pub(crate) filter: Option<String>,
    /// Write a report in the form of JUnit.
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
    /// Print the report as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct BackupArgs {
    /// The backup.
    pub(crate) file: PathBuf,
    /// Folder of the database, as for `serve`.
    #[arg(long, env = "PICLOUD_DATA_DIR", value_name = "FOLDER")]
    pub(crate) data_dir: Option<PathBuf>,
    /// The database, as for `serve`.
    #[arg(long, env = "PICLOUD_DATABASE", value_name = "URL", hide_env_values = true)]
    pub(crate) database: Option<String>,
    /// Settings file, as for `serve`.
    #[arg(long, env = "PICLOUD_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}
