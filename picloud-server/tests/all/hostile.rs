//! Hostile scripts on a real server: each ends with a plain error for its own caller, and nobody else notices. The rows
//! are those of the table of hostile inputs.

use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};

use crate::process::{Admin, Reply, Server, get, message, send, try_send};

const ROUNDS: usize = 50;
/// Of scripts that take about a second of processor time each.
const FEW: usize = 1;
const CLIENTS: usize = 4;
/// What the process may hold, four scripts at their limits included.
const RESIDENT: u64 = 400 << 20;

struct World {
    server: Server,
    admin: Admin,
    _folder: TempDir,
}

/// The app `hostile` on `hostile.test`; the app `hello`, on any other host, is its neighbour.
fn world() -> World {
    let folder = tempdir().unwrap();
    let server = Server::with_admin(folder.path());
    let admin = server.log_in();
    admin.make_app("hostile", "hostile.test");
    World { server, admin, _folder: folder }
}

impl World {
    fn make(&self, name: &str, source: &str, limits: &Value) -> Reply {
        let body = json!({ "name": name, "source": source, "limits": limits });
        let reply = self.admin.call("POST", "/apps/hostile/scripts", Some(&body));
        if reply.status == 201 {
            let id = reply.json()["id"].as_str().unwrap().to_owned();
            let route = json!({ "method": "ANY", "path": format!("/{name}") });
            self.admin.make(&format!("/scripts/{id}/routes"), &route);
        }
        reply
    }

    fn run(&self, source: &str) -> Reply {
        let name = "one";
        let made = self.make(name, source, &json!({}));
        assert_eq!(made.status, 201, "{source}: {made}");
        let reply = self.server.get("hostile.test", "/one");
        let id = made.json()["id"].as_str().unwrap().to_owned();
        for route in
            self.admin.call("GET", &format!("/scripts/{id}/routes"), None).json()["items"].as_array().unwrap()
        {
            let id = route["id"].as_str().unwrap();
            assert_eq!(self.admin.call("DELETE", &format!("/routes/{id}"), None).status, 204);
        }
        assert_eq!(self.admin.call("DELETE", &format!("/scripts/{id}"), None).status, 204);
        reply
    }

    /// The neighbour answers, the server is well, its memory bounded.
    fn assert_well(&self, after: &str) {
        let since = Instant::now();
        let address = self.server.address;
        assert_eq!(get(address, "other.test", "/hello/Ada").text(), "Hello, Ada!", "after {after}");
        assert_eq!(get(address, "other.test", "/healthz").status, 200, "after {after}");
        assert!(since.elapsed() < Duration::from_secs(5), "after {after}: {:?}", since.elapsed());
        let resident = self.server.process.resident().unwrap_or(0);
        assert!(resident < RESIDENT, "{resident} bytes after {after}");
    }

    #[track_caller]
    fn assert_alive(&mut self) {
        assert!(self.server.process.is_alive(), "{}", self.server.process.output());
        let output = self.server.process.output();
        assert!(!output.contains("panicked"), "{output}");
    }
}

struct Script {
    source: String,
    limits: Value,
    /// What its problem may be; `""` is an answer, `refused` an upload that is not taken.
    codes: &'static [&'static str],
    rounds: usize,
}

const OPERATIONS: &[&str] = &["limit_operations", "limit_cpu_time"];
const MEMORY: &[&str] = &["limit_memory"];
const STACK: &[&str] = &["limit_stack"];
/// Cycles cannot be freed: a script that makes them is stopped until it is saved again.
const LEAK: &[&str] = &["limit_memory", "limit_leak"];
const MISSING: &[&str] = &["script_error", "refused"];
const ERROR: &[&str] = &["script_error"];
/// Ends in one way or another, but ends.
const ENDS: &[&str] = &[
    "",
    "script_error",
    "limit_memory",
    "limit_stack",
    "limit_leak",
    "limit_operations",
    "limit_cpu_time",
    "limit_response",
];

/// Low limits make the same end cheap.
fn low() -> Value {
    json!({ "operations": 20_000, "cpu_time_ms": 300, "memory": 2 << 20 })
}

