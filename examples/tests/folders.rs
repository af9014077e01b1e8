//! Examples that are a folder: the tests beside their scripts pass, and the pages are what a browser needs.

use std::{collections::BTreeMap, fs, path::Path};

use picloud::{App, AppBuilder, testing::Suite};

use crate::curl::{curl, serve};

/// The app in a folder of this package, as `picloud dev` serves it.
fn folder(name: &str) -> AppBuilder {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    let text = fs::read_to_string(path.join("picloud.toml")).unwrap();
    let table: toml::Table = text.parse().unwrap();
    let routes: BTreeMap<String, String> = table["routes"].clone().try_into().unwrap();
    routes
        .into_iter()
        .fold(App::builder().folder(path), |builder, (route, script)| builder.route(route, script))
}

#[track_caller]
fn tests_pass(name: &str, at_least: usize) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    let report = Suite::folder(folder(name), path).unwrap().run();
    report.assert_passed();
    assert!(report.cases.len() >= at_least);
}

#[test]
fn github_webhooks() {
    tests_pass("github-webhook", 3);
}

#[test]
fn stripe_webhooks() {
    tests_pass("stripe-webhook", 4);
}

#[test]
fn the_site() {
    tests_pass("site", 6);
}

#[tokio::test]
async fn the_site_with_a_real_client_that_keeps_cookies_and_follows_redirects() {
    let address = serve(folder("site").build().unwrap()).await;
    let jar = tempfile::NamedTempFile::new().unwrap();
    let jar = jar.path().to_str().unwrap();
    let ask = |more: &[&str], path: &str| {
        let url = format!("http://{address}{path}");
        curl(&[&["-sSL", "-b", jar, "-c", jar], more, &[url.as_str()]].concat())
    };
    assert!(ask(&["-F", "x=y"], "/").await.contains("415"), "a multipart form is told so");
    let page = ask(&["-d", "item=water+the+plants"], "/").await;
    assert!(page.contains("water the plants") && page.contains("To do (1)"), "{page}");
    let page = ask(&[], "/").await;
    assert!(page.contains("water the plants"), "the cookie came back: {page}");
    assert!(ask(&["-d", "done=0"], "/").await.contains("To do (0)"));
    assert!(ask(&[], "/style.css").await.contains("font:"));
    assert!(ask(&["-w", "%{http_code}"], "/nowhere").await.ends_with("404"));
}

#[tokio::test]
async fn one_script_behind_a_socket() {
    let address = serve(crate::testing::hello::app().build().unwrap()).await;
    let text = curl(&["-sS", &format!("http://{address}/hello/Ada%20L")]).await;
    assert_eq!(text, "Hello, Ada L!");
}

#[test]
fn the_axum_example_stays_short() {
    let source = include_str!("../axum.rs");
    let code = source.lines().filter(|line| !line.trim().is_empty() && !line.starts_with("//")).count();
    assert!(code < 40, "{code} lines");
}
