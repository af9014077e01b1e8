//! Tables by example, and against a model that reads all patterns one by one.

use std::{sync::Arc, time::Instant};

use http::Method;
use proptest::{prelude::*, sample::select};

use super::*;
use crate::{CompiledSlot, Limits, ScriptId};

/// A script that is known by its name.
pub(super) fn script(app: AppId, name: &str) -> Arc<Script> {
    Arc::new(Script {
        app,
        app_slug: "app".parse().unwrap(),
        gate: crate::Gate::default(),
        id: ScriptId::from(uuid::Uuid::nil()),
        name: name.into(),
        version: 1,
        source: "".into(),
        limits: Limits::default(),
        compiled: CompiledSlot::default(),
    })
}

/// An id that is known by its number.
pub(super) fn app_id(number: usize) -> AppId {
    AppId::from(uuid::Uuid::from_u128(number as u128))
}

/// Routes from texts such as `GET /a`; each leads to a script with that text as its name.
pub(super) fn routes(app: AppId, specs: &[&str]) -> AppRoutes {
    AppRoutes::new(app, specs.iter().map(|spec| route(app, spec)))
}

fn route(app: AppId, spec: &str) -> Route {
    let (method, pattern) = spec.split_once(' ').unwrap();
    Route { method: method.parse().unwrap(), pattern: pattern.parse().unwrap(), script: script(app, spec) }
}

pub(super) fn claim(text: &str) -> DomainPattern {
    text.parse().unwrap()
}

pub(super) fn show(params: &Params) -> String {
    params.iter().map(|(name, value)| format!(" {name}={value}")).collect()
}

/// What a lookup gives, as text: script and captures, or the miss.
fn answer(router: &dyn Router, host: Option<&str>, method: &str, path: &str) -> String {
    match router.lookup(host, &Method::from_bytes(method.as_bytes()).unwrap(), path) {
        Ok(found) => {
            assert_eq!(*found.script.name, format!("{} {}", found.method, found.route));
            format!("{}{}{}", found.script.name, show(&found.params), show(&found.host_params))
        }
        Err(Miss::NoApp) => "no app".into(),
        Err(Miss::NoRoute { .. }) => "no route".into(),
        Err(Miss::MethodNotAllowed { allow, .. }) => format!("allow {}", names(&allow)),
    }
}

fn names(methods: &[Method]) -> String {
    methods.iter().map(Method::as_str).collect::<Vec<_>>().join(",")
}

/// The table of one app that claims any host.
fn one_app(specs: &[&str]) -> RouteTable {
    RouteTable::builder().app([claim("*")], routes(app_id(1), specs)).build()
}

/// Checks answers of one app, given as `METHOD /path` and answer.
fn check(specs: &[&str], expected: &[(&str, &str)]) {
    let table = one_app(specs);
    for (request, wanted) in expected {
        let (method, path) = request.split_once(' ').unwrap();
        assert_eq!(&answer(&table, None, method, path), wanted, "{request}");
    }
}

#[test]
fn the_most_specific_route_answers() {
    check(
        &[
            "GET /",
            "GET /users/me",
            "GET /users/:id",
            "GET /users/:id/posts",
            "GET /users/*rest",
            "GET /*all",
        ],
        &[
            ("GET /", "GET /"),
            ("GET /users/me", "GET /users/me"),
            ("GET /users/7", "GET /users/:id id=7"),
            ("GET /users/me/posts", "GET /users/:id/posts id=me"),
            ("GET /users/me/files", "GET /users/*rest rest=me/files"),
            ("GET /users/", "GET /users/*rest rest="),
            ("GET /users", "GET /*all all=users"),
            ("GET /users//posts", "GET /users/*rest rest=/posts"),
            ("GET //", "GET /*all all=/"),
        ],
    );
}

