//! What tags are for: the examples of `envoy-config/examples/`, each as an operator would run it.

use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use usher_scenario::read;
use usher_scenario::token::KeyRing;
use usher_tests::binaries;
use usher_tests::http::Response;
use usher_tests::stage::envoy::RealEnvoy;
use usher_tests::system::{Setup, upstream};
use usher_tests::wait;

fn folder() -> PathBuf {
    binaries::workspace().join("envoy-config").join("examples")
}

fn example(name: &str) -> Result<String> {
    let file = folder().join(name);
    std::fs::read_to_string(&file).with_context(|| format!("{}", file.display()))
}

/// The examples' policy; the keys are made before anybody waits for them.
fn policy() -> Result<Value> {
    KeyRing::Main.jwks()?;
    Ok(read::policy(&folder().join("usher.yaml"))?)
}

/// The system under the examples' policy, with an example as it stands there but for these replacements.
fn start(name: &str, replacements: &[(&str, &str)]) -> Result<RealEnvoy> {
    let mut additions = example(name)?;
    for (old, new) in replacements {
        ensure!(additions.contains(old), "{name} has no `{old}`");
        additions = additions.replace(old, new);
    }
    RealEnvoy::start_with(&policy()?, &Setup { with: Some(additions), ..Setup::default() })
}

fn saw_it(response: &Response) -> Result<bool> {
    Ok(upstream::saw(response)?.is_some())
}

#[test]
fn who_has_a_lesser_seat_gets_fewer_requests() -> Result<()> {
    let mut stage = start("rate-limit.yaml", &[])?;
    let amy = stage.request_of("{login: amy, organization: acme-chat, groups: [staff, power-users], pass: true}")?;
    let bob = stage.request_of("{login: bob, organization: acme-chat, groups: [staff], pass: true}")?;
    let ida = stage.request_of("{login: ida, organization: globex-chat, pass: true}")?;
    let envoy = &stage.system.envoy;
    for _ in 0..5 {
        ensure!(saw_it(&envoy.send(&bob)?)?, "the first five are bob's");
    }
    // A header of bob's own making changes nothing.
    for request in [bob.clone(), bob.header("x-usher-seat-tier", "premium")] {
        let limited = envoy.send(&request)?;
        ensure!(limited.status == 429 && !saw_it(&limited)?, "{}", limited.status);
        ensure!(limited.first("x-limited-by").as_deref() == Some("seat-tier"), "{:?}", limited.headers);
    }
    for request in [&amy, &ida] {
        for _ in 0..8 {
            ensure!(saw_it(&envoy.send(request)?)?, "those of another tier or organization have their own");
        }
    }
    Ok(())
}

#[test]
fn envoys_own_rbac_asks_for_the_role() -> Result<()> {
    let mut stage = start("rbac.yaml", &[])?;
    let amy = "login: amy, organization: acme-chat, groups: [chat-admins], pass: true";
    let bob = "login: bob, organization: acme-chat, groups: [staff], pass: true";
    for (who, method, path, allowed) in [
        (amy, "POST", "/settings/keys", true),
        (bob, "POST", "/settings/keys", false),
        (bob, "GET", "/settings/keys", true),
        (bob, "POST", "/chat", true),
    ] {
        let request = stage.request_of(&format!("{{{who}, method: {method}, path: {path}}}"))?;
        for request in [request.clone(), request.header("x-usher-role", "owner")] {
            let response = stage.system.envoy.send(&request)?;
            ensure!(saw_it(&response)? == allowed, "{who}: {method} {path}: {}", response.status);
            ensure!(allowed || response.status == 403, "{}", response.status);
        }
    }
    Ok(())
}

