//! What passes through the door arrives whole; what does not pass leaves no trace.

use std::thread;

use anyhow::{Result, bail, ensure};
use usher_tests::server::Fault;
use usher_tests::stage::envoy::RealEnvoy;
use usher_tests::system::{Setup, upstream};
use usher_tests::{binaries, policy, wait};

#[test]
fn a_request_that_is_let_in_arrives_whole() -> Result<()> {
    let cookie = "options: {credentials: {sources: [{cookie: IdToken}]}}";
    let mut stage = RealEnvoy::start(&policy::changed("claude", cookie)?)?;
    for number in 0..2 {
        let mut request =
            stage.request_of("{login: ada, via: cookie IdToken, method: POST, path: '/a//b?c=%2F', pass: true}")?;
        request = request.header("x-of-the-client", "kept").header("authorization", "Basic b2Y6dGhlIHVwc3RyZWFt");
        request.body = vec![b'x'; 200_000 * number];
        let response = stage.system.envoy.send(&request)?;
        let Some(headers) = upstream::saw(&response)? else { bail!("ada is let in: {}", response.status) };
        let value = |wanted: &str| headers.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
        ensure!(value("cookie") == Some("theme=dark"), "the other cookies: {:?}", value("cookie"));
        ensure!(value("x-of-the-client") == Some("kept"), "other headers");
        ensure!(value("authorization").is_some(), "an `authorization` that is no credential here is the upstream's");
        let arrived = stage.system.upstream.requests();
        let Some(last) = arrived.last() else { bail!("the upstream saw it") };
        ensure!(last.method == "POST" && last.target == b"/a//b?c=%2F", "{} {:?}", last.method, last.target);
        ensure!(last.body == request.body, "{} of {} bytes arrived", last.body.len(), request.body.len());
    }
    Ok(())
}

#[test]
fn nothing_of_a_request_arrives_before_its_verdict() -> Result<()> {
    let mut stage = RealEnvoy::start(&policy::changed("claude", "options: {store: {timeout: 10s}}")?)?;
    let mut request = stage.request_of("{login: ada, method: POST, pass: true}")?;
    request.body = vec![b'x'; 30_000];
    stage.system.store_gate.fault(Some(Fault::Hang));
    let envoy = stage.system.envoy.address();
    let client = thread::spawn(move || request.send(envoy));
    wait::until("the store is asked", || Ok((stage.system.store_gate.attempts() > 0).then_some(())))?;
    ensure!(stage.system.upstream.attempts() == 0, "the upstream saw a request without a verdict");
    stage.system.store_gate.fault(None);
    let Ok(answer) = client.join() else { bail!("the client died") };
    ensure!(answer?.status == 503, "the call that hung ends without an answer");
    ensure!(stage.system.upstream.attempts() == 0, "the upstream saw a request that was denied");
    Ok(())
}

/// However Envoy comes to go around the filter: its routes lead to the product only where the filter has said so.
#[test]
fn what_the_filter_has_not_decided_about_goes_nowhere() -> Result<()> {
    let open = |bootstrap: &str| {
        ensure!(bootstrap.contains("failure_policy: FAIL_RELOAD\n"), "a filter that dies is restored");
        let open = bootstrap.replace("failure_policy: FAIL_RELOAD\n", "failure_policy: FAIL_OPEN\n");
        Ok(open.lines().filter(|line| !line.trim_start().starts_with("reload_config:")).collect::<Vec<_>>().join("\n"))
    };
    let filter = Some(binaries::filter_with_trap()?);
    let setup = Setup { filter, edit_bootstrap: Some(open), ..Setup::default() };
    let mut stage = RealEnvoy::start_with(&policy::base("claude")?, &setup)?;
    let good = stage.request_of("{login: ada, pass: true}")?;
    ensure!(stage.system.envoy.send(&good)?.status == 200, "ada is let in");
    let trapped = good.clone().header("x-usher-trap", "now");
    let bare = stage.request_of("{request: without token, pass: true}")?;
    let forged = bare.clone().header("x-usher-organization", "acme-chat").header("x-usher-role", "owner");
    let mut in_a_row = 0;
    wait::until("the filter is dead in every worker", || {
        stage.system.envoy.send(&trapped)?;
        // A dead filter that is open gives no reason.
        let is_dead = stage.system.envoy.send(&bare)?.first("x-usher-reason").is_none();
        in_a_row = if is_dead { in_a_row + 1 } else { 0 };
        Ok((in_a_row >= 16).then_some(()))
    })?;
    let seen = stage.system.upstream.attempts();
    for request in [&good, &bare, &forged, &trapped] {
        for _ in 0..8 {
            let response = stage.system.envoy.send(request)?;
            ensure!(response.status == 503, "answered {}", response.status);
        }
    }
    ensure!(stage.system.upstream.attempts() == seen, "the product saw a request that nobody has decided about");
    Ok(())
}

#[test]
fn a_person_in_very_many_groups_comes_in() -> Result<()> {
    let mapped = "organization: {provisioning: {group_mappings: {roles: [{group: group-1999, role: admin}]}}}";
    let mut stage = RealEnvoy::start(&policy::changed("claude", mapped)?)?;
    let groups: Vec<String> = (0..2000).map(|number| format!("group-{number}")).collect();
    stage
        .play(&format!("- {{login: ada, groups: [{}], allow: {{role: admin, seat_tier: premium}}}}", groups.join(", ")))
}
