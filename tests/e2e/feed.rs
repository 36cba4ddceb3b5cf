//! The change feed through real Envoys: what changes at the store reaches live sessions, and nothing is missed.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use usher_tests::binaries;
use usher_tests::http::{Connection, Request, Response};
use usher_tests::policy;
use usher_tests::server::Fault;
use usher_tests::stage::denied;
use usher_tests::stage::envoy::RealEnvoy;
use usher_tests::system::envoy::Envoy;
use usher_tests::system::store::DIRECTORY_TOKEN;
use usher_tests::system::{Setup, upstream};
use usher_tests::wait;

/// So many connections reach both workers of an Envoy, all but one time in 128.
const CONNECTIONS: usize = 8;

/// Sessions of one person in every worker.
struct Sessions {
    request: Request,
    connections: Vec<Connection>,
}

impl Sessions {
    fn open(stage: &mut RealEnvoy, login: &str, others: &[&Envoy]) -> Result<Self> {
        let request = stage.request_of(login)?;
        let mut connections = Vec::new();
        for envoy in others.iter().copied().chain([&stage.system.envoy]) {
            for _ in 0..CONNECTIONS {
                connections.push(envoy.connect()?);
            }
        }
        Ok(Self { request, connections })
    }

    /// What every connection says: a role, or the reason of a denial. `None` while they say different things.
    fn say(&mut self) -> Result<Option<String>> {
        let mut common: Option<String> = None;
        for connection in &mut self.connections {
            let response = connection.send(&self.request)?;
            let said = match upstream::saw(&response)? {
                Some(headers) => {
                    let role = headers.into_iter().find(|(name, _)| name.eq_ignore_ascii_case("x-usher-role"));
                    role.context("a role")?.1
                }
                // Envoy's own word, where the worker has no filter just now.
                None if response.first("x-usher-reason").is_none() => format!("status {}", response.status),
                None => denied(&response)?.code().to_owned(),
            };
            match &common {
                Some(common) if *common != said => return Ok(None),
                _ => common = Some(said),
            }
        }
        Ok(common)
    }

    fn wait_for(&mut self, expected: &str) -> Result<()> {
        wait::until(&format!("every worker says {expected}"), || {
            Ok(self.say()?.is_some_and(|said| said == expected).then_some(()))
        })
    }

    /// Every worker has a session, so that no request asks the store.
    fn settle(&mut self, stage: &RealEnvoy, expected: &str) -> Result<()> {
        wait::until("every worker has a session", || {
            let asked = stage.system.logins();
            Ok((self.say()?.as_deref() == Some(expected) && stage.system.logins() == asked).then_some(()))
        })
    }
}

fn patch(stage: &RealEnvoy, id: &str, change: &Value) -> Result<()> {
    let path = format!("/v1/organizations/acme-chat/members/{id}");
    let response = stage.system.store.call("PATCH", &path, Some(change))?;
    ensure!(response.status == 200, "{}: {}", response.status, String::from_utf8_lossy(&response.body));
    Ok(())
}

/// A policy under which nothing but the feed changes a session within the time of a test.
fn patient() -> Result<Value> {
    policy::changed("claude", "options: {sessions: {max_staleness: 1h}}")
}

#[test]
fn a_role_changes_in_live_sessions_in_place_and_a_suspension_or_removal_ends_them() -> Result<()> {
    let mut stage = RealEnvoy::start(&patient()?)?;
    let mut ada = Sessions::open(&mut stage, "{login: ada, iat: -50, pass: true}", &[])?;
    let mut bob = Sessions::open(&mut stage, "{login: bob, iat: -50, pass: true}", &[])?;
    ada.settle(&stage, "user")?;
    bob.settle(&stage, "user")?;
    let asked = stage.system.logins();
    for role in ["admin", "owner", "user"] {
        stage.play(&format!("- {{change: ada, role: {role}}}"))?;
        ada.wait_for(role)?;
        ensure!(bob.say()?.as_deref() == Some("user"), "bob is who he was");
    }
    ensure!(stage.system.logins() == asked, "no session asked the store");
    stage.play("- {suspend: ada}")?;
    ada.wait_for("member_suspended")?;
    stage.play("- {remove: bob}")?;
    bob.wait_for("session_revoked")?;
    wait::until("the metrics tell", || {
        let envoy = &stage.system.envoy;
        let told = envoy.stat("usher_feed_changes")? >= 5
            && envoy.stat("usher_sessions_changed")? >= 3
            && envoy.stat("usher_sessions_ended")? >= 2;
        Ok(told.then_some(()))
    })?;
    ensure!(stage.system.envoy.stat("usher_feed_resyncs")? == 0, "{}", stage.system.envoy.stats()?);
    stage.no_token_was_logged()
}

