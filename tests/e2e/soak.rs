//! Load, while the store is killed and started again, keys are rotated, the policy is replaced in store and filter, and filters
//! die: nothing passes that should not, nothing is lost beyond what was under way in a filter that died, and memory is flat.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::json;
use usher_scenario::token::KeyRing;
use usher_tests::http::{Client, Request, Response};
use usher_tests::stage::envoy::RealEnvoy;
use usher_tests::system::reload::{PolicyFile, Watched};
use usher_tests::system::{Setup, upstream};
use usher_tests::{binaries, policy, wait};

/// As long as a test may take; `cargo xtask soak` says more.
const SECONDS: u64 = 20;

/// How long all is well between two kinds of trouble.
const PEACE: Duration = Duration::from_secs(2);

/// How long the store is away.
const OUTAGE: Duration = Duration::from_secs(1);

/// Keys that are soon fetched again, sessions that live without the store, and somewhere that not everybody may go.
const POLICY: &str = "{connection: {jwks: {remote: {min_interval: 100ms}}}, organization: {access: [{path: /admin/, roles: [owner]}]}, \
                      options: {store: {timeout: 5s}, sessions: {capacity: 1000, max_staleness: 1m}}}";

/// What a client asks again and again.
struct Asked {
    name: &'static str,
    request: Request,
    /// Whether it may ever pass, and with which role.
    role: Option<&'static str>,
    /// Whether it is to pass whenever nothing is wrong.
    is_owed: bool,
}

/// A request that was lost or refused while a filter was dead: the connection that it came on, by a request of it that is in the
/// log, and which death it was, from 0.
struct Lost {
    connection: String,
    death: usize,
    fault: String,
}

/// What goes wrong: each number counts beginnings and ends, and is even where all is well.
#[derive(Default)]
struct Trouble {
    /// A filter dies: what is under way in it is lost, and so are its sessions.
    deaths: AtomicUsize,
    /// Store or key server are unwell: who has a session goes on with it.
    outages: AtomicUsize,
    /// The policy is replaced: sessions are made anew, and nothing is lost.
    reloads: AtomicUsize,
}

/// The numbers of a moment.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Moment {
    deaths: usize,
    outages: usize,
    reloads: usize,
}

impl Trouble {
    fn now(&self) -> Moment {
        Moment {
            deaths: self.deaths.load(Ordering::SeqCst),
            outages: self.outages.load(Ordering::SeqCst),
            reloads: self.reloads.load(Ordering::SeqCst),
        }
    }
}

impl Moment {
    /// The sessions of a worker are those of a policy and of a filter that has not died.
    fn sessions(self) -> (usize, usize) {
        (self.deaths, self.reloads)
    }
}

