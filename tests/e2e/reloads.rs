//! A policy takes the place of another while Envoy serves: what the old one allowed is judged anew, no request is lost, and
//! nothing of the old one stays.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use usher_tests::http::{Client, Request};
use usher_tests::policy;
use usher_tests::server::Fault;
use usher_tests::stage::envoy::RealEnvoy;
use usher_tests::stage::said;
use usher_tests::system::reload::{PolicyFile, Watched};
use usher_tests::wait;

/// How often the policy is replaced; `cargo xtask soak --reloads N` says more.
const RELOADS: usize = 60;

/// So many connections in a row reach both workers, all but one time in 32,768.
const IN_A_ROW: usize = 16;

/// So many organizations make a policy that would be missed: each worker holds about a megabyte of it.
const ORGANIZATIONS: usize = 200;

#[test]
fn the_next_request_is_judged_by_the_policy_that_took_the_others_place() -> Result<()> {
    judged_by_the_new(Watched::Filter)
}

#[test]
fn the_next_connection_is_judged_by_the_policy_of_the_listener_that_took_the_others_place() -> Result<()> {
    judged_by_the_new(Watched::Listener)
}

fn judged_by_the_new(watched: Watched) -> Result<()> {
    let patient = "options: {store: {timeout: 10s}, sessions: {max_staleness: 1h}}";
    let mut stage = RealEnvoy::start(&policy::changed("claude", patient)?)?;
    let (open, closed) = (
        stage.system.policy.clone(),
        filled(&stage, &policy::changed("claude", &format!("{{{patient}, parent: {{domains: [other.example]}}}}"))?)?,
    );
    let mut file = stage.system.watch_policy(watched)?;
    let ada = stage.request_of("{login: ada, pass: true}")?;
    let mut connections = (0..8).map(|_| stage.system.envoy.connect()).collect::<Result<Vec<_>>>()?;
    for connection in &mut connections {
        ensure!(said(&connection.send(&ada)?)? == "user", "ada is let in");
    }

    // Bob's login is under way when the policy changes: he is answered, by the one that he came under.
    let bob = stage.request_of("{login: bob, pass: true}")?;
    let logins = stage.system.logins();
    stage.system.store_gate.fault_at("/v1/organizations", Some(Fault::Hold));
    let envoy = stage.system.envoy.address();
    let waiting = thread::spawn(move || bob.send(envoy));
    wait::until("the store is asked for bob", || Ok((stage.system.logins() > logins).then_some(())))?;
    file.put(&stage.system.envoy, &closed)?;
    stage.system.store_gate.fault_at("/v1/organizations", None);
    let Ok(answer) = waiting.join() else { bail!("bob's client died") };
    ensure!(said(&answer.context("bob is answered")?)? == "user", "bob is let in");

    said_by_all(&stage, &ada, "domain_not_verified")?;
    for connection in &mut connections {
        wait::until("who stayed connected is judged by the new policy too", || {
            let answer = connection.send(&ada);
            match (watched, answer) {
                (Watched::Filter, answer) => {
                    ensure!(said(&answer?)? == "domain_not_verified", "at once");
                    Ok(Some(()))
                }
                // Until the old listener is drained; then the connection ends.
                (Watched::Listener, Ok(answer)) => Ok((said(&answer)? == "domain_not_verified").then_some(())),
                (Watched::Listener, Err(_)) => Ok(Some(())),
            }
        })?;
    }

    let logins = stage.system.logins();
    file.put(&stage.system.envoy, &open)?;
    said_by_all(&stage, &ada, "user")?;
    ensure!(stage.system.logins() > logins, "no session came back with the policy");
    stage.no_filter_died()?;
    stage.no_token_was_logged()
}

#[test]
fn a_role_is_not_kept_by_a_session_when_the_policy_gives_another() -> Result<()> {
    let mapped = |role: &str| {
        let groups = format!("{{provisioning: {{group_mappings: {{roles: [{{group: staff, role: {role}}}]}}}}}}");
        policy::changed("claude", &format!("{{organization: {groups}, options: {{sessions: {{max_staleness: 1h}}}}}}"))
    };
    let mut stage = RealEnvoy::start(&mapped("admin")?)?;
    let mut file = stage.system.watch_policy(Watched::Filter)?;
    let ada = stage.request_of("{login: ada, groups: [staff], pass: true}")?;
    said_by_all(&stage, &ada, "admin")?;
    for role in ["user", "admin", "user"] {
        let policy = filled(&stage, &mapped(role)?)?;
        std::fs::write(stage.system.folder().join("usher.yaml"), policy.to_string())?;
        file.put(&stage.system.envoy, &policy)?;
        // Until the store has read it too, it does not do what it does not know: then nobody is let in.
        said_by_all(&stage, &ada, role)?;
    }
    stage.no_token_was_logged()
}

#[test]
fn a_broken_policy_is_not_put_in_force_and_the_old_one_goes_on() -> Result<()> {
    let mut stage = RealEnvoy::start(&policy::base("claude")?)?;
    let mut file = stage.system.watch_policy(Watched::Filter)?;
    let ada = stage.request_of("{login: ada, pass: true}")?;
    said_by_all(&stage, &ada, "user")?;
    let mut broken = stage.system.policy.clone();
    broken["enforcment"] = json!("shadow");
    file.put_refused(&stage.system.envoy, &broken)?;
    ensure!(stage.system.envoy.log().contains("enforcment"), "the log names the field");
    said_by_all(&stage, &ada, "user")?;
    let nobody = stage.request_of("{request: without token, pass: true}")?;
    said_by_all(&stage, &nobody, "no_credentials")
}