#[test]
fn from_the_stores_word_to_the_last_worker_of_two_envoys() -> Result<()> {
    let mut stage = RealEnvoy::start(&patient()?)?;
    let another = stage.system.another_envoy()?;
    let mut ada = Sessions::open(&mut stage, "{login: ada, iat: -50, pass: true}", &[&another])?;
    ada.settle(&stage, "user")?;
    let id = stage.system.store.id_of("acme-chat", "ada@acme.example")?;
    let mut times = Vec::new();
    for round in 0..50 {
        let role = if round % 2 == 0 { "admin" } else { "user" };
        patch(&stage, &id, &json!({"role": role}))?;
        let acknowledged = Instant::now();
        ada.wait_for(role)?;
        times.push(acknowledged.elapsed());
    }
    tell("a role, in place", &mut times);
    none_went_back(&[&stage.system.envoy, &another])
}

#[test]
fn from_a_deactivation_in_the_directory_to_the_last_worker_of_two_envoys() -> Result<()> {
    let scim = "{options: {sessions: {max_staleness: 1h}}, organization: {provisioning: {mode: scim}}, \
        parent: {directory: {scim: true, token_env: USHER_TEST_SCIM_TOKEN}}}";
    let mut stage = RealEnvoy::start(&policy::changed("claude", scim)?)?;
    let another = stage.system.another_envoy()?;
    let mut times = Vec::new();
    for round in 0..50 {
        let email = format!("p{round}@acme.example");
        let user = json!({"schemas": [USER], "userName": email, "active": true, "emails": [{"value": email, "primary": true}]});
        let made = scim_call(&stage, "POST", "Users", &user)?.body_json()?;
        let id = made.get("id").and_then(Value::as_str).context("an id")?;
        let login = format!("{{login: p{round}, pass: true}}");
        let mut person = Sessions::open(&mut stage, &login, &[&another])?;
        person.settle(&stage, "user")?;
        // As Entra sends it.
        let change = json!({"schemas": [PATCH], "Operations": [{"op": "Replace", "path": "active", "value": "False"}]});
        scim_call(&stage, "PATCH", &format!("Users/{id}"), &change)?;
        let acknowledged = Instant::now();
        person.wait_for("session_revoked")?;
        times.push(acknowledged.elapsed());
    }
    tell("a deactivation by SCIM", &mut times);
    none_went_back(&[&stage.system.envoy, &another])
}

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

fn scim_call(stage: &RealEnvoy, method: &str, path: &str, body: &Value) -> Result<Response> {
    let request = Request::new(method, "store", format!("/scim/v2/acme/{path}")).bearer(DIRECTORY_TOKEN).json(body);
    let response = request.send(stage.system.store.address())?;
    let is_well = (200..300).contains(&response.status);
    ensure!(is_well, "{method} {path}: {} {}", response.status, String::from_utf8_lossy(&response.body));
    Ok(response)
}

fn none_went_back(envoys: &[&Envoy]) -> Result<()> {
    for envoy in envoys {
        ensure!(envoy.stat("usher_feed_resyncs")? == 0, "no session had to go back to the store");
    }
    Ok(())
}

/// Prints the spread of times: how they compare with a second depends on the machine, so it is for people to judge.
fn tell(what: &str, times: &mut [Duration]) {
    times.sort_unstable();
    let at = |percent: usize| {
        times.get((times.len() * percent).div_ceil(100).saturating_sub(1)).copied().unwrap_or_default()
    };
    println!("from the store's answer to every worker, {what}: p50 {:?}, p99 {:?}, most {:?}", at(50), at(99), at(100));
}