#[test]
fn a_walk_goes_back_where_the_more_specific_way_ends() {
    check(
        &["GET /a/b/c", "GET /a/:x/d", "GET /:y/b/e", "GET /a/*rest"],
        &[
            ("GET /a/b/c", "GET /a/b/c"),
            ("GET /a/b/d", "GET /a/:x/d x=b"),
            ("GET /a/b/e", "GET /a/*rest rest=b/e"),
            ("GET /z/b/e", "GET /:y/b/e y=z"),
            ("GET /z/b/f", "no route"),
            ("GET /a", "no route"),
        ],
    );
}

#[test]
fn a_trailing_slash_is_another_path() {
    check(
        &["GET /a", "GET /b/", "GET /c/:x"],
        &[
            ("GET /a/", "no route"),
            ("GET /b", "no route"),
            ("GET /b/", "GET /b/"),
            ("GET /c/", "no route"),
            ("GET /c/1/", "no route"),
            ("GET /", "no route"),
            ("GET ", "no route"),
            ("OPTIONS *", "no route"),
        ],
    );
}

#[test]
fn literals_are_compared_raw_and_captures_decoded_once() {
    check(
        &["GET /caf%C3%A9", "GET /x/:v", "GET /y/*v"],
        &[
            ("GET /caf%C3%A9", "GET /caf%C3%A9"),
            ("GET /c%61f%C3%A9", "no route"),
            ("GET /x/a%2Fb", "GET /x/:v v=a/b"),
            ("GET /x/%252F", "GET /x/:v v=%2F"),
            ("GET /y/a%20b/%25", "GET /y/*v v=a b/%"),
        ],
    );
}

#[test]
fn methods_fall_back_from_exact_over_head_to_any() {
    check(
        &["GET /g", "ANY /g", "GET /h", "HEAD /h", "POST /p", "ANY /n"],
        &[
            ("GET /g", "GET /g"),
            ("HEAD /g", "GET /g"),
            ("PUT /g", "ANY /g"),
            ("PURGE /g", "ANY /g"),
            ("HEAD /h", "HEAD /h"),
            ("GET /p", "allow POST"),
            ("HEAD /p", "allow POST"),
            ("POST /h", "allow GET,HEAD"),
            ("post /p", "allow POST"),
            ("TRACE /n", "allow DELETE,GET,HEAD,OPTIONS,PATCH,POST,PUT"),
            ("CONNECT /g", "allow DELETE,GET,HEAD,OPTIONS,PATCH,POST,PUT"),
        ],
    );
}

#[test]
fn a_less_specific_route_answers_a_method_that_the_more_specific_lacks() {
    check(
        &["GET /a/b", "POST /a/:x", "PUT /*rest", "OPTIONS /q/b"],
        &[
            ("GET /a/b", "GET /a/b"),
            ("POST /a/b", "POST /a/:x x=b"),
            ("PUT /a/b", "PUT /*rest rest=a/b"),
            ("DELETE /a/b", "allow GET,HEAD,POST,PUT"),
            ("DELETE /a/c", "allow POST,PUT"),
            ("DELETE /q/b", "allow OPTIONS,PUT"),
        ],
    );
}

#[test]
fn no_route_answers_for_the_platform() {
    check(
        &["ANY /*rest", "ANY /:x", "ANY /:x/:y/:z"],
        &[
            ("GET /api", "no route"),
            ("GET /API/v1/apps", "no route"),
            ("GET /%61pi/v1/apps", "no route"),
            ("GET //admin", "no route"),
            ("GET /admin%20", "no route"),
            ("GET /admin.", "no route"),
            ("GET /x%2f..%2fadmin", "no route"),
            ("GET /metrics", "no route"),
            ("GET /apis", "ANY /:x x=apis"),
            ("GET /%2561pi", "ANY /:x x=%61pi"),
        ],
    );
}

#[test]
fn of_two_routes_of_one_shape_the_first_is_kept() {
    check(&["GET /:a", "GET /:b", "POST /:b"], &[("GET /1", "GET /:a a=1"), ("POST /1", "POST /:b b=1")]);
}

