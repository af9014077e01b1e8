//! `picloud login`: gets a token, and keeps it.

use std::io::{self, BufRead, IsTerminal, Write};

use serde::Deserialize;
use serde_json::json;

use super::{api::Api, credentials::Credentials, report};
use crate::{Exit, cli::LoginArgs};

#[derive(Deserialize)]
struct LoggedIn {
    token: String,
    expires_at: String,
}

pub(crate) fn login(args: &LoginArgs) -> Result<(), Exit> {
    let api = Api::new(&args.server)?;
    let username = match &args.username {
        Some(username) => username.clone(),
        None => ask("User name: ")?,
    };
    let password = password("Password: ")?;
    let body = json!({ "username": username, "password": password });
    let LoggedIn { token, expires_at } = api.call("POST", "/auth/login", Some(&body))?;
    let mut kept = Credentials::load()?;
    kept.url = Some(api.url.clone());
    kept.tokens.insert(api.url.clone(), token);
    let path = kept.save()?;
    if args.json {
        return Ok(report::json(&json!({ "url": api.url, "username": username, "expires_at": expires_at }))?);
    }
    report::line(&format!("logged in to {} as {username}; the token is in {}", api.url, path.display()));
    Ok(())
}

/// A line that is typed, or piped in.
fn ask(prompt: &str) -> Result<String, String> {
    if io::stdin().is_terminal() {
        eprint!("{prompt}");
        // Nothing depends on it.
        let _ = io::stderr().flush();
    }
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).map_err(|error| format!("the input ended early: {error}"))?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// A password that is typed without being shown, or piped in.
pub(crate) fn password(prompt: &str) -> Result<String, String> {
    if !io::stdin().is_terminal() {
        return ask(prompt);
    }
    rpassword::prompt_password(prompt).map_err(|error| format!("the password cannot be read: {error}"))
}
