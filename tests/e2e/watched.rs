//! A policy that changes under a running Envoy: the filter is in a file that Envoy watches.

use std::io::{Read, Write};
use std::net::TcpStream;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use usher_scenario::token::KeyRing;
use usher_tests::http::{Connection, Request, Response, local};
use usher_tests::policy;
use usher_tests::server::Fault;
use usher_tests::stage::denied;
use usher_tests::stage::envoy::RealEnvoy;
use usher_tests::system::{Setup, upstream};
use usher_tests::wait;

/// What a connection that stays open gets: the upstream's word, or the code of a denial.
fn said(connection: &mut Connection, request: &Request) -> Result<String> {
    let response = connection.send(request)?;
    ensure!(!closes(&response), "the connection is to be closed: {:?}", response.headers);
    match upstream::saw(&response)? {
        Some(_) => Ok("allow".to_owned()),
        None if response.first("x-usher-reason").is_some() => Ok(denied(&response)?.code().to_owned()),
        None => Ok(format!("status {}", response.status)),
    }
}

/// What a listener that drains says to its clients.
fn closes(response: &Response) -> bool {
    response.first("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
}

/// Sends a request and leaves its answer to be read.
fn open(stage: &RealEnvoy, request: &Request, target: &str) -> Result<TcpStream> {
    let mut bytes = format!("GET {target} HTTP/1.1\r\n").into_bytes();
    for (name, value) in &request.headers {
        bytes.extend([name.as_slice(), b": ", value, b"\r\n"].concat());
    }
    bytes.extend_from_slice(b"\r\n");
    let mut stream = TcpStream::connect(stage.system.envoy.address())?;
    stream.write_all(&bytes)?;
    stream.set_read_timeout(Some(wait::PATIENCE))?;
    Ok(stream)
}

/// Whether more arrives than what has arrived already.
fn flows(stream: &mut TcpStream) -> Result<bool> {
    let mut buffer = [0; 4096];
    stream.set_nonblocking(true)?;
    while stream.read(&mut buffer).is_ok_and(|read| read > 0) {}
    stream.set_nonblocking(false)?;
    Ok(stream.read(&mut buffer)? > 0)
}

fn gauge(stats: &str, name: &str) -> Option<u64> {
    stats.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")?.parse().ok())
}

fn watched() -> Setup {
    Setup { watched: true, ..Setup::default() }
}

#[test]
fn a_new_rule_is_in_force_without_a_listener_drained_or_a_connection_closed() -> Result<()> {
    let base = policy::changed("claude", "{}")?;
    let mut stage = RealEnvoy::start_with(&base, &watched())?;
    let plain = stage.request_of("{login: ada, path: /, pass: true}")?;
    let mut admin = plain.clone();
    admin.target = b"/admin/".to_vec();
    stage.system.upstream.fault_at("/slow", Some(Fault::Slow));
    let mut slow = open(&stage, &plain, "/slow")?;
    ensure!(flows(&mut slow)?, "an answer that takes long has begun");
    let mut connections = Vec::new();
    for _ in 0..8 {
        connections.push(stage.system.envoy.connect()?);
    }
    for connection in &mut connections {
        ensure!(said(connection, &plain)? == "allow" && said(connection, &admin)? == "allow", "before");
    }

    let strict = policy::changed("claude", "organization: {access: [{path: /admin/, roles: [owner]}]}")?;
    stage.system.change_policy(&strict)?;
    for connection in &mut connections {
        wait::until("the rule is in force", || {
            ensure!(said(connection, &plain)? == "allow", "ada is a member before, meanwhile and after");
            Ok((said(connection, &admin)? == "role_not_allowed").then_some(()))
        })?;
    }

    ensure!(flows(&mut slow)?, "the answer that was under way was cut");
    let stats = stage.system.envoy.stats()?;
    for (name, expected) in [
        ("listener_manager.listener_modified", 0),
        ("listener_manager.total_listeners_draining", 0),
        ("listener_manager.total_listeners_active", 1),
        ("http.usher.downstream_cx_drain_close", 0),
        ("extension_config_discovery.http_filter.usher.config_fail", 0),
    ] {
        ensure!(gauge(&stats, name) == Some(expected), "{name}: {:?}", gauge(&stats, name));
    }
    let reloads = gauge(&stats, "extension_config_discovery.http_filter.usher.config_reload");
    ensure!(reloads == Some(2), "the first filter and the second: {reloads:?}");
    stage.no_filter_died()
}

#[test]
fn a_key_server_that_comes_with_a_new_policy_is_reached_without_a_restart() -> Result<()> {
    KeyRing::Main.jwks()?;
    let base = policy::changed("claude", "connection: {jwks: {remote: {}}}")?;
    let mut stage = RealEnvoy::start_with(&base, &watched())?;
    stage.play("- {login: ada, allow: {role: user, seat_tier: premium}}")?;
    ensure!(!clusters(&stage)?.contains("other-keys::"), "no such cluster yet");

    let moved = policy::changed("claude", "connection: {jwks: {remote: {cluster: other-keys}}}")?;
    let asked = stage.system.key_server.requests().len();
    stage.system.change_policy(&moved)?;
    wait::until("the keys come through the new cluster", || {
        let there = clusters(&stage)?;
        let moved = there.contains("other-keys::") && !there.contains("\nkeys::");
        Ok((moved && stage.system.key_server.requests().len() > asked).then_some(()))
    })?;
    stage.play("- {login: bob, allow: {role: user, seat_tier: premium}}")?;
    stage.no_filter_died()
}

#[test]
fn without_the_filters_file_every_request_is_refused() -> Result<()> {
    let setup = Setup {
        edit_bootstrap: Some(|bootstrap| {
            std::fs::write(watched_filter(bootstrap)?, "resources: []\n")?;
            // Not waiting for it shows what a request gets meanwhile.
            let (place, short) = ("config_source:\n", "initial_fetch_timeout: 0.5s");
            Ok(bootstrap.replace(place, &format!("{place}{:16}{short}\n", "")))
        }),
        ..watched()
    };
    let stage = RealEnvoy::start_with(&policy::changed("claude", "{}")?, &setup)?;
    let response = Request::new("GET", "chat.acme.example", "/").send(local(stage.system.envoy.listen()))?;
    ensure!(response.status == 500 && upstream::saw(&response)?.is_none(), "{}", response.status);
    Ok(())
}

#[test]
fn a_watched_filter_without_its_secret_lets_nobody_in_and_names_the_variable() -> Result<()> {
    let setup = Setup {
        edit_bootstrap: Some(|bootstrap| {
            let file = watched_filter(bootstrap)?;
            let filter = std::fs::read_to_string(&file)?;
            let without =
                filter.replace("host_env_keys: [\"USHER_STORE_TOKEN\"]", "host_env_keys: [\"NOT_SET_ANYWHERE\"]");
            ensure!(without != filter, "the filter asks for no variable");
            std::fs::write(&file, without)?;
            Ok(bootstrap.to_owned())
        }),
        ..watched()
    };
    let mut stage = RealEnvoy::start_with(&policy::changed("claude", "{}")?, &setup)?;
    let request = stage.request_of("{login: ada, pass: true}")?;
    let response = stage.system.envoy.send(&request)?;
    ensure!(response.status >= 500 && upstream::saw(&response)?.is_none(), "{}", response.status);
    let log = stage.system.envoy.log();
    let named = log.lines().any(|line| line.contains("\"event\":\"refused\"") && line.contains("USHER_STORE_TOKEN"));
    ensure!(named, "the variable is named: {log}");
    Ok(())
}

/// The file with the filter, from the bootstrap that watches it.
fn watched_filter(bootstrap: &str) -> Result<std::path::PathBuf> {
    let clusters = bootstrap.lines().find_map(|line| line.split("path: \"").nth(1)?.split('"').next());
    Ok(clusters.context("a watched file")?.replace("usher-clusters", "usher-filter").into())
}

fn clusters(stage: &RealEnvoy) -> Result<String> {
    let response = Request::new("GET", "admin", "/clusters").send(local(stage.system.envoy.admin()))?;
    Ok(String::from_utf8_lossy(&response.body).into_owned())
}

#[test]
fn what_is_the_same_is_not_written_again() -> Result<()> {
    let base: Value = policy::changed("claude", "{}")?;
    let mut stage = RealEnvoy::start_with(&base, &watched())?;
    let file = stage.system.folder().join("watched").join("usher-filter.yaml");
    let before = std::fs::metadata(&file)?.modified()?;
    let first = stage.system.change_policy(&base)?;
    ensure!(std::fs::metadata(&file)?.modified()? == before, "the file was written again");
    let mut shadow = base.clone();
    shadow["enforcement"] = json!("shadow");
    let second = stage.system.change_policy(&shadow)?;
    ensure!(first == second, "the bootstrap is another, though only the policy changed");
    ensure!(std::fs::metadata(&file)?.modified()? != before, "the file was not written");
    Ok(())
}