/// A table of apps that claim one pattern each and have one route, `GET /`; the app is known by its number.
fn hosts(claims: &[&str]) -> RouteTable {
    let apps = claims.iter().enumerate();
    apps.fold(RouteTable::builder(), |table, (index, text)| {
        table.app([claim(text)], routes(app_id(index), &["GET /"]))
    })
    .build()
}

/// The claim on `host`, with its captures.
fn claimed(table: &RouteTable, host: Option<&str>) -> String {
    table.claim(host).map_or("-".into(), |(claim, _, params)| format!("{claim}{}", show(&params)))
}

#[test]
fn the_most_specific_claim_decides_the_app() {
    let table = hosts(&[
        "a.test",
        "*.test",
        "{x}.a.test",
        "b.*.test",
        "*.*.test",
        "shop.*",
        "*",
        "[::1]",
        "192.168.0.7",
    ]);
    for (host, wanted) in [
        ("a.test", "a.test"),
        ("b.test", "*.test"),
        ("b.a.test", "{x}.a.test x=b"),
        ("b.c.test", "b.*.test"),
        ("c.c.test", "*.*.test"),
        ("c.b.a.test", "*"),
        ("shop.lan", "shop.*"),
        ("test", "*"),
        ("[::1]", "[::1]"),
        ("[::2]", "*"),
        ("192.168.0.7", "192.168.0.7"),
        ("10.0.0.1", "*"),
    ] {
        assert_eq!(claimed(&table, Some(host)), wanted, "{host}");
    }
    assert_eq!(claimed(&table, None), "*");
}

#[test]
fn without_a_claim_on_any_host_unknown_hosts_have_no_app() {
    let table = hosts(&["a.test", "*.*", "{a}.{b}.{c}.{d}"]);
    assert_eq!(answer(&table, Some("localhost"), "GET", "/"), "no app");
    assert_eq!(answer(&table, None, "GET", "/"), "no app");
    assert_eq!(answer(&table, Some("127.0.0.1"), "GET", "/"), "no app");
    assert_eq!(answer(&table, Some("[::ffff:1.2.3.4]"), "GET", "/"), "no app");
    assert_eq!(answer(&table, Some("w.x.y.z"), "GET", "/"), "GET / a=w b=x c=y d=z");
}

#[test]
fn a_host_belongs_to_one_app_even_if_another_has_the_route() {
    let table = RouteTable::builder()
        .app([claim("a.test")], routes(app_id(1), &["GET /a"]))
        .app([claim("*.test"), claim("*")], routes(app_id(2), &["GET /b"]))
        .build();
    assert_eq!(answer(&table, Some("a.test"), "GET", "/b"), "no route");
    assert_eq!(
        table.lookup(Some("a.test"), &Method::GET, "/b").unwrap_err(),
        Miss::NoRoute { app: app_id(1) }
    );
    assert_eq!(answer(&table, Some("b.test"), "GET", "/b"), "GET /b");
}

#[test]
fn a_claim_that_collides_is_left_out_and_told() {
    let all = ["a.test", "{x}.test", "*"];
    let table = RouteTable::builder()
        .app(all.map(claim), routes(app_id(1), &[]))
        .app(["A.TEST", "*.test", "*", "b.test"].map(claim), routes(app_id(2), &[]))
        .build();
    assert_eq!(table.refused(), ["a.test", "*.test", "*"].map(|text| (app_id(2), claim(text))));
    for host in ["a.test", "x.test", "other"] {
        assert_eq!(table.claim(Some(host)).unwrap().1, app_id(1), "{host}");
    }
    assert_eq!(table.claim(Some("b.test")).unwrap().1, app_id(2));
}

#[test]
fn a_rebuilt_table_shares_the_routes_that_did_not_change() {
    let apps: Vec<_> = (0..10_000)
        .map(|n| (claim(&format!("app{n}.example.com")), Arc::new(routes(app_id(n), &["GET /"]))))
        .collect();
    let build = || {
        let start = Instant::now();
        let table =
            apps.iter().fold(RouteTable::builder(), |b, (c, r)| b.app([c.clone()], r.clone())).build();
        (table, start.elapsed())
    };
    let (first, _) = build();
    let (second, time) = build();
    println!("a table of {} apps rebuilt in {time:?}", apps.len());
    assert_eq!(answer(&first, Some("app9999.example.com"), "GET", "/"), "GET /");
    assert_eq!(answer(&second, Some("app77.example.com"), "GET", "/"), "GET /");
    assert_eq!(Arc::strong_count(&apps[77].1), 3);
}

