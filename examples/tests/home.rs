//! Home automation: rules with doubles, and the whole thing against a real Mosquitto.

use std::{
    io::{BufRead, BufReader},
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use picloud::testing::{Suite, parts};
use rumqttc::{
    AsyncClient, Event, MqttOptions, NetworkOptions, PublishOptions,
    mqttbytes::{QoS, v5::Packet},
};
use tokio::{
    sync::{Notify, mpsc as channel},
    task::JoinHandle,
    time::timeout,
};

use crate::curl::{curl, serve};

#[allow(dead_code, unreachable_pub, reason = "an example is a program, and here only its parts are wanted")]
#[path = "../home.rs"]
mod example;

const PATIENCE: Duration = Duration::from_secs(10);

#[test]
fn home_rules() {
    let (client, _) = example::connect("localhost", 1);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("home");
    let report = Suite::folder(example::app(&client), folder).unwrap().run();
    report.assert_passed();
    assert!(report.cases.len() >= 5);
}

/// A broker of the test's own. Dropping it ends it.
struct Broker {
    process: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Broker {
    fn start() -> Option<Self> {
        let program = parts::program("mosquitto", "home automation over MQTT")?;
        // Who takes the port in between makes it fail; then another one is tried.
        (0..5).find_map(|_| Self::try_start(&program)).or_else(|| panic!("mosquitto does not start"))
    }

    fn try_start(program: &Path) -> Option<Self> {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = tempfile::tempdir().unwrap();
        let settings = folder.path().join("mosquitto.conf");
        let text = format!(
            "listener {port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\nlog_dest stderr\n"
        );
        std::fs::write(&settings, text).unwrap();
        let mut process = Command::new(program)
            .arg("-c")
            .arg(&settings)
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let (tell, told) = mpsc::channel();
        let lines = BufReader::new(process.stderr.take().unwrap()).lines();
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(|line| drop(tell.send(line))));
        while let Ok(line) = told.recv_timeout(PATIENCE) {
            if line.contains("running") {
                return Some(Self { process, port, _folder: folder });
            }
        }
        let _ = process.kill();
        let _ = process.wait();
        None
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A device on the broker, or whoever else listens there.
struct Device {
    client: AsyncClient,
    heard: channel::UnboundedReceiver<(String, String, Instant)>,
}

impl Device {
    async fn connect(port: u16, name: &str, topic: &str) -> Self {
        let mut options = MqttOptions::new(name, ("127.0.0.1", port));
        let mut network = NetworkOptions::new();
        network.set_tcp_nodelay(true);
        options.set_network_options(network);
        let (client, mut incoming) = AsyncClient::builder(options).capacity(64).build();
        let (tell, heard) = channel::unbounded_channel();
        let ready = Arc::new(Notify::new());
        let is_ready = ready.clone();
        tokio::spawn(async move {
            while let Ok(event) = incoming.poll().await {
                match event {
                    Event::Incoming(Packet::SubAck(_)) => is_ready.notify_one(),
                    Event::Incoming(Packet::Publish(message)) => {
                        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                        let message = (text(&message.topic), text(&message.payload), Instant::now());
                        if tell.send(message).is_err() {
                            break;
                        }
                    }
                    _ => {}
                }
            }
        });
        client.subscribe(topic, QoS::AtLeastOnce).await.unwrap();
        timeout(PATIENCE, ready.notified()).await.expect("the broker takes the subscription");
        Self { client, heard }
    }

    async fn say(&self, topic: &str, value: &str) {
        self.client.publish(topic, value.to_owned(), PublishOptions::new(QoS::AtLeastOnce)).await.unwrap();
    }

    async fn hear(&mut self) -> (String, String, Instant) {
        timeout(PATIENCE, self.heard.recv()).await.expect("a message comes in time").unwrap()
    }

    /// Topic and value of what comes next.
    async fn hear_text(&mut self) -> (String, String) {
        let (topic, value, _) = self.hear().await;
        (topic, value)
    }
}

/// The example, connected; and what it runs in.
async fn start(port: u16) -> (picloud::App, JoinHandle<()>) {
    let (client, incoming) = example::connect("127.0.0.1", port);
    let app = example::app(&client).build().unwrap();
    let ready = Arc::new(Notify::new());
    let is_ready = ready.clone();
    let running = tokio::spawn(example::follow(app.clone(), client, incoming, move || is_ready.notify_one()));
    timeout(PATIENCE, ready.notified()).await.expect("the broker takes the subscriptions");
    (app, running)
}

fn pair(topic: &str, value: &str) -> (String, String) {
    (topic.to_owned(), value.to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn home_over_a_real_broker() {
    let Some(broker) = Broker::start() else { return };
    let (app, running) = start(broker.port).await;
    let mut lights = Device::connect(broker.port, "lights", "home/+/light/set").await;

    let mut took: Vec<Duration> = Vec::new();
    for _ in 0..101 {
        let said = Instant::now();
        lights.say("home/hall/motion", "ON").await;
        let (topic, value, at) = lights.hear().await;
        assert_eq!((topic.as_str(), value.as_str()), ("home/hall/light/set", "ON"));
        took.push(at - said);
    }
    took.sort();
    println!("reaction to a message: median {:?}, slowest {:?}", took[50], took[100]);
    assert!(took[50] < Duration::from_millis(10), "median {:?}", took[50]);

    // By day the light stays as it is: what comes next is for the kitchen.
    lights.say("home/hall/lux", "80").await;
    lights.say("home/hall/motion", "ON").await;
    lights.say("home/kitchen/motion", "ON").await;
    assert_eq!(lights.hear_text().await, pair("home/kitchen/light/set", "ON"));

    // Over HTTP, with a real client.
    let address = serve(app).await;
    let url = format!("http://{address}/rooms/hall/light");
    curl(&["-sSf", "-X", "PUT", "-H", "content-type: application/json", "-d", "{\"on\":false}", &url]).await;
    assert_eq!(lights.hear_text().await, pair("home/hall/light/set", "OFF"));
    lights.say("home/hall/light", "OFF").await;
    let known = async {
        loop {
            let answer = curl(&["-sS", &url]).await;
            if answer == r#"{"lux":"80","on":false}"# {
                break;
            }
        }
    };
    timeout(PATIENCE, known).await.expect("what the light says is known");
    running.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn home_assistant_finds_the_lights_and_sees_whether_they_are_there() {
    let Some(broker) = Broker::start() else { return };
    let (_, running) = start(broker.port).await;
    let mut watcher = Device::connect(broker.port, "status", "picloud/status").await;
    assert_eq!(watcher.hear_text().await, pair("picloud/status", "online"));

    let assistant = Device::connect(broker.port, "assistant", "homeassistant/none").await;
    assistant.say("homeassistant/status", "online").await;
    // Kept by the broker: Home Assistant may as well come later.
    let mut found = Device::connect(broker.port, "found", "homeassistant/light/+/config").await;
    let mut topics = Vec::new();
    for _ in 0..2 {
        let (topic, config) = found.hear_text().await;
        let config: serde_json::Value = serde_json::from_str(&config).unwrap();
        assert_eq!(config["availability_topic"], "picloud/status");
        for name in ["unique_id", "command_topic", "state_topic", "name"] {
            assert!(config[name].is_string(), "{name} in {config}");
        }
        assert!(config["device"]["identifiers"][0].is_string() && config["origin"]["name"].is_string());
        topics.push(topic);
    }
    topics.sort();
    let expected = ["hall", "kitchen"].map(|room| format!("homeassistant/light/picloud_{room}_light/config"));
    assert_eq!(topics, expected);

    // The broker says it for who is gone without a word.
    running.abort();
    assert_eq!(watcher.hear_text().await, pair("picloud/status", "offline"));
}