fn scripts() -> Vec<Script> {
    let mut scripts = Vec::new();
    let mut add = |codes: &'static [&'static str], limits: Value, sources: &[&str]| {
        for source in sources {
            // Deep data is built in steps that each copy all of it.
            let rounds = if source.contains("..990") || source.contains("000 {") { FEW } else { ROUNDS };
            let (source, limits) = ((*source).to_owned(), limits.clone());
            scripts.push(Script { source, limits, codes, rounds });
        }
    };
    // Row 68.
    add(
        OPERATIONS,
        low(),
        &[
            "loop {}",
            "while true { let x = 1; }",
            "let n = 0; do { n += 1 } while true",
            "let n = 0; for i in 0..9223372036854775807 { n += 1 }",
            "let n = 0; for i in range(0, 9000000000000000000, 1) { n += 1 }",
            "loop { try { loop {} } catch { } }",
            "loop { try { [1].map(|x| { loop {} }) } catch { } }",
            "fn f() { try { loop {} } catch { f() } } f()",
            "let a = [1]; loop { a.map(|x| { let n = 0; while n < 1000 { n += 1 } n }); }",
            "let a = []; for i in 0..1000 { a.push(i) } a.sort(|a, b| { loop {} }); 1",
            "let a = []; for i in 0..1000 { a.push(i) } a.dedup(|a, b| { loop {} }); 1",
            "let m = #{a: 1}; loop { m.a += 1 }",
            "loop { json::parse(\"[1,2,3]\") }",
        ],
    );
    add(&["limit_cpu_time"], json!({ "cpu_time_ms": 20, "operations": 1_000_000_000 }), &["loop {}"]);
    let short = json!({ "wall_time_ms": 30, "operations": 1_000_000_000, "cpu_time_ms": 60_000 });
    add(
        &["limit_wall_time"],
        short,
        &[
            "loop {}",
            "time::sleep(3600000)",
            "loop { time::sleep(1) }",
            "loop { try { time::sleep(1000) } catch {} }",
        ],
    );
    // Row 69.
    add(
        STACK,
        low(),
        &[
            "fn f(n) { f(n + 1) } f(0)",
            "fn f(n) { if true { 1 + f(n + 1) } else { 0 } } f(0)",
            "fn f() { this.f() } let x = 0; x.f()",
            "fn f(n) { [n].map(|x| f(x)) } f(0)",
            "fn f(n) { [1, 2].sort(|a, b| f(n)); 0 } f(0)",
            "fn f(n) { `${f(n)}` } f(0)",
            "fn f(n) { #{ a: [f(n)] } } f(0)",
            "fn f(n) { g(n) } fn g(n) { f(n) } f(0)",
            "let f = |g, n| g.call(g, n + 1); f.call(f, 0)",
            "let f = |g, n| [n].map(|x| g.call(g, x)); f.call(f, 0)",
        ],
    );
    // Rows 70 and 71: deep data, used in every way.
    let builds = [
        "let a = []; for i in 0..N { a = [a]; }",
        "let a = #{}; for i in 0..N { a = #{ x: a }; }",
        "let a = []; for i in 0..N { a = #{ x: [a] }; }",
        "let a = || 1; for i in 0..N { let g = a; a = || g; }",
        "fn q() {} let a = Fn(\"q\"); for i in 0..N { let b = Fn(\"q\"); a = b.curry(a); }",
    ];
    for (build, uses) in builds.iter().zip(["a.to_string()", "a == a", "print(a); 0", "a", "`${a}`"]) {
        for (depth, then) in [("990", uses), ("2000", "a.to_string()"), ("9000", uses)] {
            add(ENDS, json!({ "cpu_time_ms": 400 }), &[&format!("{} {then}", build.replace('N', depth))]);
        }
    }
    // Nested too deep to cross to the caller.
    add(
        ERROR,
        json!({}),
        &[
            "let a = []; for i in 0..2000 { a = [a]; } json::stringify(a)",
            "let a = []; for i in 0..2000 { a = [a]; } a",
            "let a = []; for i in 0..200 { a = #{ x: [a] }; } response(200, a)",
        ],
    );
    // Rows 73 to 79.
    add(
        MEMORY,
        json!({ "memory": 2 << 20 }),
        &[
            "fn q() {} let f = Fn(\"q\"); for i in 0..60 { f = f.curry(f); } 1",
            "let s = \"a\"; loop { s += s; }",
            "let s = \"a\"; loop { s = s + s; }",
            "let a = [1]; loop { a += a; }",
            "let a = []; loop { a.push(a); }",
            "let b = blob(1000); loop { b += b; }",
            "let s = \"\"; s.pad(100000, 'a'); let a = []; a.pad(2000, 0); for i in 0..2000 { a[i] = s.to_upper(); }",
            "let s = \"\"; for i in 0..100 { s += \"0123456789\"; } let m = #{}; for i in 0..100000 { m[\"k\" + i] = s + i; }",
            "let s = \"\"; s.pad(100000, 'a'); let t = \"\"; t.pad(4000, 'b'); s.replace(\"a\", t); s.len",
            "let s = \"\"; s.pad(100000, 'a'); s.replace(\"a\", s); s.len",
            "blob(2000000000)",
            "let s = \"\"; s.pad(1000000000, 'x'); s",
            "let a = []; a.pad(1000000000, 0); a.len",
            "let b = blob(2000000); b.to_array().len",
            "let s = \"\"; s.pad(300000, 'a'); s.split(\"\").len",
            "let s = \"\"; s.pad(300000, 'a'); s.to_chars().len",
            "let s = \"\"; s.pad(1000000, 'a'); let a = []; a.pad(10000, s); a.to_string().len",
            "let s = \"\"; s.pad(1000000, 'a'); let a = []; a.pad(10000, s); `${a}`.len",
            "let s = \"\"; s.pad(1000000, 'a'); let a = []; a.pad(10000, s); json::stringify(a).len",
            "let s = \"\"; s.pad(1000000, 'a'); let a = []; a.pad(10000, s); a",
            "let s = \"\"; s.pad(1500000, 'a'); hex::encode(s).len",
            "let s = \"\"; s.pad(1500000, 'a'); base64::encode(s).len",
            "let s = \"\"; s.pad(500000, '<'); text::escape_html(s).len",
            "let s = \"\"; s.pad(1000000, ' '); url::encode(s + s).len",
            "let b = crypto::random_bytes(1024); loop { b += b; }",
            "fn f(n) { let a = \"\"; a.pad(1000000, 'x'); let b = a + \"1\"; f(n + 1) } f(0)",
        ],
    );
    add(
        LEAK,
        json!({ "memory": 2 << 20 }),
        &[
            "let a = []; for i in 0..100000 { let m = #{}; let f = || m; m.f = f; a.push(m); } 1",
            "for i in 0..100000 { let m = #{}; let f = || m; m.f = f; m.pad = blob(1000); } 1",
        ],
    );
    // Rows 80 to 83: what blocks or escapes is not there.
    add(
        MISSING,
        json!({}),
        &[
            "sleep(3600)",
            "eval(\"loop {}\")",
            "timestamp()",
            "import \"/etc/passwd\" as p; 1",
            "import \"../x\" as p; 1",
            "import \"hello\" as h; h::x()",
            "export let x = 1; open(\"/etc/passwd\")",
            "system(\"id\")",
        ],
    );
    // Row 84.
    add(&[""], json!({ "cpu_time_ms": 5_000 }), &["for i in 0..2000 { print(\"0123456789\") } \"done\""]);
    add(
        OPERATIONS,
        low(),
        &["loop { print(\"0123456789\") }", "let s = \"\"; s.pad(1000000, 'x'); loop { print(s) }"],
    );
    // Row 87.
    add(
        ERROR,
        json!({}),
        &[
            "response(200).header(\"x\", \"a\\r\\nSet-Cookie: b=c\")",
            "response(200).header(\"x\", \"a\\nb\")",
            "response(200).header(\"x\", \"a\\x00b\")",
            "response(200).header(\"a b\", \"c\")",
            "response(200).header(\"\", \"c\")",
            "response(200).header(\"x:\", \"c\")",
            "response(200).header(\"x\\r\\ny\", \"c\")",
            "response(200).type(\"text/html\\r\\nX: y\")",
            "response(200).cookie(\"a\\r\\nb\", \"c\")",
            "response(200).cookie(\"a\", \"c; Domain=test\\r\\n\")",
            "redirect(\"/a\\r\\nSet-Cookie: b=c\")",
            "response(99)",
            "response(100)",
            "response(101)",
            "response(1000)",
            "response(-1)",
        ],
    );
    add(
        &["limit_response"],
        json!({ "response_body": 100_000 }),
        &[
            "let s = \"\"; s.pad(500000, 'a'); response(200).header(\"x\", s)",
            "let r = response(200); for i in 0..1000 { r = r.header(\"x-\" + i, \"y\"); } r",
            "let r = response(200); for i in 0..1000 { r = r.header(\"x\", \"y\"); } r",
            "let s = \"\"; s.pad(200000, 'a'); s",
        ],
    );
    // Errors of all kinds stay the caller's.
    add(
        ERROR,
        json!({}),
        &[
            "throw 1",
            "throw #{ a: [1] }",
            "1 / 0",
            "1 % 0",
            "9223372036854775807 + 1",
            "-9223372036854775808 / -1",
            "[1][5]",
            "ctx.params = 1",
            "ctx.nothing.nothing",
            "error(99, \"x\").nothing()",
            "let a = [1, 2, 3]; let f = || a.len(); loop { a.filter(|x| f.call() > 0); }",
            "json::parse(\"{\")",
            "\"x\".nothing()",
        ],
    );
    add(
        &["", "script_error", "limit_stack"],
        json!({}),
        &[
            "json::parse(\"[\".repeat(100000))",
            "let s = \"\"; s.pad(100000, '['); json::parse(s)",
            "let s = \"\"; s.pad(100000, '['); try { json::parse(s) } catch (e) { e }",
        ],
    );
    scripts
}