/// Every path of 12 segments `a` and `:x` has its routes, and the request fits all of them, but none by method; then
/// the same again with a last segment that no route has.
#[test]
fn backtracking_visits_each_node_once() {
    let app = app_id(1);
    let pattern = |bits: usize| -> String {
        (0..12).map(|at| if bits >> at & 1 == 0 { "/a".to_owned() } else { format!("/:p{at}") }).collect()
    };
    let specs = (0..4096).map(|bits| route(app, &format!("POST {}", pattern(bits))));
    let table = RouteTable::builder().app([claim("*")], AppRoutes::new(app, specs)).build();
    let start = Instant::now();
    assert_eq!(answer(&table, None, "GET", &"/a".repeat(12)), "allow POST");
    assert_eq!(answer(&table, None, "POST", &"/a".repeat(13)), "no route");
    assert_eq!(answer(&table, None, "POST", &"/a".repeat(100_000)), "no route");
    assert!(start.elapsed().as_millis() < 500, "{:?}", start.elapsed());
}

#[test]
fn deep_patterns_and_long_paths_match() {
    let names: Vec<String> = (0..64).map(|n| format!("/:p{n}")).collect();
    let table = one_app(&[&format!("GET {}", names.concat())]);
    let found = table.lookup(None, &Method::GET, &"/x".repeat(64)).unwrap();
    assert_eq!(found.params.len(), 64);
    assert_eq!(answer(&table, None, "GET", &"/x".repeat(65)), "no route");
}

#[test]
fn routers_can_be_shared_between_threads() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<RouteTable>();
    shared::<Arc<dyn Router>>();
    shared::<Match>();
}

#[test]
fn overlaps_are_told_apart() {
    let spec = |text: &str| -> (RouteMethod, RoutePattern) {
        let (method, pattern) = text.split_once(' ').unwrap();
        (method.parse().unwrap(), pattern.parse().unwrap())
    };
    for (a, b, wanted) in [
        ("GET /a", "GET /a", Some(Overlap::Conflict)),
        ("GET /:a", "GET /:b", Some(Overlap::Conflict)),
        ("ANY /*a", "ANY /*b", Some(Overlap::Conflict)),
        ("GET /a", "ANY /a", Some(Overlap::ShadowsOther)),
        ("GET /a", "HEAD /a", Some(Overlap::ShadowedByOther)),
        ("GET /a", "POST /a", None),
        ("GET /a", "GET /:x", Some(Overlap::ShadowsOther)),
        ("GET /a", "POST /:x", None),
        ("ANY /a", "GET /:x", Some(Overlap::ShadowsOther)),
        ("GET /a/:x", "GET /:x/b", Some(Overlap::ShadowsOther)),
        ("GET /a/:x", "GET /b/:x", None),
        ("GET /a/", "GET /a/:x", None),
        ("GET /a/", "GET /a/*x", Some(Overlap::ShadowsOther)),
        ("GET /a", "GET /a/*x", None),
        ("GET /:x/b/c", "GET /a/*x", Some(Overlap::ShadowedByOther)),
    ] {
        let ((am, ap), (bm, bp)) = (spec(a), spec(b));
        assert_eq!(overlap((am, &ap), (bm, &bp)), wanted, "{a} and {b}");
    }
}

// The model: all patterns are read, those that match are ordered, the first wins.

/// How a segment of a pattern matches, the most specific first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Literal,
    Param,
    CatchAll,
}

