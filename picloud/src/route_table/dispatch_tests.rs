//! Host, then route, over generated sets of apps: the table answers what reading every claim and every route answers,
//! and no spelling of a reserved path reaches a script.

use std::collections::BTreeMap;

use http::Method;
use proptest::{prelude::*, sample::select};

use super::{
    tests::{any_path, any_route, app_id, claim, model, model_host, model_path, routes, show},
    *,
};
use crate::{Host, RESERVED, check_path};

/// What an app has: claims, and routes in the words of `tests`.
type Spec = (Vec<String>, Vec<String>);

/// One change of the table: what an app has from now on; nothing, where it goes.
fn any_change() -> impl Strategy<Value = (usize, Option<Spec>)> {
    let claims = prop::collection::vec(any_claim(), 1..4);
    let spec = (claims, prop::collection::vec(any_route(), 0..4));
    (0..5_usize, prop::option::weighted(0.8, spec))
}

/// Claims that meet often.
fn any_claim() -> impl Strategy<Value = String> {
    let (left, right) = (["a", "b", "*", "{x}"], ["a", "b", "*", "{y}"]);
    let pairs = left.into_iter().flat_map(|left| right.map(|right| format!("{left}.{right}")));
    let longer = pairs.clone().flat_map(|pair| [format!("{pair}.a"), format!("{pair}.*")]);
    select(pairs.chain(longer).chain(["a", "*"].map(str::to_owned)).collect::<Vec<_>>())
}

fn any_request() -> impl Strategy<Value = (Option<String>, &'static str, String)> {
    let host = prop::collection::vec(select(vec!["a", "b", "c"]), 1..5).prop_map(|labels| labels.join("."));
    let methods = vec!["GET", "HEAD", "POST", "TRACE", "PURGE"];
    (prop::option::weighted(0.9, host), select(methods), any_path())
}

/// What is claimed and routed, one by one.
#[derive(Default)]
struct Model(BTreeMap<usize, Spec>);

impl Model {
    /// Takes a change. A claim whose shape another app holds is not for this one, as the store sees to.
    fn change(&mut self, app: usize, spec: Option<Spec>) {
        self.0.remove(&app);
        let Some((claims, routes)) = spec else { return };
        let mut held: Vec<String> =
            self.0.values().flat_map(|(claims, _)| claims).map(|c| shape(c)).collect();
        let mut own = Vec::new();
        for text in claims {
            if !held.contains(&shape(&text)) {
                held.push(shape(&text));
                own.push(text);
            }
        }
        self.0.insert(app, (own, routes));
    }

    /// The app that answers for a host, with the claim that decides it.
    fn owner(&self, host: Option<&str>) -> Option<(usize, &str)> {
        let all = self.0.iter().flat_map(|(app, (claims, _))| claims.iter().map(|c| (*app, c.as_str())));
        let fitting = all.filter_map(|(app, claim)| match host {
            Some(host) => Some((model_host(claim, host)?, app, claim)),
            None => (claim == "*").then_some(((true, Vec::new()), app, claim)),
        });
        fitting.min().map(|(_, app, claim)| (app, claim))
    }

    /// The answer to a request, in words.
    fn answer(&self, host: Option<&str>, method: &str, path: &str) -> String {
        let Some((app, claim)) = self.owner(host) else { return "no app".to_owned() };
        let answer = model(&self.0[&app].1, method, path);
        let Some((_, pattern)) = answer.split_once(" /") else { return format!("{app}: {answer}") };
        let (params, labels) = (captures(&format!("/{pattern}"), path, '/'), host.unwrap_or_default());
        format!("{app}: {answer}{params} on{}", captures(claim, labels, '.'))
    }
}

fn shape(claim: &str) -> String {
    claim.replace("{x}", "*").replace("{y}", "*")
}

/// What a pattern that matches captures, part by part.
fn captures(pattern: &str, text: &str, separator: char) -> String {
    let texts: Vec<&str> = text.split(separator).collect();
    let named = pattern.split(separator).enumerate().filter_map(|(at, part)| {
        let one = part.strip_prefix(':').or_else(|| part.strip_prefix('{')?.strip_suffix('}'));
        let rest = part.strip_prefix('*').filter(|name| !name.is_empty());
        let value = one.map(|_| texts[at].to_owned()).or_else(|| rest.map(|_| texts[at..].join("/")))?;
        Some(format!(" {}={value}", one.or(rest)?))
    });
    named.collect()
}

