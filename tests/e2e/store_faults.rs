//! A store that misbehaves in every way: nobody comes in, nothing hangs, and all is well when it is.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::json;
use usher_tests::policy;
use usher_tests::server::Fault;
use usher_tests::stage::denied;
use usher_tests::stage::envoy::RealEnvoy;
use usher_tests::system::upstream;
use usher_tests::wait;

const LET_IN: &str = "- {login: ada, allow: {role: user, seat_tier: premium}}";

#[test]
fn a_login_is_denied_whatever_the_store_does_instead_of_answering() -> Result<()> {
    let mut stage = RealEnvoy::start(&policy::changed("claude", "options: {store: {timeout: 2s}}")?)?;
    let member = json!({
        "id": "m1", "organization": "acme-chat", "email": "ada@acme.example", "name": null, "role": "owner",
        "seat_tier": "premium", "status": "active", "source": "jit",
    });
    let mut roleless = member.clone();
    roleless["role"] = json!(null);
    let answer = |answer: &str| json!({"answer": answer, "member": member, "position": "1"}).to_string();
    let mut faults = Vec::from(Fault::ALL);
    faults.extend([
        Fault::Wrong(200, String::new()),
        Fault::Wrong(200, "null".to_owned()),
        Fault::Wrong(200, "{}".to_owned()),
        Fault::Wrong(200, json!({"answer": "member", "position": "1"}).to_string()),
        Fault::Wrong(200, json!({"answer": "member", "member": roleless, "position": "1"}).to_string()),
        Fault::Wrong(200, answer("welcome")),
        Fault::Wrong(200, answer("removed")),
        Fault::Wrong(200, answer("kept")),
        Fault::Wrong(200, format!("{}{}", answer("member"), " {}")),
        Fault::Wrong(200, format!("{}{}", answer("member"), " ".repeat(4 << 20))),
        Fault::Wrong(201, answer("member")),
        Fault::Wrong(206, answer("member")),
        Fault::Wrong(302, answer("member")),
        Fault::Wrong(401, answer("member")),
        Fault::Wrong(409, answer("member")),
        Fault::Wrong(503, answer("member")),
    ]);
    for fault in faults {
        stage.system.store_gate.fault(Some(fault.clone()));
        let begun = Instant::now();
        stage.play("- {login: ada, deny: store_unavailable}").with_context(|| format!("{fault:?}"))?;
        // `store.timeout` is two seconds; the rest is for a busy machine.
        ensure!(begun.elapsed() < Duration::from_secs(20), "{fault:?}: answered after {:?}", begun.elapsed());
        stage.system.store_gate.fault(None);
        stage.play(LET_IN)?;
    }
    stage.no_token_was_logged()
}

#[test]
fn while_the_store_hangs_others_are_served() -> Result<()> {
    let patient = "options: {store: {timeout: 10s}, sessions: {max_staleness: 1h}}";
    let mut stage = RealEnvoy::start(&policy::changed("claude", patient)?)?;
    let session = stage.request_of("{login: ada, pass: true}")?;
    let mut connection = stage.system.envoy.connect()?;
    ensure!(connection.send(&session)?.status == 200, "ada logs in");
    stage.system.store_gate.fault(Some(Fault::Hang));
    let login = stage.request_of("{login: bob, pass: true}")?;
    let envoy = stage.system.envoy.address();
    let waiting = std::thread::spawn(move || login.send(envoy));
    wait::until("the store is asked for bob", || Ok((stage.system.logins() == 2).then_some(())))?;
    for _ in 0..20 {
        ensure!(connection.send(&session)?.status == 200, "ada's session goes on");
    }
    stage.system.store_gate.fault(None);
    let Ok(answer) = waiting.join() else { anyhow::bail!("the waiting client died") };
    ensure!(denied(&answer?)?.code() == "store_unavailable", "the hanging call ends without an answer");
    Ok(())
}

