//! Neighbours that do worse than not to answer: they flood, send elsewhere, or answer what another asked.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use usher_scenario::token::KeyRing;
use usher_tests::http::{Connection, Request, Response};
use usher_tests::policy;
use usher_tests::server::{Fault, Server};
use usher_tests::stage::denied;
use usher_tests::stage::envoy::RealEnvoy;
use usher_tests::system::store::STORE_TOKEN;
use usher_tests::system::upstream;

const LET_IN: &str = "- {login: ada, allow: {role: user, seat_tier: premium}}";

#[test]
fn an_answer_about_somebody_else_lets_nobody_in() -> Result<()> {
    let mut stage = RealEnvoy::start(&policy::changed("claude", "options: {sessions: {max_staleness: 200ms}}")?)?;
    stage.play(LET_IN)?;
    let genuine = genuine_answer(&stage)?;
    let session = stage.request_of("{again: ada, pass: true}")?;
    for (field, value) in [
        ("organization", json!("globex-chat")),
        ("organization", json!(null)),
        ("subject", json!("eve")),
        ("issuer", json!("https://evil.example")),
    ] {
        let mut answer = genuine.clone();
        let member = answer.get_mut("member").and_then(Value::as_object_mut).context("an answer has a member")?;
        member.insert(field.to_owned(), value.clone());
        stage.system.store_gate.fault(Some(Fault::Wrong(200, answer.to_string())));
        stage.play("- {login: ada, deny: store_unavailable}").with_context(|| format!("{field}: {value}"))?;
        // A session that is due is confirmed by nobody else's answer either.
        usher_tests::wait::until("the session is due", || {
            let response = stage.system.envoy.send(&session)?;
            Ok(upstream::saw(&response)?.is_none().then_some(()))
        })?;
        stage.system.store_gate.fault(None);
        stage.play(LET_IN)?;
    }
    stage.system.store_gate.fault(Some(Fault::Wrong(200, genuine.to_string())));
    stage.play("- {login: bob, deny: store_unavailable}").context("ada's answer for bob")?;
    stage.no_filter_died()
}

#[test]
fn a_gigabyte_from_store_or_key_server_is_neither_read_nor_kept() -> Result<()> {
    keys_are_made()?;
    let remote = "connection: {jwks: {remote: {min_interval: 100ms, timeout: 500ms}}}";
    let mut stage = RealEnvoy::start(&policy::changed("claude", remote)?)?;
    stage.play(LET_IN)?;
    let before = stage.system.envoy.memory()?;
    stage.system.store_gate.fault(Some(Fault::Flood));
    stage.system.key_server.fault(Some(Fault::Flood));
    for _ in 0..3 {
        stage.play("- {login: ada, deny: store_unavailable}\n- {login: ada, key: next, deny: unknown_key}")?;
        let held = stage.system.envoy.memory()?.saturating_sub(before);
        ensure!(held < 200 * 1024, "Envoy holds {held} KiB more");
    }
    stage.system.store_gate.fault(None);
    stage.system.key_server.fault(None);
    stage.play(LET_IN)?;
    stage.no_filter_died()
}

#[test]
fn nobody_goes_where_a_neighbour_sends_them() -> Result<()> {
    keys_are_made()?;
    let remote = "connection: {jwks: {remote: {min_interval: 100ms}}}";
    let elsewhere = Server::start(|_: &Request| Response::json(200, &json!({"answer": "member", "keys": []})))?;
    let mut stage = RealEnvoy::start(&policy::changed("claude", remote)?)?;
    stage.play(LET_IN)?;
    let redirect = Fault::Redirect(format!("http://{}/", elsewhere.address()));
    stage.system.store_gate.fault(Some(redirect.clone()));
    stage.system.key_server.fault(Some(redirect));
    stage.play("- {login: ada, deny: store_unavailable}\n- {login: ada, key: next, deny: unknown_key}")?;
    ensure!(elsewhere.attempts() == 0, "somebody went there");
    stage.system.store_gate.fault(None);
    stage.play(LET_IN)
}