fn status_of(code: &str) -> u16 {
    match code {
        "" => 200,
        "limit_operations" | "limit_cpu_time" | "limit_wall_time" => 504,
        _ => 500,
    }
}

/// Requests a script so often that what it leaves behind would add up.
fn attack(world: &World, name: &str, script: &Script) {
    let Script { source, limits, codes, rounds } = script;
    let short = source.get(..160).unwrap_or(source);
    let made = world.make(name, source, limits);
    if made.status == 422 && codes.contains(&"refused") {
        return;
    }
    assert_eq!(made.status, 201, "{short}: {made}");
    let (since, mut longest) = (Instant::now(), Duration::ZERO);
    for round in 0..*rounds {
        let before = Instant::now();
        let request = format!("GET /{name} HTTP/1.1\r\nHost: hostile.test\r\nConnection: close\r\n\r\n");
        let reply = try_send(world.server.address, request.as_bytes());
        let reply = reply.unwrap_or_else(|| {
            let output = world.server.process.output();
            let tail = output.get(output.len().saturating_sub(3000)..).unwrap_or_default();
            panic!("{short}: round {round}: no answer after {:?}:\n{tail}", before.elapsed())
        });
        longest = longest.max(before.elapsed());
        let code = reply.code();
        assert!(codes.contains(&code.as_str()), "{short}: round {round}: {reply}");
        assert!(
            reply.status == status_of(&code) || code.is_empty() && reply.status == 204,
            "{short}: {reply}"
        );
        assert!(reply.header("x-request-id").is_some(), "{short}: {reply}");
        if !code.is_empty() {
            assert_eq!(reply.json()["request_id"].as_str(), reply.header("x-request-id"), "{reply}");
            assert!(!reply.text().contains(".rhai"), "internals are not for callers: {reply}");
        }
        if round % 10 == 0 {
            world.assert_well(short);
        }
    }
    world.assert_well(short);
    println!("{:>6} ms, longest {:>5} ms  {short}", since.elapsed().as_millis(), longest.as_millis());
}