/// How `pattern` matches `path`, segment by segment; `None` if it does not.
pub(super) fn model_path(pattern: &str, path: &str) -> Option<Vec<Kind>> {
    let (pattern, path): (Vec<_>, Vec<_>) = (pattern.split('/').collect(), path.split('/').collect());
    let mut kinds = Vec::new();
    for (index, segment) in pattern.iter().enumerate() {
        let value = path.get(index)?;
        if segment.starts_with('*') {
            kinds.push(Kind::CatchAll);
            return Some(kinds);
        }
        let param = segment.starts_with(':');
        if if param { value.is_empty() } else { value != segment } {
            return None;
        }
        kinds.push(if param { Kind::Param } else { Kind::Literal });
    }
    (pattern.len() == path.len()).then_some(kinds)
}

/// How well a route's method fits, 0 best; `None` if it does not.
fn model_method(route: &str, method: &str) -> Option<u8> {
    match (route, method) {
        (_, "TRACE") => None,
        (r, m) if r == m => Some(0),
        ("GET", "HEAD") => Some(1),
        ("ANY", _) => Some(2),
        _ => None,
    }
}

/// What the model says to a request, in the words of [`answer`] without captures.
pub(super) fn model(specs: &[String], method: &str, path: &str) -> String {
    let split = |spec: &'_ String| spec.split_once(' ').map(|(m, p)| (m.to_owned(), p.to_owned())).unwrap();
    let matching = || specs.iter().filter(|spec| model_path(&split(spec).1, path).is_some());
    let best = matching()
        .filter_map(|spec| {
            let (m, p) = split(spec);
            Some((model_path(&p, path)?, model_method(&m, method)?, spec))
        })
        .min_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
    if let Some((_, _, spec)) = best {
        return spec.clone();
    }
    let standard = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];
    let allow: Vec<&str> = standard
        .into_iter()
        .filter(|m| matching().any(|spec| model_method(&split(spec).0, m).is_some()))
        .collect();
    if allow.is_empty() { "no route".into() } else { format!("allow {}", allow.join(",")) }
}

const METHODS: [&str; 5] = ["GET", "HEAD", "POST", "TRACE", "PURGE"];

/// A route such as `GET /a/:x1`, over the literals `a` and `b`.
pub(super) fn any_route() -> impl Strategy<Value = String> {
    let segments = prop::collection::vec(select(vec!["a", "b", ":"]), 0..4);
    let last = select(vec!["", "/", "/*r"]);
    (select(vec!["GET", "HEAD", "POST", "ANY"]), segments, last).prop_map(|(method, segments, last)| {
        let named =
            |(index, s): (usize, &&str)| if *s == ":" { format!("/:x{index}") } else { format!("/{s}") };
        let path: String = segments.iter().enumerate().map(named).collect();
        format!("{method} {}{}", path, if path.is_empty() && last.is_empty() { "/" } else { last })
    })
}

/// Paths of up to four segments over `a`, `b`, `c` and the empty one.
pub(super) fn any_path() -> impl Strategy<Value = String> {
    prop::collection::vec(select(vec!["/a", "/b", "/c", "/"]), 1..5).prop_map(|segments| segments.concat())
}

/// Every path of up to four segments over `a`, `b` and the empty one.
fn all_paths() -> Vec<String> {
    let mut paths = vec![String::new()];
    let mut all = Vec::new();
    for _ in 0..4 {
        paths = paths
            .iter()
            .flat_map(|path| ["/a", "/b", "/"].map(|segment| format!("{path}{segment}")))
            .collect();
        all.extend(paths.iter().cloned());
    }
    all
}

fn without_captures(answer: &str) -> &str {
    match answer.match_indices(' ').nth(1) {
        Some((end, _)) => &answer[..end],
        None => answer,
    }
}

