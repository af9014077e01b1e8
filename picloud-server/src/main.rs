//! The `picloud` binary: reads what is asked, and does it.
#![forbid(unsafe_code)]

mod cli;
mod client;
mod config;
mod dashboard;
mod database;
mod dev;
mod dispatch;
mod doors;
mod last_good;
mod logging;
mod manifest;
mod metrics;
mod recovery;
mod run;
mod serve;
mod test;
mod tunables;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::{CommandFactory, Parser};
use mimalloc::MiMalloc;
use picloud::MeteredAlloc;

use crate::cli::{Cli, Command};

/// Counts the memory of each script run.
#[global_allocator]
static ALLOC: MeteredAlloc<MiMalloc> = MeteredAlloc(MiMalloc);

fn main() -> ExitCode {
    let Cli { command, serve } = Cli::parse();
    let logging = logging::start();
    let ended = match command.unwrap_or(Command::Serve(serve)) {
        Command::Serve(args) => serve::main(args),
        Command::Dev(args) => dev::main(args),
        Command::Backup(args) => database::backup(args),
        Command::Restore(args) => database::restore(args),
        Command::Test(args) => test::main(&args),
        Command::Login(args) => client::login(&args),
        Command::Push(args) => client::push(&args),
        Command::Pull(args) => client::pull(&args),
        Command::Diff(args) => client::diff(&args),
        Command::Invoke(args) => client::invoke(&args),
        Command::Logs(args) => client::logs(&args),
        Command::Versions(args) => client::versions(&args),
        Command::Rollback(args) => client::rollback(&args),
        Command::Admin(command) => recovery::main(command),
        Command::Openapi => openapi(),
        Command::Completions { shell } => completions(shell),
    };
    // Whoever waits for the end of this process finds all its lines.
    drop(logging);
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !failure.text.is_empty() {
                eprintln!("picloud: {}", failure.text);
            }
            ExitCode::from(failure.code)
        }
    }
}

fn openapi() -> Result<(), Exit> {
    let text = serde_json::to_string_pretty(&picloud_axum::Api::openapi())?;
    Ok(writeln!(io::stdout().lock(), "{text}")?)
}

fn completions(shell: clap_complete::Shell) -> Result<(), Exit> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "picloud", &mut script);
    Ok(io::stdout().lock().write_all(&script)?)
}

/// Why the program ends before its time.
struct Exit {
    text: String,
    /// The process's exit code: 1, or 3 for a database of a newer release.
    code: u8,
}

impl<T: std::fmt::Display> From<T> for Exit {
    fn from(error: T) -> Self {
        Self { text: error.to_string(), code: 1 }
    }
}