#[test]
fn nothing_is_lost_when_the_store_is_killed_and_comes_back() -> Result<()> {
    let mut stage = RealEnvoy::start(&patient()?)?;
    let mut ada = Sessions::open(&mut stage, "{login: ada, iat: -50, pass: true}", &[])?;
    let mut bob = Sessions::open(&mut stage, "{login: bob, iat: -50, pass: true}", &[])?;
    ada.settle(&stage, "user")?;
    bob.settle(&stage, "user")?;
    for role in ["admin", "user", "owner"] {
        // The filter hears of neither while the feed is cut off.
        stage.system.store_gate.fault_at("/v1/changes", Some(Fault::Reset));
        stage.play(&format!("- {{change: ada, role: {role}}}"))?;
        stage.system.restart_store()?;
        ensure!(bob.say()?.as_deref() == Some("user"), "bob's session goes on");
        stage.system.store_gate.fault_at("/v1/changes", None);
        ada.wait_for(role)?;
    }
    ensure!(stage.system.envoy.stat("usher_feed_resyncs")? == 0, "the feed went on where it was");
    Ok(())
}

#[test]
fn a_database_that_was_restored_from_a_copy_is_noticed() -> Result<()> {
    let brief = policy::changed("claude", "options: {sessions: {max_staleness: 8s}}")?;
    let mut stage = RealEnvoy::start(&brief)?;
    let mut ada = Sessions::open(&mut stage, "{login: ada, iat: -50, pass: true}", &[])?;
    ada.settle(&stage, "user")?;
    stage.system.stop_store();
    let copy = stage.system.folder().join("copy");
    std::fs::create_dir(&copy)?;
    for file in stage.system.database_files()? {
        std::fs::copy(&file, copy.join(file.file_name().context("a name")?))?;
    }
    stage.system.restart_store()?;
    stage.play("- {change: ada, role: admin}")?;
    ada.wait_for("admin")?;
    stage.play("- {change: ada, role: owner}")?;
    ada.wait_for("owner")?;
    stage.system.stop_store();
    for file in stage.system.database_files()? {
        std::fs::remove_file(file)?;
    }
    for file in std::fs::read_dir(&copy)? {
        let file = file?.path();
        std::fs::copy(&file, stage.system.folder().join(file.file_name().context("a name")?))?;
    }
    stage.system.restart_store()?;
    // To the restored store ada is a user. No change says so: her sessions are checked.
    ada.wait_for("user")?;
    ensure!(stage.system.envoy.stat("usher_feed_resyncs")? >= 2, "every worker has begun again");
    ensure!(stage.log().contains("feed_failed"), "it is logged");
    // And the feed is followed again from there.
    stage.play("- {change: ada, role: admin}")?;
    ada.wait_for("admin")
}

#[test]
fn a_silent_feed_sends_sessions_back_to_the_store_and_one_that_speaks_does_not() -> Result<()> {
    let brief = policy::changed("claude", "options: {sessions: {max_staleness: 1s}}")?;
    let mut stage = RealEnvoy::start(&brief)?;
    let mut ada = Sessions::open(&mut stage, "{login: ada, iat: -50, pass: true}", &[])?;
    ada.settle(&stage, "user")?;
    for fault in [Fault::Hang, Fault::Garbage, Fault::Error(401), Fault::Slow] {
        stage.system.store_gate.fault_at("/v1/changes", Some(fault.clone()));
        let asked = stage.system.logins();
        wait::until("sessions are checked", || {
            ensure!(ada.say()?.as_deref() == Some("user"), "{fault:?}: ada is let in");
            Ok((stage.system.logins() >= asked + 4).then_some(()))
        })?;
        let role = if fault == Fault::Hang || fault == Fault::Error(401) { "admin" } else { "user" };
        stage.play(&format!("- {{change: ada, role: {role}}}"))?;
        ada.wait_for(role).with_context(|| format!("{fault:?}"))?;
        stage.system.store_gate.fault_at("/v1/changes", None);
        stage.play("- {change: ada, role: user}")?;
        ada.wait_for("user")?;
    }
    wait::until("the feed is young again", || {
        Ok((stage.system.envoy.stat("usher_feed_age_ms")? < 1_000).then_some(()))
    })?;
    // Longer than `max_staleness` and what is added to it: with the feed nobody is checked.
    let (asked, begun) = (stage.system.logins(), Instant::now());
    while begun.elapsed() < Duration::from_secs(3) {
        ensure!(ada.say()?.as_deref() == Some("user"), "ada is let in");
    }
    let checked = stage.system.logins() - asked;
    // A machine that stands still for a second is a feed that is silent for one.
    ensure!(checked <= 2, "{checked} checks though the feed lives");
    Ok(())
}

