//! The `picloud` binary: from process start to the first answer of a script, and what it holds while idle.
//!
//! Needs the release build: `cargo build --release -p picloud-server`. `make bench` makes it.

use std::{
    env, fs,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use picloud_benches::{
    Goal,
    process::{built_binary, resident_kib_of},
    quantile, verdict,
};

const ROUNDS: usize = 11;
const REQUEST: &[u8] = b"GET /hello/Ada HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n";

fn main() {
    let Some(binary) = built_binary() else { return };
    let data = env::temp_dir().join(format!("picloud-bench-{}", std::process::id()));
    let (mut fresh, mut again, mut memory) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let _ = fs::remove_dir_all(&data);
        fresh.push(start(&binary, &data).0);
        let (took, idle) = start(&binary, &data);
        again.push(took);
        memory.push(idle);
    }
    let _ = fs::remove_dir_all(&data);
    verdict("start to first answer, fresh database", quantile(&mut fresh, 0.5), " ms", Goal::AtMost(100.0));
    verdict("start to first answer, same database", quantile(&mut again, 0.5), " ms", Goal::AtMost(100.0));
    verdict("resident while idle", quantile(&mut memory, 0.5), " MB", Goal::AtMost(20.0));
}

/// Milliseconds to the first answer, and megabytes held a second later.
fn start(binary: &Path, data: &Path) -> (f64, f64) {
    let address = free_address();
    let begun = Instant::now();
    let mut server = Command::new(binary)
        .args(["--listen", &address.to_string(), "--data-dir"])
        .arg(data)
        .stderr(Stdio::null())
        .spawn()
        .expect("the server starts");
    let answer = ask(address);
    let took = begun.elapsed().as_secs_f64() * 1e3;
    assert!(answer.contains("Hello, Ada!"), "{answer}");
    sleep(Duration::from_secs(1));
    let memory = resident_kib_of(server.id()) as f64 / 1024.0;
    end(&mut server);
    (took, memory)
}

fn ask(address: SocketAddr) -> String {
    let mut stream = loop {
        match TcpStream::connect(address) {
            Ok(stream) => break stream,
            Err(_) => sleep(Duration::from_micros(200)),
        }
    };
    stream.write_all(REQUEST).expect("the server reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("the server answers");
    answer
}

fn free_address() -> SocketAddr {
    let probe = TcpListener::bind("127.0.0.1:0").expect("loopback can be bound");
    probe.local_addr().expect("a bound socket has an address")
}

fn end(server: &mut Child) {
    server.kill().expect("the server runs");
    server.wait().expect("the server ends");
}
