//! `picloud admin`: accounts, mended in the database itself when nobody can log in.

use std::sync::Arc;

use picloud::{
    RhaiExecutor,
    manager::{Actor, AdminChanges, Manager, ManagerError, NewAdmin},
};

use crate::{
    Exit,
    cli::{AccountArgs, AdminCommand},
    client, database, run, serve,
};

pub(crate) fn main(command: AdminCommand) -> Result<(), Exit> {
    let (AdminCommand::Create(args) | AdminCommand::ResetPassword(args)) = &command;
    let username = args.username.clone();
    let password = client::password(&format!("Password for {username}: "))?;
    run::runtime(Some(1))?.block_on(async {
        match command {
            AdminCommand::Create(args) => create(args, password).await?,
            AdminCommand::ResetPassword(args) => reset(args, password).await?,
        }
        Ok(())
    })
}

async fn create(args: AccountArgs, password: String) -> Result<(), Exit> {
    let AccountArgs { username, place } = args;
    let manager = open(place).await?;
    // The first one ends the set-up.
    let first = manager.auth().bootstrap(&username, &password).await.map_err(|error| told(&error))?;
    if !first {
        let input = NewAdmin { username: username.clone(), password };
        manager.auth().create_admin(&by_hand(), input).await.map_err(|error| told(&error))?;
    }
    println!("made the account {username}");
    Ok(())
}

async fn reset(args: AccountArgs, password: String) -> Result<(), Exit> {
    let AccountArgs { username, place } = args;
    let manager = open(place).await?;
    let account = manager.auth().admin_by_name(&username).await.map_err(|error| told(&error))?;
    // Whoever asks for this wants to get in again, so a disabled account is opened too.
    let changes = AdminChanges { password: Some(password), active: Some(true), ..AdminChanges::default() };
    let changed = manager.auth().update_admin(&by_hand(), account.id, None, changes).await;
    changed.map_err(|error| told(&error))?;
    println!("{username} has another password, and no sessions");
    Ok(())
}

/// In the audit trail: whoever may read the database.
fn by_hand() -> Actor {
    Actor { username: "command line".to_owned(), ..Actor::platform() }
}

async fn open(place: crate::cli::DatabaseArgs) -> Result<Manager, Exit> {
    let database = database::named(place)?;
    let opened = database.open().await?;
    match opened.away {
        Some(error) => Err(database.failed(&error)),
        None => Ok(Manager::new(opened.store, Arc::new(RhaiExecutor::default()))),
    }
}

fn told(error: &ManagerError) -> Exit {
    serve::explain(error).into()
}