#[test]
fn nothing_of_an_old_policy_stays_and_no_request_is_lost() -> Result<()> {
    let reloads = std::env::var("USHER_SOAK_RELOADS").ok().and_then(|text| text.parse().ok()).unwrap_or(RELOADS);
    // Large policies are read in every thread at once, and a busy machine is no store that does not answer.
    let mut stage = RealEnvoy::start(&policy::changed("claude", "options: {store: {timeout: 10s}}")?)?;
    let mut file = stage.system.watch_policy(Watched::Filter)?;
    let asked = [
        stage.request_of("{login: ada, exp: 86400, pass: true}")?,
        stage.request_of("{request: without token, pass: true}")?,
    ];
    let (is_over, envoy) = (Arc::new(AtomicBool::new(false)), stage.system.envoy.address());
    let clients: Vec<_> = (0..2)
        .map(|_| {
            let (is_over, asked) = (Arc::clone(&is_over), asked.clone());
            thread::spawn(move || client(envoy, &asked, &is_over))
        })
        .collect();
    let memory = replace_often(&stage, &mut file, reloads);
    is_over.store(true, Ordering::Relaxed);
    let mut answered = 0;
    for client in clients {
        let Ok(count) = client.join() else { bail!("a client died") };
        answered += count?;
    }
    let memory = memory?;
    ensure!(answered > reloads, "only {answered} requests: nothing was tested");
    stage.no_filter_died()?;
    nothing_is_left(&stage)?;
    let (early, late) = memory.split_at(memory.len().min(20));
    let (Some(early), Some(late)) = (early.iter().max(), late.iter().max()) else { bail!("too few reloads") };
    println!("{answered} requests, {reloads} reloads; Envoy held {early} KiB, then {late} KiB");
    // Envoy itself keeps some kilobytes of every filter that it had; a policy in three VMs would be megabytes.
    ensure!(*late <= early + 32 * 1024 + 16 * u64::try_from(reloads)?, "Envoy's memory grows: {memory:?} KiB");
    stage.no_token_was_logged()
}

/// Puts a policy in place of the other, so many times; how much memory Envoy then held.
fn replace_often(stage: &RealEnvoy, file: &mut PolicyFile, reloads: usize) -> Result<Vec<u64>> {
    let mut memory = Vec::new();
    for number in 0..reloads {
        file.put(&stage.system.envoy, &large(stage, number)?)?;
        memory.push(stage.system.envoy.memory()?);
    }
    Ok(memory)
}

/// Neither VMs nor workers, neither their sessions nor their timers.
fn nothing_is_left(stage: &RealEnvoy) -> Result<()> {
    let envoy = &stage.system.envoy;
    wait::until("only the sessions of the last policy are left", || {
        Ok((envoy.stat("usher_sessions")? <= 2).then_some(()))
    })?;
    // One that the others are copied from, and one for each thread: two workers and the main one.
    wait::until("only the VMs in use are left", || Ok((envoy.own_stat("wasm.runtime.v8.active")? <= 4).then_some(())))?;
    // A tick every 50 ms in three threads are 60 a second, and there is little else to do; the ticks of 60 old policies would
    // be 500, as many of them fall together.
    wait::until("Envoy is at rest", || {
        let before = envoy.rests()?;
        thread::sleep(Duration::from_secs(1));
        Ok((envoy.rests()? < before + 300).then_some(()))
    })
}

/// The policy of ada's organization among many others, each time another one.
fn large(stage: &RealEnvoy, number: usize) -> Result<Value> {
    let mut policy = stage.system.policy.clone();
    let options = policy.as_object_mut().context("a policy")?;
    options.insert("sessions".to_owned(), json!({"capacity": 1000 + number}));
    let organizations = policy.pointer_mut("/parents/0/organizations").and_then(Value::as_array_mut);
    let organizations = organizations.context("a policy has organizations")?;
    organizations.extend((0..ORGANIZATIONS).map(|number| {
        json!({
            "id": format!("org-{number}"), "product": "claude", "hosts": [format!("org-{number}.acme.example")],
            "provisioning": {"mode": "jit", "group_mappings": {"roles": [
                {"group": format!("admins-of-{number}"), "role": "admin"}, {"group": format!("staff-of-{number}"), "role": "user"},
            ]}},
            "access": [{"path": "/admin/", "roles": ["owner", "admin"]}], "bypass": [{"path": "/healthz"}],
        })
    }));
    Ok(policy)
}

/// Asks until it is over: ada is always let in, nobody never.
fn client(envoy: SocketAddr, [ada, nobody]: &[Request; 2], is_over: &AtomicBool) -> Result<usize> {
    let (mut client, mut count) = (Client::new(envoy), 0);
    while !is_over.load(Ordering::Relaxed) {
        for (request, expected) in [(ada, "user"), (nobody, "no_credentials")] {
            let answer = said(&client.send(request)?)?;
            ensure!(answer == expected, "request {count}: {answer}, not {expected}");
            count += 1;
        }
    }
    Ok(count)
}

fn said_by_all(stage: &RealEnvoy, request: &Request, expected: &str) -> Result<()> {
    let mut in_a_row = 0;
    wait::until(&format!("every worker says {expected}"), || {
        let is_expected = said(&stage.system.envoy.send(request)?)? == expected;
        in_a_row = if is_expected { in_a_row + 1 } else { 0 };
        Ok((in_a_row >= IN_A_ROW).then_some(()))
    })
}

/// A policy with the keys of the stage.
fn filled(stage: &RealEnvoy, policy: &Value) -> Result<Value> {
    usher_scenario::policy::fill_in_keys(policy, Some(stage.system.key_server.address()))
}