#[test]
fn admins_reach_another_server() -> Result<()> {
    let admins = usher_tests::server::Server::start(|_| Response {
        status: 200,
        headers: vec![("x-server".to_owned(), b"admins".to_vec())],
        body: Vec::new(),
    })?;
    let port = format!("port_value: {}", admins.address().port());
    let mut stage = start("routes.yaml", &[("port_value: 8081", &port)])?;
    let amy = stage.request_of("{login: amy, organization: acme-chat, groups: [chat-admins], pass: true}")?;
    let bob = stage.request_of("{login: bob, organization: acme-chat, groups: [staff], pass: true}")?;
    let envoy = &stage.system.envoy;
    for _ in 0..2 {
        let response = envoy.send(&amy)?;
        ensure!(response.first("x-server").as_deref() == Some("admins"), "{}: {:?}", response.status, response.headers);
        for request in [bob.clone(), bob.clone().header("x-usher-role", "admin")] {
            ensure!(saw_it(&envoy.send(&request)?)?, "bob is no admin, whatever he says");
        }
    }
    // Who has no credential reaches neither.
    let mut stranger = bob.header("x-usher-role", "admin");
    stranger.headers.retain(|(name, _)| name != b"authorization");
    let seen = (admins.requests().len(), stage.system.upstream.attempts());
    ensure!(stage.system.envoy.send(&stranger)?.status == 401, "no credentials");
    ensure!(seen == (admins.requests().len(), stage.system.upstream.attempts()), "a stranger came through");
    Ok(())
}

#[test]
fn the_access_log_says_who_in_which_organization_and_role_and_why_not() -> Result<()> {
    let mut stage = RealEnvoy::start(&policy()?)?;
    for step in [
        "{login: amy, organization: acme-chat, groups: [chat-admins, power-users], path: '/who?secret=1'}",
        "{login: bob, organization: acme-chat, groups: [], path: /why-not}",
        "{login: ida, organization: globex-chat, path: /elsewhere}",
    ] {
        let request = stage.request_of(&step.replace('}', ", pass: true}"))?;
        stage.system.envoy.send(&request)?;
    }
    let line = |path: &str| -> Result<Value> {
        wait::until(&format!("the access log tells of {path}"), || {
            let log = stage.system.envoy.log();
            let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            Ok(lines.into_iter().find(|line| line["path"] == path && line.get("status").is_some()))
        })
    };
    let amy = line("/who")?;
    for (field, expected) in [
        ("organization", "acme-chat"),
        ("role", "admin"),
        ("seat_tier", "premium"),
        ("email", "amy@acme.example"),
        ("method", "GET"),
    ] {
        ensure!(amy[field] == expected, "{field}: {amy}");
    }
    ensure!(amy["reason"].is_null() && amy["member"].is_string() && amy["subject"].is_string(), "{amy}");
    let bob = line("/why-not")?;
    ensure!(bob["reason"] == "no_mapped_group" && bob["status"] == 403 && bob["role"].is_null(), "{bob}");
    ensure!(bob["request_id"].is_string(), "{bob}");
    ensure!(line("/elsewhere")?["organization"] == "globex-chat", "the other customer");
    stage.no_token_was_logged()
}

#[test]
fn several_customers_share_a_listener_and_nothing_else() -> Result<()> {
    let mut stage = RealEnvoy::start(&policy()?)?;
    let amy = stage.request_of("{login: amy, organization: acme-chat, groups: [staff], pass: true}")?;
    let ida = stage.request_of("{login: ida, organization: globex-chat, pass: true}")?;
    let organization = |response: &Response| -> Result<Option<String>> {
        let headers = upstream::saw(response)?;
        let of = |headers: Vec<(String, String)>| headers.into_iter().find(|(name, _)| name == "x-usher-organization");
        Ok(headers.and_then(of).map(|(_, value)| value))
    };
    let envoy = &stage.system.envoy;
    ensure!(organization(&envoy.send(&amy)?)?.as_deref() == Some("acme-chat"), "amy is at acme");
    ensure!(organization(&envoy.send(&ida)?)?.as_deref() == Some("globex-chat"), "ida is at globex");
    for (request, host) in [(&amy, "chat.globex.example"), (&ida, "chat.acme.example")] {
        let mut elsewhere = request.clone();
        for (name, value) in &mut elsewhere.headers {
            if name == b"host" {
                *value = host.as_bytes().to_vec();
            }
        }
        let response = envoy.send(&elsewhere)?;
        let reason = response.first("x-usher-reason");
        ensure!(response.status == 401 && reason.as_deref() == Some("unknown_issuer"), "{host}: {reason:?}");
        if saw_it(&response)? {
            bail!("{host}: a token of another customer came through");
        }
    }
    let (acme, globex) = (stage.system.store.members("acme-chat")?, stage.system.store.members("globex-chat")?);
    ensure!(acme.len() == 1 && globex.len() == 1, "{acme:?} {globex:?}");
    Ok(())
}