#[test]
fn a_session_asks_the_store_nothing_until_it_is_due() -> Result<()> {
    let mut stage = RealEnvoy::start(&policy::changed("claude", "options: {sessions: {max_staleness: 1h}}")?)?;
    let request = stage.request_of("{login: ada, pass: true}")?;
    let mut connection = stage.system.envoy.connect()?;
    for _ in 0..50 {
        let response = connection.send(&request)?;
        ensure!(upstream::saw(&response)?.is_some(), "ada is let in: {}", response.status);
    }
    let logins = stage.system.logins();
    ensure!(logins == 1, "one login is one call, its session none: {logins}");
    Ok(())
}

#[test]
fn a_session_is_checked_again_when_it_is_due() -> Result<()> {
    let mut stage = RealEnvoy::start(&policy::changed("claude", "options: {sessions: {max_staleness: 200ms}}")?)?;
    stage.system.store_gate.fault_at("/v1/changes", Some(Fault::Hang));
    let request = stage.request_of("{login: ada, pass: true}")?;
    let mut connection = stage.system.envoy.connect()?;
    wait::until("the session is checked with the store", || {
        ensure!(connection.send(&request)?.status == 200, "ada is let in");
        Ok((stage.system.logins() >= 3).then_some(()))
    })
}

#[test]
fn between_exp_and_its_tolerance_every_request_is_a_login() -> Result<()> {
    let mut stage = RealEnvoy::start(&policy::base("claude")?)?;
    let request = stage.request_of("{login: ada, exp: -10, pass: true}")?;
    let mut connection = stage.system.envoy.connect()?;
    for _ in 0..5 {
        ensure!(connection.send(&request)?.status == 200, "ada is let in");
    }
    let logins = stage.system.logins();
    ensure!(logins == 5, "{logins} calls for 5 logins");
    Ok(())
}

#[test]
fn sessions_go_on_without_the_store_where_the_policy_lets_them_but_nobody_logs_in() -> Result<()> {
    let offline = "options: {store: {timeout: 2s}, sessions: {max_staleness: 100ms, offline: {keep: 15m}}}";
    let mut stage = RealEnvoy::start(&policy::changed("claude", offline)?)?;
    let session = stage.request_of("{login: ada, pass: true}")?;
    let mut connection = stage.system.envoy.connect()?;
    ensure!(connection.send(&session)?.status == 200, "ada logs in");
    for fault in Fault::ALL {
        stage.system.store_gate.fault(Some(fault.clone()));
        let failed = stage.system.envoy.stat("usher_store_failures")?;
        wait::until("ada's session is checked in vain", || {
            ensure!(connection.send(&session)?.status == 200, "{fault:?}: ada's session goes on");
            Ok((stage.system.envoy.stat("usher_store_failures")? > failed + 1).then_some(()))
        })?;
        let login = stage.request_of("{login: bob, pass: true}")?;
        ensure!(denied(&connection.send(&login)?)?.code() == "store_unavailable", "{fault:?}: bob logs in");
    }
    // What the store says counts again: a removal ends the session.
    stage.system.store_gate.fault(None);
    stage.play("- {remove: ada, members: {}}")?;
    let code = wait::until("ada is out", || {
        let response = connection.send(&session)?;
        Ok(if response.status == 200 { None } else { Some(denied(&response)?.code()) })
    })?;
    ensure!(code == "session_revoked", "ada is told {code}");
    Ok(())
}

#[test]
fn the_filter_says_who_it_is_and_only_to_the_store() -> Result<()> {
    let mut stage = RealEnvoy::start(&policy::base("claude")?)?;
    stage.play(LET_IN)?;
    let requests = stage.system.store_gate.requests();
    let Some(login) = requests.iter().find(|request| request.method == "POST") else {
        anyhow::bail!("the store was not asked")
    };
    let expected = format!("Bearer {}", usher_tests::system::store::STORE_TOKEN);
    ensure!(login.first("authorization") == Some(expected.as_bytes()), "the store's token goes to the store");
    ensure!(login.target == b"/v1/organizations/acme-chat/logins" && login.method == "POST", "{:?}", login.target);
    let upstream = stage.system.upstream.requests();
    let leaked = upstream.iter().any(|request| request.first("authorization").is_some());
    ensure!(!leaked, "the upstream sees no credential");
    Ok(())
}
