//! `[front]` of the settings file: what the HTTP front allows. There is no "unlimited".

use std::{ops::RangeInclusive, sync::Arc, time::Duration};

use picloud_server::front::{ConnectionLimits, FrontSettings, HeadLimits, Network, Timeouts};
use serde::Deserialize;

use super::{ConfigError, choice::Choice};

/// Milliseconds that any of the deadlines may be.
const DEADLINE: RangeInclusive<u64> = 100..=600_000;
/// Connections: more than a process has file descriptors for.
const CONNECTIONS: RangeInclusive<u64> = 1..=1_000_000;

/// The table as it is written. What is not there has its default.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    head_bytes: Option<u64>,
    target_bytes: Option<u64>,
    headers: Option<u64>,
    head_timeout_ms: Option<u64>,
    idle_timeout_ms: Option<u64>,
    body_stall_ms: Option<u64>,
    write_stall_ms: Option<u64>,
    connections: Option<u64>,
    connections_per_address: Option<u64>,
}

/// The front's settings.
///
/// # Errors
/// A number is out of its range.
pub(super) fn choose(
    choice: &mut Choice,
    file: &File,
    trusted: &[Network],
) -> Result<(FrontSettings, ConnectionLimits), ConfigError> {
    let settings = FrontSettings {
        head: head(choice, file)?,
        timeouts: timeouts(choice, file)?,
        trusted_proxies: Arc::from(trusted),
        ..FrontSettings::default()
    };
    Ok((settings, connections(choice, file, trusted)?))
}

fn head(choice: &mut Choice, file: &File) -> Result<HeadLimits, ConfigError> {
    let HeadLimits { head, target, headers } = HeadLimits::default();
    let bytes = 1024..=HeadLimits::HARD_MAX as u64;
    let lines = 1..=HeadLimits::HEADERS_MAX as u64;
    Ok(HeadLimits {
        head: size(choice.number("front.head_bytes", file.head_bytes, head as u64, bytes.clone())?),
        target: size(choice.number("front.target_bytes", file.target_bytes, target as u64, bytes)?),
        headers: size(choice.number("front.headers", file.headers, headers as u64, lines)?),
    })
}

fn timeouts(choice: &mut Choice, file: &File) -> Result<Timeouts, ConfigError> {
    let Timeouts { head, idle, body_stall, write_stall, half_closed } = Timeouts::default();
    let mut deadline = |name, file, default: Duration| {
        let default = u64::try_from(default.as_millis()).unwrap_or(u64::MAX);
        choice.number(name, file, default, DEADLINE).map(Duration::from_millis)
    };
    Ok(Timeouts {
        head: deadline("front.head_timeout_ms", file.head_timeout_ms, head)?,
        idle: deadline("front.idle_timeout_ms", file.idle_timeout_ms, idle)?,
        body_stall: deadline("front.body_stall_ms", file.body_stall_ms, body_stall)?,
        write_stall: deadline("front.write_stall_ms", file.write_stall_ms, write_stall)?,
        half_closed,
    })
}

fn connections(
    choice: &mut Choice,
    file: &File,
    trusted: &[Network],
) -> Result<ConnectionLimits, ConfigError> {
    let ConnectionLimits { total, per_peer, trusted: _ } = ConnectionLimits::default();
    let total = choice.number("front.connections", file.connections, total as u64, CONNECTIONS)?;
    let name = "front.connections_per_address";
    let per_peer = choice.number(name, file.connections_per_address, per_peer.into(), CONNECTIONS)?;
    Ok(ConnectionLimits {
        total: size(total),
        per_peer: u32::try_from(per_peer).unwrap_or(u32::MAX),
        trusted: trusted.to_vec(),
    })
}

/// A number that is in its range already.
fn size(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