#[test]
fn rows_68_to_87_hostile_scripts_end_and_nobody_else_notices() {
    let mut world = world();
    let scripts = scripts();
    let queue = Mutex::new(scripts.iter().enumerate());
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                loop {
                    let Some((index, script)) = queue.lock().unwrap().next() else { break };
                    attack(&world, &format!("s{index}"), script);
                }
            });
        }
    });
    world.assert_alive();
}

#[test]
fn row_85_hostile_sources_are_refused_at_upload() {
    let mut world = world();
    let sources = [
        "(".repeat(100_000),
        "[".repeat(100_000),
        "{".repeat(100_000),
        "!".repeat(100_000),
        "-".repeat(100_000),
        "\"".repeat(99_999),
        "`${".repeat(30_000),
        format!("1{}", "+1".repeat(50_000)),
        format!("if true {{}} {}", "else if true {} ".repeat(5000)),
        format!("a{}", "?.a".repeat(20_000)),
        format!("let a = 1; a{}", "[0]".repeat(30_000)),
        format!("{}1", "|x| ".repeat(20_000)),
        "fn f() {}\n".repeat(10_000),
        format!("let s = \"{}\";", "x".repeat(200_000)),
        "let x = 1;\0let y = 2;".to_owned(),
        "let = 1".to_owned(),
    ];
    for source in sources {
        let short = &source[..source.len().min(20)];
        let since = Instant::now();
        let reply = world.make("refused", &source, &json!({}));
        assert_eq!((reply.status, reply.code().as_str()), (422, "invalid"), "{short}: {reply}");
        assert!(since.elapsed() < Duration::from_secs(3), "{short}: {:?}", since.elapsed());
        world.assert_well(short);
    }
    // Far beyond any limit: refused before it is read.
    let path = "/api/v1/admin/apps/hostile/scripts";
    let token = &world.admin.token;
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\nContent-Length: 50000000\r\n\r\n"
    );
    assert_eq!(send(world.server.address, head.as_bytes()).code(), "limit_body");
    let big = json!({ "name": "big", "source": "x".repeat(5_000_000) });
    let big = message(world.server.address, "POST", path, Some(token), Some(&big));
    assert!(try_send(world.server.address, &big).is_none_or(|reply| reply.status == 413));
    for limits in [json!({ "memory": 1u64 << 40 }), json!({ "operations": 0 }), json!({ "nothing": 1 })] {
        assert_eq!(world.make("limited", "1", &limits).status, 422, "{limits}");
    }
    world.assert_alive();
}

