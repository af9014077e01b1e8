//! Slows down those who guess: per account and per address, in bounded memory, and never for good.

use std::{
    collections::HashMap,
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, PoisonError},
    time::Duration,
};

const SECOND: i64 = 1_000_000;

/// Attempts on an account that cost no waiting.
const FREE: u32 = 5;
/// The longest wait between two attempts on an account.
const LONGEST: i64 = 15 * 60 * SECOND;
/// An account that nobody has tried for this long starts afresh.
const FORGET: i64 = 24 * 60 * 60 * SECOND;

/// One address gets one attempt in this time …
const PERIOD: i64 = 6 * SECOND;
/// … and may have saved up this many.
const BURST: i64 = 10;

/// Entries per map. An attacker who fills one has spent as many attempts, each behind the limit of their address.
const CAPACITY: usize = 10_000;

/// Counts attempts. An attempt counts when it starts, so that many at once count as many.
#[derive(Debug, Default)]
pub(super) struct Throttle(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    accounts: HashMap<String, Account>,
    addresses: HashMap<IpAddr, Address>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Account {
    attempts: u32,
    last: i64,
}

/// When the address will have got back everything it has used.
#[derive(Debug, Clone, Copy, Default)]
struct Address {
    whole_at: i64,
}

impl Throttle {
    /// Counts an attempt at `now`, in microseconds; or says how long to wait, and then does not count it.
    pub(super) fn attempt(&self, account: &str, ip: Option<IpAddr>, now: i64) -> Result<(), Duration> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let ip = ip.map(network);
        let address = ip.and_then(|ip| counts.addresses.get(&ip).copied()).unwrap_or_default();
        let known = counts.accounts.get(account).copied().unwrap_or_default();
        let address = address.after_attempt(now)?;
        let known = known.after_attempt(now)?;
        if let Some(ip) = ip {
            insert_bounded(&mut counts.addresses, ip, address, |address| address.whole_at);
        }
        insert_bounded(&mut counts.accounts, account.to_owned(), known, |account| account.last);
        Ok(())
    }

    /// Forgets the attempts on an account whose owner has logged in.
    pub(super) fn succeeded(&self, account: &str) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.accounts.remove(account);
    }
}

impl Account {
    fn after_attempt(self, now: i64) -> Result<Self, Duration> {
        // A clock that was set back must not make anyone wait longer than the longest wait.
        let last = self.last.min(now);
        if now - last >= FORGET {
            return Ok(Self { attempts: 1, last: now });
        }
        let wait = last.saturating_add(self.wait()) - now;
        if wait > 0 {
            Err(micros(wait))
        } else {
            Ok(Self { attempts: self.attempts.saturating_add(1), last: now })
        }
    }

    /// How long after the last attempt the next one may be: nothing, then 1 s, 2 s, 4 s, …
    fn wait(self) -> i64 {
        match self.attempts.checked_sub(FREE) {
            None => 0,
            Some(doublings) => (SECOND << doublings.min(20)).min(LONGEST),
        }
    }
}

impl Address {
    fn after_attempt(self, now: i64) -> Result<Self, Duration> {
        let whole_at = self.whole_at.clamp(now, now.saturating_add(PERIOD * BURST)).saturating_add(PERIOD);
        let wait = whole_at.saturating_sub(now).saturating_sub(PERIOD * BURST);
        if wait > 0 { Err(micros(wait)) } else { Ok(Self { whole_at }) }
    }
}

/// What one subscriber has: an IPv4 address, or 64 bits of an IPv6 address.
fn network(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V4(v4) => v4.into(),
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)).into(),
    }
}

/// Inserts, and makes room first by dropping the entry that matters least.
pub(super) fn insert_bounded<K: Hash + Eq + Clone, V>(
    map: &mut HashMap<K, V>,
    key: K,
    value: V,
    weight: fn(&V) -> i64,
) {
    if map.len() >= CAPACITY && !map.contains_key(&key) {
        let least = map.iter().min_by_key(|(_, value)| weight(value)).map(|(key, _)| key.clone());
        least.map(|key| map.remove(&key));
    }
    map.insert(key, value);
}

