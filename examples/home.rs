//! cargo run -p picloud-examples --example home
//!
//! Home automation: lights and sensors on an MQTT broker, rules as scripts in the folder `home/`, Home Assistant.
//! Needs a broker on localhost:1883, such as Debian's `mosquitto`; MQTT_BROKER=host:port names another. Then:
//! mosquitto_sub -t 'home/#' -v & mosquitto_pub -t home/hall/motion -m ON

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use picloud::{App, AppBuilder, HostModule};
use rumqttc::{
    AsyncClient, Event, EventLoop, MqttOptions, NetworkOptions, PublishOptions,
    mqttbytes::{
        QoS,
        v5::{LastWill, Packet, Publish, SubscribeFilter},
    },
};

/// Where this says whether it is there.
const STATUS: &str = "picloud/status";

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The rules, and what they may do.
pub fn app(client: &AsyncClient) -> AppBuilder {
    App::builder()
        .slug("home")
        .folder(concat!(env!("CARGO_MANIFEST_DIR"), "/home"))
        .module(mqtt(client))
        .module(state())
        .on("motion", "motion")
        .on("lux", "remember")
        .on("light", "remember")
        .on("homeassistant", "discovery")
        .route("GET /rooms/:room/light", "room")
        .route("PUT /rooms/:room/light", "room")
}

fn mqtt(client: &AsyncClient) -> HostModule {
    let send = |client: &AsyncClient, retain: bool| {
        let client = client.clone();
        move |topic: String, value: String| {
            let client = client.clone();
            let options = PublishOptions::new(QoS::AtLeastOnce).retain(retain);
            async move { client.publish(topic, value, options).await.map(drop).map_err(|error| error.to_string()) }
        }
    };
    HostModule::new("mqtt")
        .async_function("publish(topic, value)", send(client, false))
        .doc("Sends a message.")
        .async_function("retain(topic, value)", send(client, true))
        .doc("Sends a message that the broker keeps for those who come later.")
}

/// What scripts remember from one run to the next; gone when the program ends.
fn state() -> HostModule {
    let values = Arc::new(Mutex::new(HashMap::<String, String>::new()));
    let (read, written) = (values.clone(), values);
    HostModule::new("state")
        .function("get(key)", move |key: String| {
            read.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned()
        })
        .function("set(key, value)", move |key: String, value: String| {
            written.lock().unwrap_or_else(PoisonError::into_inner).insert(key, value);
        })
}

/// A client for a broker, and the loop that keeps it connected.
pub fn connect(host: &str, port: u16) -> (AsyncClient, EventLoop) {
    let mut options = MqttOptions::new("picloud-home", (host, port));
    options.set_keep_alive(5);
    // The broker says it for us when we are gone.
    options.set_last_will(LastWill::new(STATUS, "offline", QoS::AtLeastOnce, true, None));
    let mut network = NetworkOptions::new();
    network.set_tcp_nodelay(true);
    options.set_network_options(network);
    AsyncClient::builder(options).capacity(64).build()
}

/// Turns messages into events of the app, for ever. `ready` is called whenever the broker has taken the subscriptions.
pub async fn follow(app: App, client: AsyncClient, mut incoming: EventLoop, ready: impl Fn()) {
    let (tell, mut told) = tokio::sync::mpsc::channel::<Publish>(64);
    // One after the other, so that nothing a sensor says is overtaken by what it said before.
    tokio::spawn(async move {
        while let Some(message) = told.recv().await {
            deliver(&app, &message).await;
        }
    });
    loop {
        match incoming.poll().await {
            Ok(Event::Incoming(Packet::ConnAck(_))) => {
                // In a task: the queue empties only while this loop polls.
                tokio::spawn(announce(client.clone()));
            }
            Ok(Event::Incoming(Packet::SubAck(_))) => ready(),
            Ok(Event::Incoming(Packet::Publish(message))) => {
                // Never waits: while it did, nothing that scripts publish would be sent.
                if tell.try_send(message).is_err() {
                    eprintln!("mqtt: scripts are too slow, a message is left out");
                }
            }
            Ok(_) => {}
            Err(error) => {
                eprintln!("mqtt: {error}; trying again");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

/// Says that we are there, and what we want to hear.
async fn announce(client: AsyncClient) -> Result<(), Failure> {
    let retained = PublishOptions::new(QoS::AtLeastOnce).retain(true);
    client.publish(STATUS, "online", retained).await?;
    let topics = ["home/+/motion", "home/+/lux", "home/+/light", "homeassistant/status"];
    client
        .subscribe_many(topics.map(|topic| SubscribeFilter::new(topic.to_owned(), QoS::AtLeastOnce)))
        .await?;
    Ok(())
}

/// `home/<room>/<kind>` is the event <kind>, `homeassistant/status` the event homeassistant.
async fn deliver(app: &App, message: &Publish) {
    let topic = String::from_utf8_lossy(&message.topic);
    let value = String::from_utf8_lossy(&message.payload);
    let (event, room) = match topic.split('/').collect::<Vec<_>>()[..] {
        ["home", room, kind] => (kind, room),
        _ => ("homeassistant", ""),
    };
    let payload = [("room", room), ("kind", event), ("value", &value)];
    if let Err(error) = app.emit(event, HashMap::from(payload)).await {
        eprintln!("{topic}: {error}");
    }
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let broker = std::env::var("MQTT_BROKER").unwrap_or_else(|_| "localhost:1883".to_owned());
    let (host, port) = broker.split_once(':').unwrap_or((&broker, "1883"));
    let (client, incoming) = connect(host, port.parse()?);
    let app = app(&client).build()?;
    tokio::spawn(follow(app.clone(), client, incoming, || println!("listening to the broker")));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    println!("http://{}/rooms/hall/light", listener.local_addr()?);
    Ok(axum::serve(listener, axum::Router::new().fallback_service(app.service())).await?)
}
