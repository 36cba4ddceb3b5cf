//! Load, while the store is killed and started again, keys are rotated, the policy is written anew, Envoy is reloaded in part by
//! traps: nothing passes that should not, nothing is lost beyond what was under way, and memory is flat.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use usher_scenario::token::KeyRing;
use usher_tests::binaries;
use usher_tests::http::{Connection, Request, Response};
use usher_tests::policy;
use usher_tests::stage::envoy::RealEnvoy;
use usher_tests::system::{Setup, upstream};

/// As long as a test may take; `cargo xtask soak` says more.
const SECONDS: u64 = 15;

/// How long one round of trouble lasts.
const ROUND: Duration = Duration::from_secs(3);

/// What a client asks again and again.
struct Asked {
    name: &'static str,
    request: Request,
    /// Whether it may ever pass, and with which role.
    role: Option<&'static str>,
    /// Whether it is to pass whenever nothing is wrong.
    is_owed: bool,
}

#[derive(Default)]
struct Tally {
    is_over: AtomicBool,
    /// Counts the beginnings and the ends of trouble: even where all is well. A request that saw another number at its end
    /// was under way when something went wrong, and may be lost.
    troubles: AtomicUsize,
    asked: AtomicUsize,
    passed: AtomicUsize,
    wrong: Mutex<Vec<String>>,
}