fn micros(wait: i64) -> Duration {
    Duration::from_micros(wait.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: i64 = 1_700_000_000 * SECOND;

    /// How many of the attempts that come every `step` for `length` are let through.
    fn let_through(throttle: &Throttle, ip: Option<IpAddr>, step: i64, length: i64) -> usize {
        (0..length / step).filter(|n| throttle.attempt("ada", ip, START + n * step).is_ok()).count()
    }

    #[test]
    fn a_thousand_guesses_in_ten_minutes_get_few_tries() {
        let tries = let_through(&Throttle::default(), None, 600 * SECOND / 1000, 600 * SECOND);
        assert!((5..=30).contains(&tries), "{tries}");
    }

    #[test]
    fn five_attempts_are_free_and_then_the_wait_doubles_up_to_a_quarter_of_an_hour() {
        let (throttle, mut now) = (Throttle::default(), START);
        let mut waits = Vec::new();
        for _ in 0..20 {
            if let Err(wait) = throttle.attempt("ada", None, now) {
                waits.push(wait.as_secs());
                now += wait.as_micros() as i64;
                throttle.attempt("ada", None, now).unwrap();
            }
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900, 900, 900]);
    }

    #[test]
    fn success_makes_an_account_free_again_and_others_are_untouched() {
        let throttle = Throttle::default();
        assert_eq!(let_through(&throttle, None, 1, 100), 5);
        assert!(throttle.attempt("bob", None, START).is_ok());
        throttle.succeeded("ada");
        assert_eq!(let_through(&throttle, None, 1, 100), 5);
    }

    #[test]
    fn an_address_has_a_burst_of_ten_and_then_one_in_six_seconds() {
        let (throttle, ip) = (Throttle::default(), "192.0.2.7".parse().ok());
        let attempts = |from: i64, count: i64| {
            (0..count).filter(|n| throttle.attempt(&format!("user-{from}-{n}"), ip, from).is_ok()).count()
        };
        assert_eq!(attempts(START, 50), 10);
        assert_eq!(attempts(START + 5 * SECOND, 50), 0);
        assert_eq!(attempts(START + 6 * SECOND, 50), 1);
        assert_eq!(attempts(START + 3600 * SECOND, 50), 10);
    }

    #[test]
    fn addresses_of_one_subscriber_count_as_one() {
        let same = |a: &str, b: &str| network(a.parse().unwrap()) == network(b.parse().unwrap());
        assert!(same("2001:db8:0:1::1", "2001:db8:0:1:ffff::2"));
        assert!(!same("2001:db8:0:1::1", "2001:db8:0:2::1"));
        assert!(same("::ffff:192.0.2.7", "192.0.2.7"));
        assert!(!same("192.0.2.7", "192.0.2.8"));
    }

    #[test]
    fn a_clock_that_jumps_back_locks_nobody_out() {
        let (throttle, ip) = (Throttle::default(), "192.0.2.7".parse().ok());
        for n in 0..100 {
            let _ = throttle.attempt("ada", ip, START + n * 1000 * SECOND);
        }
        let wait = throttle.attempt("ada", ip, START - 86_400 * SECOND).err().unwrap_or_default();
        assert!(wait <= Duration::from_secs(900), "{wait:?}");
    }

    #[test]
    fn memory_is_bounded_and_the_oldest_entry_goes_first() {
        let mut map = HashMap::new();
        for n in 0..CAPACITY as i64 + 5 {
            insert_bounded(&mut map, n, n, |n| *n);
        }
        assert_eq!(map.len(), CAPACITY);
        assert!(!map.contains_key(&4) && map.contains_key(&5));
    }
}