/// The same words of what the table answers.
fn told(table: &RouteTable, host: Option<&str>, method: &str, path: &str) -> String {
    let number = |app: AppId| uuid::Uuid::from(app).as_u128();
    match table.lookup(host, &method.parse().unwrap(), path) {
        Ok(found) => {
            let (params, host_params) = (show(&found.params), show(&found.host_params));
            format!("{}: {} {}{params} on{host_params}", number(found.script.app), found.method, found.route)
        }
        Err(Miss::NoApp) => "no app".to_owned(),
        Err(Miss::NoRoute { app }) => format!("{}: no route", number(app)),
        Err(Miss::MethodNotAllowed { app, allow }) => {
            let allow: Vec<_> = allow.iter().map(Method::as_str).collect();
            format!("{}: allow {}", number(app), allow.join(","))
        }
    }
}

/// Every octet of `name`, each as it is, in the other case, or percent-encoded.
fn any_spelling(name: &'static str) -> impl Strategy<Value = String> {
    let octets = name.bytes().map(|byte| {
        let (lower, upper) = (byte.to_ascii_lowercase(), byte.to_ascii_uppercase());
        let encoded = |byte: u8| [format!("%{byte:02x}"), format!("%{byte:02X}")];
        let plain = [char::from(lower).to_string(), char::from(upper).to_string()];
        select([plain, encoded(lower), encoded(upper)].concat())
    });
    octets.collect::<Vec<_>>().prop_map(|octets| octets.concat())
}

/// Ways to come to a first segment.
const BEFORE: [&str; 16] = [
    "/",
    "//",
    "///",
    "/./",
    "/%2e/",
    "/x/../",
    "/x/%2E%2e/",
    "/x/..;y/",
    "/x;/../",
    "/;y/",
    "/%2f",
    "/%2F%2f",
    "/x%2f..%2f",
    "\\",
    "/\\",
    "/%5c",
];
/// What may follow one that changes nothing, for some reader.
const AFTER: [&str; 22] = [
    "", "/", "/v1/x", "//v1", "%2fv1", "%2F", "\\v1", "%5Cv1", ".", "..", "%2e", " ", "%20", ". %20", "%09",
    "%0d%0a", "%00", "\0", ";", ";v=1", "%3bv=1", "%c2%a0",
];
/// What stands for a character in bytes that are no UTF-8: overlong, half, or a surrogate.
const OVERLONG: [&str; 7] = ["%c0%af", "%c1%a1", "%e0%80%af", "%f0%80%80%af", "%ff", "%c3", "%ed%a0%80"];

fn any_reserved() -> impl Strategy<Value = String> {
    let name = select(RESERVED.to_vec()).prop_flat_map(any_spelling);
    let before = prop::collection::vec(select(BEFORE.to_vec()), 1..3);
    (before, name, prop::collection::vec(select(AFTER.to_vec()), 0..3))
        .prop_map(|(before, name, after)| format!("{}{name}{}", before.concat(), after.concat()))
}

/// An app with routes for everything.
fn greedy() -> RouteTable {
    let specs = ["ANY /", "ANY /*rest", "ANY /:x", "ANY /:x/*rest", "ANY /:x/:y/:z"];
    RouteTable::builder().app([claim("*")], routes(app_id(1), &specs)).build()
}