#[test]
fn nothing_gets_past_and_nothing_is_lost() -> Result<()> {
    let seconds = std::env::var("USHER_SOAK_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(SECONDS);
    // RSA keys take seconds to make, in which a key server would be too slow for the filter.
    for ring in [KeyRing::Main, KeyRing::Next] {
        ring.jwks()?;
    }
    let setup = Setup { filter: Some(binaries::filter_with_trap()?), ..Setup::default() };
    let changes = "{connection: {jwks: {remote: {min_interval: 100ms}}}, organization: {access: [{path: /admin/, roles: [owner]}]}, \
                   options: {sessions: {capacity: 1000}}}";
    let mut stage = RealEnvoy::start_with(&policy::changed("claude", changes)?, &setup)?;
    stage.play("- {login: eve, iat: -100, allow: {role: user, seat_tier: premium}}\n- {remove: eve, members: {}}")?;
    let asked = Arc::new(clients(&mut stage)?);
    let tally = Arc::new(Tally::default());
    let envoy = stage.system.envoy.address();
    let threads: Vec<_> = (0..4)
        .map(|number| {
            let (asked, tally) = (Arc::clone(&asked), Arc::clone(&tally));
            std::thread::spawn(move || load(envoy, &asked, &tally, number))
        })
        .collect();
    let outcome = trouble(&mut stage, &tally, Duration::from_secs(seconds));
    tally.is_over.store(true, Ordering::Relaxed);
    for thread in threads {
        if thread.join().is_err() {
            bail!("a client died");
        }
    }
    outcome?;
    let wrong = tally.wrong.lock().unwrap_or_else(PoisonError::into_inner);
    ensure!(wrong.is_empty(), "{} answers were wrong: {:#?}", wrong.len(), wrong.iter().take(20).collect::<Vec<_>>());
    let (asked, passed) = (tally.asked.load(Ordering::Relaxed), tally.passed.load(Ordering::Relaxed));
    println!("{asked} requests, {passed} passed");
    ensure!(passed > 100, "only {passed} of {asked} passed: nothing was tested");
    stage.no_token_was_logged()
}

/// Who should pass, and who never.
fn clients(stage: &mut RealEnvoy) -> Result<Vec<Asked>> {
    let mut asked = Vec::new();
    for (name, step, role, is_owed) in [
        ("ada", "{login: ada, exp: 86400, pass: true}", Some("user"), true),
        ("bob", "{login: bob, exp: 86400, alg: ES256, pass: true}", Some("user"), true),
        ("carol", "{login: carol, exp: 86400, alg: RS256, pass: true}", Some("user"), true),
        ("ada, where owners go", "{login: ada, exp: 86400, path: /admin/, pass: true}", None, false),
        ("the removed", "{login: eve, iat: -200, exp: 86400, pass: true}", None, false),
        ("the expired", "{login: ada, exp: -4000, pass: true}", None, false),
        ("a stranger's key", "{login: ada, key: stranger, kid: main-ed25519, pass: true}", None, false),
        ("no signature", "{login: ada, forge: alg_none, pass: true}", None, false),
        ("a forgery", "{login: ada, forge: changed_claims, pass: true}", None, false),
        ("nobody", "{request: without token, pass: true}", None, false),
    ] {
        asked.push(Asked { name, request: stage.request_of(step)?, role, is_owed });
    }
    Ok(asked)
}

fn load(envoy: std::net::SocketAddr, asked: &[Asked], tally: &Tally, number: usize) {
    let mut connection: Option<Connection> = None;
    let mut turn = number;
    while !tally.is_over.load(Ordering::Relaxed) {
        turn += 1;
        let Some(ask) = asked.get(turn % asked.len()) else { continue };
        let before = tally.troubles.load(Ordering::SeqCst);
        let answer = match connection.as_mut() {
            Some(open) => open.send(&ask.request),
            None => Connection::open(envoy).and_then(|open| connection.insert(open).send(&ask.request)),
        };
        let is_troubled = before % 2 == 1 || tally.troubles.load(Ordering::SeqCst) != before;
        tally.asked.fetch_add(1, Ordering::Relaxed);
        let fault = match answer {
            Ok(response) => judge(ask, &response, is_troubled, tally),
            Err(error) => {
                connection = None;
                (!is_troubled).then(|| format!("no answer: {error:#}"))
            }
        };
        if let Some(fault) = fault {
            let mut wrong = tally.wrong.lock().unwrap_or_else(PoisonError::into_inner);
            if wrong.len() < 1000 {
                wrong.push(format!("{}: {fault}", ask.name));
            }
        }
    }
}

/// What is wrong with an answer. Trouble excuses a denial; nothing excuses a pass.
fn judge(ask: &Asked, response: &Response, is_troubled: bool, tally: &Tally) -> Option<String> {
    let headers = match upstream::saw(response) {
        Ok(Some(headers)) => headers,
        Ok(None) if ask.is_owed && !is_troubled => {
            return Some(format!("refused: {} {:?}", response.status, response.first("x-usher-reason")));
        }
        Ok(None) => return None,
        Err(error) => return Some(format!("{error:#}")),
    };
    tally.passed.fetch_add(1, Ordering::Relaxed);
    let role = headers.iter().find(|(name, _)| name == "x-usher-role").map(|(_, value)| value.as_str());
    (ask.role.is_none() || role != ask.role).then(|| format!("passed as {role:?}"))
}

/// One kind of trouble after the other, each made good again; between them, everything is owed.
fn trouble(stage: &mut RealEnvoy, tally: &Tally, length: Duration) -> Result<()> {
    let begun = Instant::now();
    let good = stage.request_of("{login: ada, exp: 86400, pass: true}")?;
    let policy_file = stage.system.folder().join("usher.yaml");
    let mut memory = Vec::new();
    let mut round = 0_usize;
    while begun.elapsed() < length {
        tally.troubles.fetch_add(1, Ordering::SeqCst);
        match round % 4 {
            0 => stage.system.restart_store()?,
            1 => {
                for ring in [KeyRing::Next, KeyRing::Main] {
                    *stage.system.keys.lock().unwrap_or_else(PoisonError::into_inner) = ring;
                    let mut login = stage.request_of("{login: ada, exp: 86400, pass: true}")?;
                    login.headers.push((b"x-round".to_vec(), round.to_string().into_bytes()));
                    stage.system.envoy.send(&login)?;
                }
            }
            2 => {
                let text = std::fs::read_to_string(&policy_file)?;
                std::fs::write(&policy_file, format!("{}\n", text.trim_end()))?;
            }
            _ => drop(stage.system.envoy.send(&good.clone().header("x-usher-trap", "now"))),
        }
        well(stage, &good)?;
        tally.troubles.fetch_add(1, Ordering::SeqCst);
        std::thread::sleep(ROUND.min(length.saturating_sub(begun.elapsed())));
        memory.push(stage.system.envoy.memory()?);
        round += 1;
    }
    flat(&memory)
}

/// Waits until every worker lets ada in, many times in a row.
fn well(stage: &RealEnvoy, good: &Request) -> Result<()> {
    let mut in_a_row = 0;
    usher_tests::wait::until("all is well again", || {
        let passed = stage.system.envoy.send(good).is_ok_and(|response| response.status == 200);
        in_a_row = if passed { in_a_row + 1 } else { 0 };
        Ok((in_a_row >= 24).then_some(()))
    })
}

/// The second half of the time needs hardly more than the first did at its end.
fn flat(memory: &[u64]) -> Result<()> {
    let (early, late) = memory.split_at(memory.len() / 2);
    let (Some(early), Some(late)) = (early.iter().max(), late.iter().max()) else { return Ok(()) };
    println!("Envoy held {early} KiB, then {late} KiB, over {} rounds", memory.len());
    let allowed = early.checked_mul(5).context("as much memory as no machine has")? / 4;
    ensure!(*late <= allowed, "Envoy's memory grows: {memory:?} KiB");
    Ok(())
}