#[test]
fn row_86_framing_is_the_platforms() {
    let world = world();
    let fake = "HTTP/1.1 200 OK\\r\\nContent-Length: 4\\r\\n\\r\\nfake";
    for source in [
        &format!("response(200, \"hello{fake}\").header(\"Content-Length\", \"5\")"),
        "response(200, \"hello\").header(\"content-length\", \"500\")",
        "response(200, \"hello\").header(\"Transfer-Encoding\", \"chunked\")",
        "response(200, \"hello\").header(\"Connection\", \"keep-alive\")",
        "response(200, \"hello\").header(\"Upgrade\", \"h2c\").header(\"Keep-Alive\", \"1\").header(\"TE\", \"x\").header(\"Trailer\", \"x\")",
    ] {
        let reply = world.run(source);
        assert_eq!(reply.status, 200, "{source}: {reply}");
        assert!(reply.text().starts_with("hello"), "{source}: {reply}");
        // That the length is that of the body is checked for each reply.
        assert!(reply.header("content-length").is_some(), "{source}: {reply}");
        for name in ["transfer-encoding", "upgrade", "keep-alive", "te", "trailer"] {
            assert_eq!(reply.header(name), None, "{source}: {reply}");
        }
        assert_eq!(reply.header("connection"), Some("close"), "the caller asked for it: {reply}");
    }
    for (source, status) in [
        ("response(204, \"body\").header(\"content-length\", \"4\")", 204),
        ("response(304, \"body\").header(\"content-length\", \"4\")", 304),
        ("()", 204),
    ] {
        let reply = world.run(source);
        assert!(
            reply.body.is_empty() && (reply.status == status || reply.status == 500),
            "{source}: {reply}"
        );
    }
}

/// Whatever a script says about lengths, the next answer on the connection is the next answer.
#[test]
fn row_86_answers_on_one_connection_stay_apart() {
    let world = world();
    let source = "response(200, \"helloHTTP/1.1 200 OK\\r\\nContent-Length: 4\\r\\n\\r\\nfake\").header(\"Content-Length\", \"5\").header(\"Transfer-Encoding\", \"chunked\")";
    assert_eq!(world.make("lies", source, &json!({})).status, 201);
    let mut stream = TcpStream::connect(world.server.address).unwrap();
    let lies = "GET /lies HTTP/1.1\r\nHost: hostile.test\r\n\r\n".repeat(3);
    let last = "GET /hello/Ada HTTP/1.1\r\nHost: other.test\r\nConnection: close\r\n\r\n";
    stream.write_all(format!("{lies}{last}").as_bytes()).unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let mut rest = bytes.as_slice();
    let mut bodies = Vec::new();
    while !rest.is_empty() {
        let end = rest.windows(4).position(|window| window == b"\r\n\r\n").expect("a whole head") + 4;
        let head = String::from_utf8_lossy(&rest[..end]).to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).expect("a length");
        let length: usize = length.parse().unwrap();
        bodies.push(String::from_utf8_lossy(&rest[end..end + length]).into_owned());
        rest = &rest[end + length..];
    }
    assert_eq!(bodies.len(), 4, "{bodies:?}");
    assert!(bodies[..3].iter().all(|body| body.starts_with("helloHTTP/1.1") && body.ends_with("fake")));
    assert_eq!(bodies[3], "Hello, Ada!");
}

