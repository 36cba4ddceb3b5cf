//! Very many requests that wait for one thing, in one worker: all of them are answered when it comes, and Envoy lives on. What
//! it does for each is done on one stack, one inside the other where the filter lets too many go on at once.

use std::sync::{Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use usher_scenario::token::KeyRing;
use usher_tests::http::{Request, Response};
use usher_tests::policy;
use usher_tests::server::Fault;
use usher_tests::stage::denied;
use usher_tests::stage::envoy::RealEnvoy;
use usher_tests::system::{Setup, upstream};
use usher_tests::wait;

/// So many wait: a third more than the stack has room for when they are turned away at once.
const CROWD: usize = 440;

/// So many come to eight workers.
const MANY: usize = 600;

/// So many wait for a turn, of whom only some can have one while they do.
const TURNS: usize = 150;

/// So late comes an answer that takes nearly as long as it may, which is 20 seconds.
const LATE: Duration = Duration::from_millis(19_400);

/// One of them in so many is let in.
const KNOWN: usize = 10;

/// One crowd after the other: each client is an open file of this process.
static ALONE: Mutex<()> = Mutex::new(());

#[test]
fn all_who_wait_for_keys_are_answered_when_they_come() -> Result<()> {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut stage = stage("connection: {jwks: {remote: {min_interval: 100ms, timeout: 20s}}}")?;
    stage.play("- {login: ada, allow: {role: user, seat_tier: premium}}")?;
    *stage.system.keys.lock().unwrap_or_else(PoisonError::into_inner) = KeyRing::Next;
    stage.system.key_server.fault(Some(Fault::Hold));
    let known = stage.request_of("{login: ada, key: next, pass: true}")?;
    let unknown = stage.request_of("{login: eve, key: stranger, pass: true}")?;
    let crowd = crowd(&stage, (0..CROWD).map(|number| if number % KNOWN == 0 { &known } else { &unknown }))?;
    stage.system.key_server.fault(None);
    let (mut passed, mut refused) = (0, 0);
    for response in answers(crowd)? {
        match upstream::saw(&response)? {
            Some(_) => passed += 1,
            None => {
                ensure!(denied(&response)?.code() == "unknown_key", "denied for {}", denied(&response)?.code());
                refused += 1;
            }
        }
    }
    ensure!((passed, refused) == (CROWD / KNOWN, CROWD - CROWD / KNOWN), "{passed} passed, {refused} were refused");
    // Their places are free again: as many more wait for the next fetch.
    stage.system.key_server.fault(Some(Fault::Hold));
    let crowd = self::crowd(&stage, std::iter::repeat_n(&unknown, CROWD))?;
    stage.system.key_server.fault(None);
    for response in answers(crowd)? {
        ensure!(denied(&response)?.code() == "unknown_key", "denied for {}", denied(&response)?.code());
    }
    unharmed(stage, "next")
}

#[test]
fn all_who_wait_for_one_answer_of_the_store_get_it() -> Result<()> {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut stage = stage("options: {store: {timeout: 1m}}")?;
    stage.system.store_gate.fault_at("/v1/organizations", Some(Fault::Hold));
    let login = stage.request_of("{login: ada, pass: true}")?;
    let before = stage.system.logins();
    let crowd = crowd(&stage, std::iter::repeat_n(&login, CROWD))?;
    let calls = stage.system.logins() - before;
    ensure!(calls == 1, "{calls} calls for one question");
    stage.system.store_gate.fault_at("", None);
    for response in answers(crowd)? {
        ensure!(upstream::saw(&response)?.is_some(), "refused: {}", response.status);
    }
    unharmed(stage, "main")
}

#[test]
fn an_answer_that_has_come_is_told_to_all_even_after_its_time() -> Result<()> {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut stage = stage("options: {store: {timeout: 20s}}")?;
    stage.system.store_gate.fault_at("/v1/organizations", Some(Fault::Hold));
    let login = stage.request_of("{login: ada, pass: true}")?;
    let asked = Instant::now();
    // More than are told in the second for which an answer is waited for beyond the store's timeout.
    let crowd = crowd(&stage, std::iter::repeat_n(&login, 3 * CROWD))?;
    ensure!(asked.elapsed() < LATE, "the crowd took {:?} to come", asked.elapsed());
    thread::sleep(LATE.saturating_sub(asked.elapsed()));
    stage.system.store_gate.fault_at("", None);
    let answers = answers(crowd)?;
    let refused = answers.iter().filter(|response| response.status != 200).count();
    ensure!(refused == 0, "{refused} of {} were refused", answers.len());
    unharmed(stage, "main")
}

#[test]
fn all_who_wait_for_a_store_that_never_answers_are_refused() -> Result<()> {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut stage = stage("options: {store: {timeout: 5s}}")?;
    stage.system.store_gate.fault_at("/v1/organizations", Some(Fault::Hang));
    let login = stage.request_of("{login: ada, pass: true}")?;
    let crowd = crowd(&stage, std::iter::repeat_n(&login, CROWD))?;
    for response in answers(crowd)? {
        let code = denied(&response)?.code();
        ensure!(code == "store_unavailable", "denied for {code}");
    }
    stage.system.store_gate.fault_at("", None);
    unharmed(stage, "main")
}

#[test]
fn while_the_store_says_nothing_about_one_customer_others_log_in() -> Result<()> {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let setup = Setup { workers: Some(1), ..Setup::default() };
    let mut stage = RealEnvoy::start_with(&policy::changed("customers", "options: {store: {timeout: 1m}}")?, &setup)?;
    stage.play("- {add: gus@globex.example, organization: globex-chat}")?;
    stage.system.store_gate.fault_at("/v1/organizations/acme-chat/logins", Some(Fault::Hold));
    let before = stage.system.logins();
    // Each of them is somebody else, so that none shares a call: more than Envoy has connections to the store.
    let login = |number| stage.request_of(&format!("{{login: p{number}, iat: -5, pass: true}}"));
    let logins = (0..CROWD).map(login).collect::<Result<Vec<_>>>()?;
    let crowd = crowd(&stage, logins.iter())?;
    another_customers_member_logs_in(&mut stage)?;
    let calls = stage.system.logins() - before;
    ensure!(calls < CROWD / 2, "{calls} calls at once");
    // Each comes to its turn.
    stage.system.store_gate.fault_at("", None);
    for response in answers(crowd)? {
        ensure!(upstream::saw(&response)?.is_some(), "refused: {}", response.status);
    }
    stage.no_filter_died()
}

#[test]
fn with_many_workers_one_customer_leaves_half_of_the_connections_to_the_store_to_others() -> Result<()> {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let setup = Setup { workers: Some(8), ..Setup::default() };
    let mut stage = RealEnvoy::start_with(&policy::changed("customers", "options: {store: {timeout: 1m}}")?, &setup)?;
    stage.play("- {add: gus@globex.example, organization: globex-chat}")?;
    stage.system.store_gate.fault_at("/v1/organizations/acme-chat/logins", Some(Fault::Hold));
    let before = stage.system.logins();
    // So many that every worker has more of them than an eighth of the connections.
    let login = |number| stage.request_of(&format!("{{login: p{number}, iat: -5, pass: true}}"));
    let logins = (0..MANY).map(login).collect::<Result<Vec<_>>>()?;
    let crowd = crowd(&stage, logins.iter())?;
    wait::until("each worker knows how many they are, and has its share of the calls", || {
        Ok((stage.system.logins() - before >= 120).then_some(()))
    })?;
    another_customers_member_logs_in(&mut stage)?;
    let calls = stage.system.logins() - before;
    // 128 where all have known how many they are from the beginning; whoever knew of fewer has begun some more.
    ensure!(calls < 200, "{calls} calls at once");
    stage.system.store_gate.fault_at("", None);
    // All are answered: how the store takes so many at once is another matter.
    answers(crowd)?;
    stage.no_filter_died()
}

#[test]
fn who_waits_for_a_turn_in_vain_is_refused_and_the_log_says_that_the_store_was_not_asked() -> Result<()> {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut stage = stage("options: {store: {timeout: 5s}}")?;
    stage.system.store_gate.fault_at("/v1/organizations", Some(Fault::Hang));
    let login = |number| stage.request_of(&format!("{{login: p{number}, iat: -5, pass: true}}"));
    let logins = (0..TURNS).map(login).collect::<Result<Vec<_>>>()?;
    let crowd = crowd(&stage, logins.iter())?;
    for response in answers(crowd)? {
        let code = denied(&response)?.code();
        ensure!(code == "store_unavailable", "denied for {code}");
    }
    let log = stage.system.envoy.log();
    for why in ["it was not asked: too many calls for its parent are under way", "the store was not reached"] {
        ensure!(log.contains(why), "nobody was told that {why}");
    }
    stage.no_filter_died()
}

/// Somebody of a customer about whom the store does answer comes in while the others wait.
fn another_customers_member_logs_in(stage: &mut RealEnvoy) -> Result<()> {
    let gus = "login: gus, iat: -5, organization: globex-chat, claims: {email: gus@globex.example}";
    stage.play(&format!("- {{{gus}, allow: {{role: user, seat_tier: premium, email: gus@globex.example}}}}"))
}

fn stage(changes: &str) -> Result<RealEnvoy> {
    let setup = Setup { workers: Some(1), ..Setup::default() };
    RealEnvoy::start_with(&policy::changed("claude", changes)?, &setup)
}

type Crowd = Vec<JoinHandle<Result<Response>>>;

/// Sends all of these, each on a connection of its own; comes back when all are with Envoy and none is answered.
fn crowd<'a>(stage: &RealEnvoy, requests: impl Iterator<Item = &'a Request>) -> Result<Crowd> {
    let envoy = stage.system.envoy.address();
    let crowd = requests.map(|request| {
        let request = request.clone();
        // Very many of them: with little of a stack each.
        let own = thread::Builder::new().stack_size(128 * 1024);
        own.spawn(move || request.send(envoy)).context("cannot start a client")
    });
    let crowd: Crowd = crowd.collect::<Result<_>>()?;
    wait::until("all of them wait", || {
        ensure!(!crowd.iter().any(JoinHandle::is_finished), "one was answered too soon");
        let active = stage.system.envoy.own_stat(".downstream_rq_active")?;
        Ok((usize::try_from(active)? >= crowd.len()).then_some(()))
    })?;
    Ok(crowd)
}

fn answers(crowd: Crowd) -> Result<Vec<Response>> {
    let answer = |client: JoinHandle<Result<Response>>| match client.join() {
        Ok(answer) => answer.context("somebody got no answer"),
        Err(_) => bail!("a client died"),
    };
    crowd.into_iter().map(answer).collect()
}

fn unharmed(mut stage: RealEnvoy, key: &str) -> Result<()> {
    stage.no_filter_died()?;
    ensure!(!stage.system.envoy.log().contains("Segmentation fault"), "Envoy died");
    stage.play(&format!("- {{login: bob, key: {key}, allow: {{role: user, seat_tier: premium}}}}"))
}
