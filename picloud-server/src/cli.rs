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
    /// Log in to a server, and keep the token where only you can read it.
    Login(LoginArgs),
    /// Make an app on a server what a folder says: picloud.toml and `*.rhai`.
    Push(PushArgs),
    /// Write an app from a server into a folder.
    Pull(PullArgs),
    /// Show how a folder and an app on a server differ. Ends with 1 where they do.
    Diff(DiffArgs),
    /// Run a script by its name, and print what it answers.
    Invoke(InvokeArgs),
    /// Show what the scripts of an app did.
    Logs(LogsArgs),
    /// List the versions of a script.
    Versions(VersionsArgs),
    /// Make an earlier version of a script the newest one.
    Rollback(RollbackArgs),
    /// Make or mend accounts in the database itself, when nobody can log in.
    #[command(subcommand)]
    Admin(AdminCommand),
    /// Print the OpenAPI document of the HTTP API.
    Openapi,
    /// Print what makes a shell complete the commands of this program.
    Completions {
        /// For which shell.
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum AdminCommand {
    /// Make an account. The password is asked for, or read from the standard input.
    Create(AccountArgs),
    /// Give an account another password, and end its sessions. The password is asked for, or read from the standard
    /// input.
    ResetPassword(AccountArgs),
}

#[derive(Debug, Args)]
pub(crate) struct AccountArgs {
    /// User name.
    pub(crate) username: String,
    #[command(flatten)]
    pub(crate) place: DatabaseArgs,
}

/// Which server, and who asks.
#[derive(Debug, Args)]
pub(crate) struct ServerArgs {
    /// URL of the server [default: the one that was logged in to last, or http://127.0.0.1:8080].
    #[arg(long, env = "PICLOUD_URL", value_name = "URL")]
    pub(crate) url: Option<String>,
    /// Token, in place of the one that `picloud login` keeps.
    #[arg(long, env = "PICLOUD_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct LoginArgs {
    #[command(flatten)]
    pub(crate) server: ServerArgs,
    /// User name [default: asked for]. The password is asked for, or read from the standard input.
    #[arg(long, short)]
    pub(crate) username: Option<String>,
    /// Print the result as JSON, without the token.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PushArgs {
    /// Folder with picloud.toml and `*.rhai` files. Tests (`*_test.rhai`) stay at home.
    #[arg(default_value = ".")]
    pub(crate) folder: PathBuf,
    /// The app [default: the slug in picloud.toml]. It is made if it is not there.
    #[arg(long)]
    pub(crate) app: Option<String>,
    /// Remove scripts, routes and domains that only the server has.
    #[arg(long)]
    pub(crate) prune: bool,
    /// Print the result as JSON.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

#[derive(Debug, Args)]
pub(crate) struct PullArgs {
    /// Folder to write to; made if it is not there.
    #[arg(default_value = ".")]
    pub(crate) folder: PathBuf,
    /// The app [default: the slug in the folder's picloud.toml].
    #[arg(long)]
    pub(crate) app: Option<String>,
    /// Overwrite files that differ.
    #[arg(long)]
    pub(crate) force: bool,
    /// Print the result as JSON.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

#[derive(Debug, Args)]
pub(crate) struct DiffArgs {
    /// Folder with picloud.toml and `*.rhai` files.
    #[arg(default_value = ".")]
    pub(crate) folder: PathBuf,
    /// The app [default: the slug in picloud.toml].
    #[arg(long)]
    pub(crate) app: Option<String>,
    /// Print the result as JSON.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

#[derive(Debug, Args)]
pub(crate) struct InvokeArgs {
    /// The app.
    pub(crate) app: String,
    /// The script.
    pub(crate) script: String,
    /// Method [default: GET, or POST with --data].
    #[arg(long, short = 'X')]
    pub(crate) method: Option<String>,
    /// Query, such as `a=1&b=2`.
    #[arg(long)]
    pub(crate) query: Option<String>,
    /// Header, as `name: value`. May be given more than once.
    #[arg(long = "header", short = 'H', value_name = "HEADER")]
    pub(crate) headers: Vec<String>,
    /// Body: a text, `@FILE`, or `@-` for the standard input.
    #[arg(long, short)]
    pub(crate) data: Option<String>,
    /// Print status and headers, too, to the standard error.
    #[arg(long, short)]
    pub(crate) include: bool,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

#[derive(Debug, Args)]
pub(crate) struct LogsArgs {
    /// The app.
    pub(crate) app: String,
    /// Show what comes, until Ctrl-C.
    #[arg(long, short)]
    pub(crate) follow: bool,
    /// Of this script only.
    #[arg(long)]
    pub(crate) script: Option<String>,
    /// With a line of at least this level: debug, info, warn or error.
    #[arg(long)]
    pub(crate) level: Option<String>,
    /// `ok`, `failed`, or the code of a failure such as `script_error`.
    #[arg(long)]
    pub(crate) outcome: Option<String>,
    /// With this text in a line, a message or the path.
    #[arg(long, value_name = "TEXT")]
    pub(crate) text: Option<String>,
    /// How many, from 1 to 200.
    #[arg(long, default_value_t = 50)]
    pub(crate) limit: u16,
    /// Print each run as a line of JSON.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

#[derive(Debug, Args)]
pub(crate) struct VersionsArgs {
    /// The app.
    pub(crate) app: String,
    /// The script.
    pub(crate) script: String,
    /// Print the list as JSON.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

#[derive(Debug, Args)]
pub(crate) struct RollbackArgs {
    /// The app.
    pub(crate) app: String,
    /// The script.
    pub(crate) script: String,
    /// The version to go back to.
    pub(crate) version: u64,
    /// Print the result as JSON.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
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
    #[command(flatten)]
    pub(crate) place: DatabaseArgs,
}

/// Which database, for commands that need no server.
#[derive(Debug, Args)]
pub(crate) struct DatabaseArgs {
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