#[test]
fn row_89_platform_cookies_are_neither_set_nor_seen() {
    let world = world();
    let source = "response(200, \"x\").header(\"Set-Cookie\", \"__Host-picloud_session=x; Path=/\").header(\"Set-Cookie\", \"PICLOUD_session=x\").cookie(\"mine\", \"1\")";
    let reply = world.run(source);
    let cookies: Vec<&str> = reply
        .headers
        .iter()
        .filter(|(name, _)| name == "set-cookie")
        .map(|(_, value)| value.as_str())
        .collect();
    assert!(matches!(cookies.as_slice(), [one] if one.starts_with("mine=1")), "{reply}");

    let source = "response(200, #{ cookies: ctx.cookies, header: ctx.headers.cookie })";
    assert_eq!(world.make("sees", source, &json!({})).status, 201);
    let request = "GET /sees HTTP/1.1\r\nHost: hostile.test\r\nConnection: close\r\nCookie: a=1; picloud_session=secret; __Host-picloud_session=secret; b=2\r\n\r\n";
    let reply = send(world.server.address, request.as_bytes());
    assert_eq!(reply.json(), json!({ "cookies": { "a": "1", "b": "2" }, "header": "a=1; b=2" }), "{reply}");
}

/// Run by id, a script answers beside the admin API: there its pages are of an origin of their own.
#[test]
fn row_89_answers_beside_the_api_are_confined() {
    let world = world();
    let source = "response(200, \"<script>\").type(\"text/html\").header(\"Clear-Site-Data\", \"*\").header(\"Service-Worker-Allowed\", \"/\").header(\"Strict-Transport-Security\", \"max-age=1\").header(\"Content-Security-Policy\", \"default-src *\").header(\"x-auth\", ctx.headers.authorization ?? \"none\")";
    let id = world.make("page", source, &json!({})).json()["id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/execute/{id}");
    let ask = |token| send(world.server.address, &message(world.server.address, "GET", &path, token, None));
    assert_eq!(ask(None).status, 401);
    let reply = ask(Some(&world.admin.token));
    assert_eq!(reply.status, 200, "{reply}");
    let policies: Vec<_> =
        reply.headers.iter().filter(|(name, _)| name == "content-security-policy").map(|(_, v)| v).collect();
    assert!(policies.iter().any(|policy| policy.starts_with("sandbox allow-scripts")), "{reply}");
    for name in ["clear-site-data", "service-worker-allowed", "strict-transport-security"] {
        assert_eq!(reply.header(name), None, "{reply}");
    }
    assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(reply.header("x-auth"), Some("none"), "the session is not shown to the script");
}

/// Rows 34 and 35: bodies that no script sees.
#[test]
fn rows_34_and_35_bodies_beyond_the_limit_run_nothing() {
    let mut world = world();
    assert_eq!(world.make("body", "ctx.bytes().len", &json!({})).status, 201);
    assert_eq!(world.make("json", "ctx.json(); 1", &json!({})).status, 201);
    let post = |path: &str, framing: &str, body: &[u8]| {
        let head =
            format!("POST {path} HTTP/1.1\r\nHost: hostile.test\r\nConnection: close\r\n{framing}\r\n\r\n");
        send(world.server.address, &[head.as_bytes(), body].concat())
    };
    let length = |n: usize| format!("Content-Type: application/json\r\nContent-Length: {n}");
    assert_eq!(post("/body", &length(11 << 20), b"").code(), "limit_body");
    let fits = vec![b'x'; 1 << 20];
    assert_eq!(post("/body", &length(fits.len()), &fits).text(), (1 << 20).to_string());
    let mut chunks = Vec::new();
    for _ in 0..20 {
        chunks.extend_from_slice(b"10000\r\n");
        chunks.extend_from_slice(&[b'x'; 0x10000]);
        chunks.extend_from_slice(b"\r\n");
    }
    chunks.extend_from_slice(b"0\r\n\r\n");
    assert_eq!(post("/body", "Transfer-Encoding: chunked", &chunks).code(), "limit_body");
    let nested = "[".repeat(100_000);
    let reply = post("/json", &length(nested.len()), nested.as_bytes());
    assert!(reply.status >= 400 && !reply.code().is_empty(), "{reply}");
    let login = format!(
        "POST /api/v1/admin/auth/login HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n{}\r\n\r\n{}",
        length(3000),
        "[".repeat(3000)
    );
    assert_eq!(send(world.server.address, login.as_bytes()).status, 400);
    world.assert_well("bodies");
    world.assert_alive();
}