/// How `pattern` matches `host`, label by label from the right; `None` if it does not.
pub(super) fn model_host(pattern: &str, host: &str) -> Option<(bool, Vec<Kind>)> {
    if pattern == "*" {
        return Some((true, Vec::new()));
    }
    let (pattern, host): (Vec<_>, Vec<_>) = (pattern.rsplit('.').collect(), host.rsplit('.').collect());
    let kinds = pattern.iter().zip(&host).map(|(p, h)| match *p {
        "*" | "{x}" | "{y}" => Some(Kind::Param),
        literal => (literal == *h).then_some(Kind::Literal),
    });
    let kinds = kinds.collect::<Option<Vec<_>>>()?;
    (pattern.len() == host.len()).then_some((false, kinds))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2500))]

    #[test]
    fn routes_answer_as_the_model_says(
        specs in prop::collection::vec(any_route(), 0..8),
        requests in prop::collection::vec((select(METHODS.to_vec()), any_path()), 6),
    ) {
        let table = one_app(&specs.iter().map(String::as_str).collect::<Vec<_>>());
        for (method, path) in requests {
            let found = answer(&table, None, method, &path);
            let found = if found.starts_with("allow") { &found } else { without_captures(&found) };
            prop_assert_eq!(found, model(&specs, method, &path), "{} {} in {:?}", method, path, specs);
        }
    }

    #[test]
    fn claims_answer_as_the_model_says(
        claims in prop::collection::vec(r"(a|b|\*|\{x\})\.(a|b|\*|\{y\})(\.a)?|(a|b)\.(a|b|\*)\.(a|\*)|a|\*", 0..8),
        requests in prop::collection::vec(r"[abc](\.[abc]){0,3}", 6),
    ) {
        let table = hosts(&claims.iter().map(String::as_str).collect::<Vec<_>>());
        for host in requests {
            let best = claims.iter().enumerate().filter_map(|(n, c)| Some((model_host(c, &host)?, n))).min();
            let found = table.claim(Some(&host)).map(|(_, app, _)| app);
            prop_assert_eq!(found, best.map(|(_, n)| app_id(n)), "{} in {:?}", host, claims);
        }
    }

    #[test]
    fn no_path_with_a_reserved_shadow_reaches_a_script(
        path in r"/([/.]|%2[eEfF0]|%2561|[aA]|%61|[pP][iI]|api|Admin|%5c|[a-z]|\.\.){0,8}",
    ) {
        let table = one_app(&["ANY /*rest", "ANY /:x", "ANY /:x/*rest", "ANY /a/:x/:y"]);
        let shadow = crate::shadow(&path);
        let first = shadow.split('/').nth(1).unwrap_or_default().trim_end_matches(['.', ' ']);
        let found = table.lookup(None, &Method::GET, &path);
        prop_assert_eq!(found.is_err(), is_reserved(&path), "{} is {}", path, shadow);
        prop_assert!(found.is_err() || !crate::RESERVED.contains(&first), "{} is {}", path, shadow);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn overlaps_are_those_of_brute_force(a in any_route(), b in any_route()) {
        let parse = |spec: &str| { let Route { method, pattern, .. } = route(app_id(1), spec); (method, pattern) };
        let ((am, ap), (bm, bp)) = (parse(&a), parse(&b));
        let (only_a, only_b, both) = (one_app(&[&a]), one_app(&[&b]), one_app(&[&a, &b]));
        let (mut wins, mut loses) = (false, false);
        for (method, path) in METHODS[..3].iter().flat_map(|m| all_paths().into_iter().map(move |p| (m, p))) {
            let ask = |table: &RouteTable| table.lookup(None, &method.parse().unwrap(), &path);
            if let (Ok(_), Ok(_), Ok(best)) = (ask(&only_a), ask(&only_b), ask(&both)) {
                let first = *best.script.name == *a;
                wins |= first;
                loses |= !first;
            }
        }
        let conflict = am == bm && ap.shape() == bp.shape();
        let brute = match (wins, loses) {
            _ if conflict => Some(Overlap::Conflict),
            (true, false) => Some(Overlap::ShadowsOther),
            (false, true) => Some(Overlap::ShadowedByOther),
            (false, false) => None,
            (true, true) => panic!("each wins once: {a} and {b}"),
        };
        prop_assert_eq!(overlap((am, &ap), (bm, &bp)), brute, "{} and {}", a, b);
    }
}
