//! `picloud invoke`: runs a script by its name.

use std::{
    fs,
    io::{self, Read, Write},
};

use super::{
    api::{Api, read},
    remote::Remote,
};
use crate::{Exit, cli::InvokeArgs};

/// Prints the body of the answer. Ends with 1 where the status is 400 or above.
pub(crate) fn invoke(args: &InvokeArgs) -> Result<(), Exit> {
    let api = Api::new(&args.server)?;
    let remote = Remote::expect(&api, &args.app)?;
    let id = &remote.script(&args.script)?.id;
    let body = args.data.as_deref().map_or_else(|| Ok(Vec::new()), body)?;
    let method = match &args.method {
        Some(method) => method.to_ascii_uppercase(),
        None if args.data.is_some() => "POST".to_owned(),
        None => "GET".to_owned(),
    };
    let headers = args.headers.iter().map(|text| header(text)).collect::<Result<Vec<_>, _>>()?;
    let query = args.query.as_deref().map(|query| format!("?{query}")).unwrap_or_default();
    let response = api.send(&method, &format!("/api/v1/execute/{id}{query}"), &headers, body)?;
    let (status, told) = (response.status(), response.headers().clone());
    if args.include {
        eprintln!("{status}");
        for (name, value) in &told {
            eprintln!("{name}: {}", String::from_utf8_lossy(value.as_bytes()));
        }
        eprintln!();
    }
    let bytes = read(response)?;
    let mut output = io::stdout().lock();
    output.write_all(&bytes)?;
    if io::IsTerminal::is_terminal(&output) && bytes.last().is_some_and(|last| *last != b'\n') {
        output.write_all(b"\n")?;
    }
    output.flush()?;
    if status.as_u16() >= 400 { Err(format!("the script answered {status}").into()) } else { Ok(()) }
}

/// The text itself, the contents of a file for `@FILE`, the standard input for `@-`.
fn body(data: &str) -> Result<Vec<u8>, String> {
    match data.strip_prefix('@') {
        None => Ok(data.as_bytes().to_vec()),
        Some("-") => {
            let mut bytes = Vec::new();
            io::stdin()
                .lock()
                .read_to_end(&mut bytes)
                .map_err(|error| format!("the input ended early: {error}"))?;
            Ok(bytes)
        }
        Some(file) => fs::read(file).map_err(|error| format!("{file} cannot be read: {error}")),
    }
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) =
        text.split_once(':').ok_or_else(|| format!("`{text}` is no header; write `name: value`"))?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}