/// What a script that takes a path is told of it; `None` if none takes it.
fn reached(table: &RouteTable, path: &str) -> Option<String> {
    check_path(path).ok()?;
    let found = table.lookup(None, &Method::GET, path).ok()?;
    Some(found.params.into_iter().map(|(_, value)| format!("/{value}")).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn hosts_and_routes_answer_as_reading_all_of_them_does(
        changes in prop::collection::vec(any_change(), 1..10),
        requests in prop::collection::vec(any_request(), 8),
    ) {
        let (mut table, mut model) = (RouteTable::default(), Model::default());
        for (app, spec) in changes {
            let held = model.0.get(&app).map_or(Vec::new(), |(claims, _)| claims.iter().map(|c| claim(c)).collect());
            model.change(app, spec);
            let mut next = RouteTable::edit(&table).remove(app_id(app), &held);
            if let Some((claims, specs)) = model.0.get(&app) {
                let specs: Vec<&str> = specs.iter().map(String::as_str).collect();
                next = next.app(claims.iter().map(|c| claim(c)), routes(app_id(app), &specs));
            }
            table = next.build();
        }
        prop_assert_eq!(table.refused(), []);
        for (host, method, path) in requests {
            let found = told(&table, host.as_deref(), method, &path);
            prop_assert_eq!(found, model.answer(host.as_deref(), method, &path), "{:?} {} {}", host, method, path);
        }
    }

    #[test]
    fn a_host_has_one_canonical_form_whatever_it_is_spelled_like(
        host in r"[a-z0-9_-]{1,5}(\.[a-z0-9_-]{1,5}){0,3}|\[(::1|2001:db8::[a-f0-9]{1,4})\]",
        upper in any::<bool>(), dot in any::<bool>(), port in prop::option::of(0..=u16::MAX),
    ) {
        let mut spelled = if upper { host.to_uppercase() } else { host.clone() };
        if dot && !host.ends_with(']') {
            spelled.push('.');
        }
        if let Some(port) = port {
            spelled = format!("{spelled}:{port}");
        }
        let canonical = Host::parse(&spelled).unwrap();
        prop_assert_eq!(Host::parse(canonical.as_str()), Ok(canonical.clone()));
        prop_assert_eq!(Host::parse(&host), Ok(canonical));
    }

    #[test]
    fn a_pattern_has_one_canonical_form_and_it_matches_itself(spec in any_route()) {
        let pattern: RoutePattern = spec.split_once(' ').unwrap().1.parse().unwrap();
        let again: RoutePattern = pattern.as_str().parse().unwrap();
        prop_assert_eq!((again.as_str(), again.shape()), (pattern.as_str(), pattern.shape()));
        let named = pattern.as_str().replace(":x", ":other").replace("*r", "*other");
        prop_assert_eq!(named.parse::<RoutePattern>().unwrap().shape(), pattern.shape());
        prop_assert!(model_path(pattern.as_str(), &pattern.as_str().replace(':', "-")).is_some());
        let table = routes(app_id(1), &[&format!("ANY {pattern}")]);
        let own = pattern.as_str().replace(':', "-");
        prop_assert!(table.lookup(&Method::GET, &own).is_ok(), "{} in {}", own, pattern);
    }

    #[test]
    fn no_spelling_of_a_reserved_path_reaches_a_script(path in any_reserved()) {
        prop_assert_eq!(reached(&greedy(), &path), None, "{}", path);
        // Nor can a route be made for it.
        prop_assert!(path.parse::<RoutePattern>().is_err(), "{}", path);
    }

    #[test]
    fn bytes_that_are_no_text_reach_no_script(
        path in any_reserved(), at in any::<prop::sample::Index>(), bad in select(OVERLONG.to_vec()),
    ) {
        // Not into the middle of an encoded octet.
        let places: Vec<usize> = (1..=path.len()).filter(|at| !path[at.saturating_sub(2)..*at].contains('%')).collect();
        let at = *at.get(&places);
        let path = format!("{}{bad}{}", &path[..at], &path[at..]);
        prop_assert_eq!(reached(&greedy(), &path), None, "{}", path);
    }

    /// What is encoded twice is data: the script gets it with one encoding left, and nobody reads it again.
    #[test]
    fn what_is_encoded_twice_is_decoded_once(name in select(RESERVED.to_vec()), after in select(vec!["", "/v1", "?"])) {
        let after = after.trim_end_matches('?');
        let (once, twice): (String, String) =
            name.bytes().map(|byte| (format!("%{byte:02x}"), format!("%25{byte:02x}"))).unzip();
        prop_assert_eq!(reached(&greedy(), &format!("/{once}{after}")), None);
        prop_assert_eq!(reached(&greedy(), &format!("/{twice}{after}")), Some(format!("/{once}{after}")));
    }
}