/// A worker whose filter traps is not the other: each makes good for itself, as often as it comes.
#[test]
fn traps_in_one_worker_leave_the_other_serving_and_let_nobody_in() -> Result<()> {
    let setup = usher_tests::system::Setup {
        filter: Some(usher_tests::binaries::filter_with_trap()?),
        ..usher_tests::system::Setup::default()
    };
    // Nothing but a trap ends a session here. Who follows the feed in place of a worker that died has sessions checked once
    // more, which is no login; on a busy machine the store takes long to answer.
    let options = "options: {store: {timeout: 10s}, sessions: {max_staleness: 1h}}";
    let mut stage = RealEnvoy::start_with(&policy::changed("claude", options)?, &setup)?;
    let [mut trapping, mut others] = by_worker(&mut stage)?;
    let good = stage.request_of("{login: ada, pass: true}")?;
    let bare = Request::new("GET", "chat.acme.example", "/");
    let trapped = good.clone().header("x-usher-trap", "now");
    let is_served = |response: &Response| -> Result<bool> {
        let Some(headers) = upstream::saw(response)? else { return Ok(false) };
        ensure!(headers.iter().any(|(name, _)| name == "x-usher-role"), "passes without tags");
        Ok(true)
    };
    let other = others.first_mut().context("a connection of the other worker")?;
    ensure!(is_served(&other.send(&good)?)?, "ada is let in");
    let died = |stage: &RealEnvoy| stage.system.envoy.log().matches("panicked").count();
    // Envoy makes a filter anew only some time after the last: until then there is none that could trap.
    let began = std::time::Instant::now();
    let mut round = 0;
    while round < 20 || (died(&stage) < 2 && began.elapsed() < usher_tests::wait::PATIENCE) {
        round += 1;
        let (first, beside) = trapping.split_first_mut().context("a connection of the one worker")?;
        let response = first.send(&trapped)?;
        ensure!(upstream::saw(&response)?.is_none(), "a request whose filter trapped passes");
        let logins = logged_in(&stage);
        ensure!(logins > 1, "each worker's login is told of: {logins}");
        for connection in &mut others {
            ensure!(upstream::saw(&connection.send(&bare)?)?.is_none(), "a request without a token passes");
            let response = connection.send(&good)?;
            ensure!(is_served(&response)?, "trap {round} is felt in the other worker: {}", response.status);
        }
        ensure!(logged_in(&stage) == logins, "trap {round} has taken the sessions of the other worker");
        for connection in beside {
            ensure!(upstream::saw(&connection.send(&bare)?)?.is_none(), "a request without a token passes");
            is_served(&connection.send(&good)?)?;
        }
    }
    ensure!(died(&stage) > 1, "only {} filters died", died(&stage));
    let mut connections: Vec<_> = trapping.into_iter().chain(others).collect();
    usher_tests::wait::until("every worker serves again", || {
        let mut all = true;
        for connection in &mut connections {
            all &= connection.send(&good)?.status == 200;
        }
        Ok(all.then_some(()))
    })?;
    stage.no_token_was_logged()
}

/// How many logins the filter has told of, in both workers.
fn logged_in(stage: &RealEnvoy) -> usize {
    stage.system.envoy.log().matches("{\"event\":\"login\"").count()
}

#[test]
fn a_flood_of_denials_is_logged_in_bounded_lines() -> Result<()> {
    let stage = RealEnvoy::start(&policy::base("claude")?)?;
    let mut connection = stage.system.envoy.connect()?;
    let long = "A".repeat(20_000);
    let request = Request::new("GET", "chat.acme.example", format!("/{}", "p".repeat(2000)))
        .bearer(&format!("{long}.{long}.{long}"))
        .header("x-request-id", "r".repeat(8000))
        .header("user-agent", "u".repeat(8000));
    for _ in 0..200 {
        ensure!(denied(&connection.send(&request)?)?.code() == "malformed_token", "refused for what it is");
    }
    usher_tests::wait::until("all of it is logged", || {
        Ok((stage.system.envoy.log().matches("malformed_token").count() >= 400).then_some(()))
    })?;
    let log = stage.system.envoy.log();
    let longest = log.lines().map(str::len).max().unwrap_or_default();
    ensure!(longest < 4096, "a line of {longest} bytes");
    // Envoy's own line has the path as it came; what the filter says of it is cut. Both go to one place, where a line of the
    // one may stand within a line of the other: what counts is the object.
    let denials = log.split("{\"event\":\"denial\"").skip(1);
    let denial = denials.map(|rest| rest.find('}').unwrap_or(rest.len())).max().unwrap_or_default();
    ensure!((1..1024).contains(&denial), "a denial of {denial} bytes");
    ensure!(log.len() < 200 * 2 * 4096, "{} bytes for 200 denials", log.len());
    ensure!(!log.contains("AAAAAAAAAAAAAAAAAAAAAAAA"), "a token was logged");
    Ok(())
}

/// Connections to the one worker and to the other, at least three each.
fn by_worker(stage: &mut RealEnvoy) -> Result<[Vec<Connection>; 2]> {
    let mut workers = [vec![stage.system.envoy.connect()?], Vec::new()];
    for _ in 0..200 {
        let [one, other] = &mut workers;
        if one.len() >= 3 && other.len() >= 3 {
            return Ok(workers);
        }
        let mut connection = stage.system.envoy.connect()?;
        // A worker asks the store about a login once: whoever meets the session of the first connection is in its worker.
        let login = stage.request_of("{login: ada, pass: true}")?;
        let first = one.first_mut().context("the first connection")?;
        ensure!(first.send(&login)?.status == 200, "ada is let in");
        let before = stage.system.logins();
        ensure!(connection.send(&login)?.status == 200, "ada is let in");
        if stage.system.logins() == before { one.push(connection) } else { other.push(connection) }
    }
    anyhow::bail!("connections to one worker alone")
}

/// RSA keys take seconds to make, in which a key server would be too slow for the filter.
fn keys_are_made() -> Result<()> {
    [KeyRing::Main, KeyRing::Next].into_iter().try_for_each(|ring| ring.jwks().map(drop))
}

/// What the store itself answers to ada's login.
fn genuine_answer(stage: &RealEnvoy) -> Result<Value> {
    let requests = stage.system.store_gate.requests();
    let login = requests.iter().rfind(|request| request.target.ends_with(b"/logins")).context("a login")?;
    let asked = Request::new("POST", "store", login.target.clone()).bearer(STORE_TOKEN);
    let response = asked.json(&serde_json::from_slice(&login.body)?).send(stage.system.store.address())?;
    response.body_json()
}