#[test]
fn without_feed_and_store_sessions_go_on_for_as_long_as_the_policy_says() -> Result<()> {
    let keep = "options: {sessions: {max_staleness: 300ms, offline: {keep: 15m}}}";
    let mut stage = RealEnvoy::start(&policy::changed("claude", keep)?)?;
    let mut ada = Sessions::open(&mut stage, "{login: ada, iat: -50, pass: true}", &[])?;
    ada.settle(&stage, "user")?;
    stage.system.stop_store();
    wait::until("the store is missed", || {
        ensure!(ada.say()?.as_deref() == Some("user"), "ada's session goes on");
        Ok((stage.system.envoy.stat("usher_store_failures")? >= 4).then_some(()))
    })?;
    stage.system.restart_store()?;
    stage.play("- {remove: ada}")?;
    ada.wait_for("session_revoked")?;

    let mut stage = RealEnvoy::start(&policy::changed("claude", "options: {sessions: {max_staleness: 300ms}}")?)?;
    let mut ada = Sessions::open(&mut stage, "{login: ada, iat: -50, pass: true}", &[])?;
    ada.settle(&stage, "user")?;
    stage.system.stop_store();
    ada.wait_for("store_unavailable")?;
    ensure!(ada.say()?.as_deref() == Some("store_unavailable"), "and stays out");
    stage.system.restart_store()?;
    ada.wait_for("user")
}

#[test]
fn who_leaves_before_the_answer_does_not_keep_a_session() -> Result<()> {
    let brief = policy::changed("claude", "options: {store: {timeout: 1m}, sessions: {max_staleness: 300ms}}")?;
    let mut stage = RealEnvoy::start(&brief)?;
    let mut ada = Sessions::open(&mut stage, "{login: ada, iat: -50, pass: true}", &[])?;
    ada.settle(&stage, "user")?;
    stage.system.store_gate.fault_at("/v1/changes", Some(Fault::Hang));
    let polls = stage.system.polls();
    wait::until("the feed is silent", || Ok((stage.system.polls() > polls).then_some(())))?;
    stage.system.store_gate.fault(Some(Fault::Hang));
    stage.play("- {remove: ada}")?;
    // Her sessions are found due by somebody who does not wait for the answer.
    let asked = stage.system.logins();
    wait::until("both workers have asked", || {
        let mut hasty = std::net::TcpStream::connect(stage.system.envoy.address())?;
        std::io::Write::write_all(&mut hasty, &bytes(&ada.request))?;
        Ok((stage.system.logins() >= asked + 2).then_some(()))
    })?;
    wait::until("everybody has left", || {
        let stats = stage.system.envoy.stats()?;
        let mut under_way =
            stats.lines().filter(|line| !line.contains("admin") && line.contains("downstream_rq_active"));
        Ok(under_way.all(|line| line.ends_with(": 0")).then_some(()))
    })?;
    stage.system.store_gate.fault(None);
    let begun = Instant::now();
    ada.wait_for("session_revoked")?;
    // Nobody asked in vain for as long as an answer may take.
    ensure!(begun.elapsed() < Duration::from_secs(40), "after {:?}", begun.elapsed());
    Ok(())
}

fn bytes(request: &Request) -> Vec<u8> {
    let mut bytes = format!("{} ", request.method).into_bytes();
    bytes.extend_from_slice(&request.target);
    bytes.extend_from_slice(b" HTTP/1.1\r\n");
    for (name, value) in &request.headers {
        for part in [&name[..], b": ", value, b"\r\n"] {
            bytes.extend_from_slice(part);
        }
    }
    bytes.extend_from_slice(b"\r\n");
    bytes
}

#[test]
fn a_worker_that_traps_is_replaced_and_nothing_is_missed() -> Result<()> {
    let setup = Setup { filter: Some(binaries::filter_with_trap()?), ..Setup::default() };
    let mut stage = RealEnvoy::start_with(&patient()?, &setup)?;
    let mut ada = Sessions::open(&mut stage, "{login: ada, iat: -50, pass: true}", &[])?;
    ada.settle(&stage, "user")?;
    let trapped = ada.request.clone().header("x-usher-trap", "now");
    for round in 0..4 {
        // Whichever workers these are: sooner or later the one that polls is among them.
        for connection in ada.connections.iter_mut().step_by(1 + round % 2) {
            let response = connection.send(&trapped)?;
            ensure!(response.status == 503, "round {round}: the trapped request gets {}", response.status);
        }
        let role = if round % 2 == 0 { "admin" } else { "user" };
        stage.play(&format!("- {{change: ada, role: {role}}}"))?;
        ada.wait_for(role)?;
    }
    Ok(())
}