#[derive(Default)]
struct Tally {
    is_over: AtomicBool,
    trouble: Trouble,
    asked: AtomicUsize,
    passed: AtomicUsize,
    /// Requests that are owed and were refused or lost, for a reason that counts.
    excused_by_outage: AtomicUsize,
    /// Those for which a death is the reason, if it was one of their own worker.
    lost: Mutex<Vec<Lost>>,
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
    let mut stage = RealEnvoy::start_with(&policy::changed("claude", POLICY)?, &setup)?;
    let mut file = stage.system.watch_policy(Watched::Filter)?;
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
    let outcome = make_trouble(&mut stage, &mut file, &tally, Duration::from_secs(seconds));
    tally.is_over.store(true, Ordering::Relaxed);
    for thread in threads {
        if thread.join().is_err() {
            bail!("a client died");
        }
    }
    let wrong = tally.wrong.lock().unwrap_or_else(PoisonError::into_inner);
    ensure!(wrong.is_empty(), "{} answers were wrong: {:#?}", wrong.len(), wrong.iter().take(20).collect::<Vec<_>>());
    outcome?;
    let [asked, passed, outage] =
        [&tally.asked, &tally.passed, &tally.excused_by_outage].map(|n| n.load(Ordering::Relaxed));
    let Moment { deaths, outages, reloads } = tally.trouble.now();
    let lost = tally.lost.lock().unwrap_or_else(PoisonError::into_inner);
    let death = lost.len();
    in_their_worker(&stage.system.envoy.log(), &lost, deaths / 2)?;
    ensure!(!stage.system.store.log().contains("panicked"), "the store panicked");
    println!(
        "{asked} requests, {passed} passed; {} traps, {} outages, {} reloads",
        deaths / 2,
        outages / 2,
        reloads / 2
    );
    println!(
        "of those who should have passed, {death} fell with a filter, {outage} came without a session in an outage"
    );
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

fn load(envoy: SocketAddr, asked: &[Asked], tally: &Tally, number: usize) {
    let mut client = Client::new(envoy);
    let mut connection = String::new();
    // Who passed on this connection has a session in its worker, as long as nothing happens to that.
    let mut sessions = HashMap::new();
    let mut turn = number;
    while !tally.is_over.load(Ordering::Relaxed) {
        turn += 1;
        let Some(ask) = asked.get(turn % asked.len()) else { continue };
        if client.is_apart() {
            sessions.clear();
            // Whoever is refused is in the log, under a name that the answer has, and by the thread that refused.
            let Some(name) = asked.last().and_then(|nobody| name_of(&client.send(&nobody.request).ok()?)) else {
                continue;
            };
            connection = name;
            if client.is_apart() {
                continue;
            }
        }
        let before = tally.trouble.now();
        let answer = client.send(&ask.request);
        let after = tally.trouble.now();
        let is_dying = before.deaths % 2 == 1 || before.deaths != after.deaths;
        let has_session = sessions.get(ask.name) == Some(&before.sessions()) && before.sessions() == after.sessions();
        let is_unwell = before.outages % 2 == 1 || before.outages != after.outages;
        tally.asked.fetch_add(1, Ordering::Relaxed);
        let fault = match answer.and_then(|response| judge(ask, &response)) {
            Ok(Verdict::Passed) => {
                tally.passed.fetch_add(1, Ordering::Relaxed);
                sessions.insert(ask.name, before.sessions());
                None
            }
            Ok(Verdict::Refused(_)) if !ask.is_owed => None,
            Ok(Verdict::Wrong(fault)) => Some(fault),
            outcome @ (Ok(Verdict::Refused(_)) | Err(_)) if is_dying => {
                let fault = match outcome {
                    Ok(Verdict::Refused(how)) => how,
                    _ => "no answer".to_owned(),
                };
                let lost =
                    Lost { connection: connection.clone(), death: before.deaths.max(after.deaths - 1) / 2, fault };
                tally.lost.lock().unwrap_or_else(PoisonError::into_inner).push(lost);
                None
            }
            // A session rests on its key: while the provider has others, it is over.
            Ok(Verdict::Refused(how)) if is_unwell && (!has_session || how.contains("unknown_key")) => {
                tally.excused_by_outage.fetch_add(1, Ordering::Relaxed);
                None
            }
            Ok(Verdict::Refused(how)) => Some(how),
            Err(error) => Some(format!("no answer: {error:#}")),
        };
        if let Some(fault) = fault {
            let mut wrong = tally.wrong.lock().unwrap_or_else(PoisonError::into_inner);
            if wrong.len() < 1000 {
                wrong.push(format!("{}: {fault}", ask.name));
            }
        }
    }
}

/// The request id that a refusal tells.
fn name_of(response: &Response) -> Option<String> {
    response.body_json().ok()?.get("request_id")?.as_str().map(str::to_owned)
}

/// Every trap is one death of one filter, and each request that was lost with one was in the same worker: Envoy writes the thread
/// that speaks into each line.
fn in_their_worker(log: &str, lost: &[Lost], traps: usize) -> Result<()> {
    let threads = |words: &str| -> Vec<(&str, &str)> {
        let lines = log.lines().filter(|line| line.contains(words));
        lines.filter_map(|line| Some((line.split("][").nth(1)?, line))).collect()
    };
    let deaths = threads("panicked at ");
    ensure!(deaths.len() == traps, "{} filters died of {traps} traps", deaths.len());
    let refusals: HashMap<&str, &str> = threads("{\"event\":\"denial\"")
        .into_iter()
        .filter_map(|(thread, line)| Some((line.split_once("\"request_id\":\"")?.1.split_once('"')?.0, thread)))
        .collect();
    for Lost { connection, death, fault } in lost {
        let thread = refusals.get(connection.as_str()).with_context(|| format!("no worker of {connection}"))?;
        let (died, _) = deaths.get(*death).context("a death")?;
        ensure!(thread == died, "death {death}, of worker {died}, was felt in worker {thread}: {fault}");
    }
    Ok(())
}

/// What became of a request.
enum Verdict {
    Passed,
    Refused(String),
    /// It passed, and should not have, or not so. Nothing excuses that.
    Wrong(String),
}

fn judge(ask: &Asked, response: &Response) -> Result<Verdict> {
    let Some(headers) = upstream::saw(response)? else {
        return Ok(Verdict::Refused(format!("refused: {} {:?}", response.status, response.first("x-usher-reason"))));
    };
    let role = headers.iter().find(|(name, _)| name == "x-usher-role").map(|(_, value)| value.as_str());
    Ok(match ask.role.is_some() && role == ask.role {
        true => Verdict::Passed,
        false => Verdict::Wrong(format!("passed as {role:?}")),
    })
}

/// One kind of trouble after the other, each made good again; between them, everything is owed.
fn make_trouble(stage: &mut RealEnvoy, file: &mut PolicyFile, tally: &Tally, length: Duration) -> Result<()> {
    let begun = Instant::now();
    let good = stage.request_of("{login: ada, exp: 86400, pass: true}")?;
    let trouble = &tally.trouble;
    let (mut memory, mut of_store) = (Vec::new(), Vec::new());
    let mut round = 0_usize;
    while begun.elapsed() < length {
        let counted = match round % 4 {
            0 | 1 => &trouble.outages,
            2 => &trouble.reloads,
            _ => &trouble.deaths,
        };
        counted.fetch_add(1, Ordering::SeqCst);
        match round % 4 {
            0 => {
                stage.system.stop_store();
                std::thread::sleep(OUTAGE);
                stage.system.restart_store()?;
            }
            1 => rotate_keys(stage)?,
            2 => replace_policy(stage, file, round)?,
            _ => drop(stage.system.envoy.send(&good.clone().header("x-usher-trap", "now"))),
        }
        well(stage, &good)?;
        counted.fetch_add(1, Ordering::SeqCst);
        std::thread::sleep(PEACE.min(length.saturating_sub(begun.elapsed())));
        memory.push(stage.system.envoy.memory()?);
        of_store.push(stage.system.store.memory()?);
        round += 1;
    }
    flat("Envoy", &memory)?;
    flat("the store", &of_store)
}

/// The provider signs with other keys, and then with the first ones again: each time a login finds that they are not known.
fn rotate_keys(stage: &mut RealEnvoy) -> Result<()> {
    for (ring, key) in [(KeyRing::Next, "next"), (KeyRing::Main, "main")] {
        *stage.system.keys.lock().unwrap_or_else(PoisonError::into_inner) = ring;
        wait::until("the keys are known", || {
            // Another token each time: the session of one would need no key.
            let login = stage.request_of(&format!("{{login: ada, key: {key}, exp: 3600, pass: true}}"))?;
            Ok((stage.system.envoy.send(&login)?.status == 200).then_some(()))
        })?;
    }
    Ok(())
}

/// Store and filter get another policy, under which the same people may do the same.
fn replace_policy(stage: &RealEnvoy, file: &mut PolicyFile, round: usize) -> Result<()> {
    let mut policy = stage.system.policy.clone();
    *policy.pointer_mut("/sessions/capacity").context("the policy says how many sessions")? = json!(1000 + round);
    // Who may go where owners go is another each time, and never the user who asks.
    let roles = if round.is_multiple_of(8) { json!(["owner"]) } else { json!(["owner", "admin"]) };
    *policy.pointer_mut("/parents/0/organizations/0/access/0/roles").context("the policy has a rule")? = roles;
    std::fs::write(stage.system.folder().join("usher.yaml"), policy.to_string())?;
    file.put(&stage.system.envoy, &policy)
}

/// Waits until every worker lets ada in, many times in a row.
fn well(stage: &RealEnvoy, good: &Request) -> Result<()> {
    let mut in_a_row = 0;
    wait::until("all is well again", || {
        let passed = stage.system.envoy.send(good).is_ok_and(|response| response.status == 200);
        in_a_row = if passed { in_a_row + 1 } else { 0 };
        Ok((in_a_row >= 24).then_some(()))
    })
}

/// The second half of the time needs hardly more than the first did at its end.
fn flat(whose: &str, memory: &[u64]) -> Result<()> {
    let (early, late) = memory.split_at(memory.len() / 2);
    let (Some(early), Some(late)) = (early.iter().max(), late.iter().max()) else { return Ok(()) };
    println!("{whose} held {early} KiB, then {late} KiB, over {} rounds", memory.len());
    let allowed = early.checked_mul(5).context("as much memory as no machine has")? / 4;
    ensure!(*late <= allowed, "the memory of {whose} grows: {memory:?} KiB");
    Ok(())
}
