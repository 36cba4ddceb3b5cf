//! Envoy is drained, or another takes over from it while it serves: sessions and the feed go on, nobody is let in who should
//! not be, and no request is lost.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use usher_tests::http::{Client, Request};
use usher_tests::policy;
use usher_tests::stage::envoy::RealEnvoy;
use usher_tests::stage::said;
use usher_tests::wait;

/// A policy under which nothing but the feed changes a session within the time of a test. Who is removed asks the store with
/// each request, and on a busy machine it takes longer to answer than the usual half a second.
const PATIENT: &str = "options: {store: {timeout: 10s}, sessions: {max_staleness: 1h}}";

/// So many answers in a row come from every worker, if they come for so long: those of one alone may be many in a moment.
const IN_A_ROW: usize = 40;
const FOR_SO_LONG: Duration = Duration::from_secs(2);

/// Clients that ask all the time: ada, who is a member; bob, who will be removed; and nobody.
struct Clients {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<Result<()>>>,
}

#[derive(Default)]
struct Shared {
    is_over: AtomicBool,
    /// Bob has been refused by everybody for a while: he is never let in again.
    is_bob_out: AtomicBool,
    bob_in_a_row: AtomicUsize,
    /// When bob was let in for the last time.
    bob_was_in: Mutex<Option<Instant>>,
    answered: AtomicUsize,
    last_answers: AtomicUsize,
}

impl Clients {
    fn start(envoy: SocketAddr, [ada, bob, nobody]: &[Request; 3]) -> Self {
        let shared = Arc::new(Shared::default());
        let threads = (0..4)
            .map(|_| {
                let (shared, asked) = (Arc::clone(&shared), [ada.clone(), bob.clone(), nobody.clone()]);
                thread::spawn(move || shared.ask(envoy, &asked))
            })
            .collect();
        Self { shared, threads }
    }

    fn answered(&self) -> usize {
        self.shared.answered.load(Ordering::Relaxed)
    }

    /// Waits until so many more requests were answered, and none wrongly.
    fn go_on(&mut self, requests: usize) -> Result<()> {
        let goal = self.answered() + requests;
        wait::until("the clients are answered", || {
            self.go_all_on()?;
            Ok((self.answered() >= goal).then_some(()))
        })
    }

    /// Bob is removed: waits until nobody lets him in.
    fn until_bob_is_out(&mut self) -> Result<()> {
        wait::until("bob is out", || {
            self.go_all_on()?;
            let is_long = self.shared.bob_was_in().is_some_and(|moment| moment.elapsed() >= FOR_SO_LONG);
            Ok((is_long && self.shared.bob_in_a_row.load(Ordering::Relaxed) >= IN_A_ROW).then_some(()))
        })?;
        self.shared.is_bob_out.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Says what a client has seen that has given up.
    fn go_all_on(&mut self) -> Result<()> {
        let Some(at) = self.threads.iter().position(JoinHandle::is_finished) else { return Ok(()) };
        match self.threads.remove(at).join() {
            Ok(outcome) => outcome.context("a client has given up"),
            Err(_) => bail!("a client died"),
        }
    }

    /// The first error of any client, or how many answers were the last on their connection.
    fn end(self) -> Result<usize> {
        self.shared.is_over.store(true, Ordering::Relaxed);
        for thread in self.threads {
            let Ok(outcome) = thread.join() else { bail!("a client died") };
            outcome?;
        }
        Ok(self.shared.last_answers.load(Ordering::Relaxed))
    }
}

impl Shared {
    fn bob_was_in(&self) -> MutexGuard<'_, Option<Instant>> {
        self.bob_was_in.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask(&self, envoy: SocketAddr, [ada, bob, nobody]: &[Request; 3]) -> Result<()> {
        let mut client = Client::new(envoy);
        while !self.is_over.load(Ordering::Relaxed) {
            let is_bob_out = self.is_bob_out.load(Ordering::Relaxed);
            for (name, request) in [("ada", ada), ("bob", bob), ("nobody", nobody)] {
                let said = said(&client.send(request).with_context(|| format!("{name}'s request is lost"))?)?;
                match (name, said.as_str()) {
                    ("ada", "user") | ("nobody", "no_credentials") => {}
                    ("bob", "user") if !is_bob_out => {
                        self.bob_in_a_row.store(0, Ordering::Relaxed);
                        *self.bob_was_in() = Some(Instant::now());
                    }
                    ("bob", "session_revoked") => {
                        self.bob_in_a_row.fetch_add(1, Ordering::Relaxed);
                    }
                    _ => bail!("{name}: {said}"),
                }
                self.answered.fetch_add(1, Ordering::Relaxed);
                self.last_answers.fetch_add(usize::from(client.is_apart()), Ordering::Relaxed);
            }
        }
        Ok(())
    }
}

fn asked(stage: &mut RealEnvoy) -> Result<[Request; 3]> {
    Ok([
        stage.request_of("{login: ada, iat: -50, pass: true}")?,
        stage.request_of("{login: bob, iat: -50, pass: true}")?,
        stage.request_of("{request: without token, pass: true}")?,
    ])
}

#[test]
fn while_envoy_is_drained_everything_goes_on() -> Result<()> {
    for drain in ["/healthcheck/fail", "/drain_listeners?graceful"] {
        let mut stage = RealEnvoy::start(&policy::changed("claude", PATIENT)?)?;
        stage.system.envoy.kill();
        stage.system.succeed_envoy(&[
            "--disable-hot-restart",
            "--drain-time-s",
            "60",
            "--drain-strategy",
            "immediate",
        ])?;
        let before = stage.system.logins();
        let mut clients = Clients::start(stage.system.envoy.address(), &asked(&mut stage)?);
        clients.go_on(300)?;
        stage.system.envoy.admin_post(drain)?;
        clients.go_on(300)?;
        // One for each of the two in each of the two workers, whenever a connection comes to it first.
        let logins = stage.system.logins() - before;
        ensure!((2..=4).contains(&logins), "{drain}: sessions go on, with {logins} logins");
        stage.play("- {remove: bob}")?;
        clients.until_bob_is_out().context(drain)?;
        clients.go_on(300)?;
        let last_answers = clients.end().context(drain)?;
        ensure!(last_answers > 100, "{drain}: clients are told to go elsewhere: {last_answers}");
        ensure!(stage.system.envoy.stat("usher_feed_changes")? >= 1, "{drain}: the feed is followed");
        stage.no_filter_died()?;
        stage.no_token_was_logged()?;
    }
    Ok(())
}

/// Both processes serve until the old one is drained, each with its own sessions and its own way of following the feed.
#[test]
fn when_another_envoy_takes_over_no_request_is_lost() -> Result<()> {
    let mut stage = RealEnvoy::start(&policy::changed("claude", PATIENT)?)?;
    // Of all Envoys on a machine, those with one id belong together: as nobody else has the port, nobody has the id.
    let id = stage.system.envoy.listen().to_string();
    let epoch =
        |epoch| ["--base-id", &id, "--restart-epoch", epoch, "--drain-time-s", "3", "--parent-shutdown-time-s", "6"];
    stage.system.envoy.kill();
    stage.system.succeed_envoy(&epoch("0"))?;
    let mut clients = Clients::start(stage.system.envoy.address(), &asked(&mut stage)?);
    clients.go_on(300)?;
    let logins = stage.system.logins();
    let mut former = stage.system.succeed_envoy(&epoch("1"))?;
    clients.go_on(300)?;
    // While both are there.
    stage.play("- {remove: bob}")?;
    clients.until_bob_is_out()?;
    ensure!(former.ends_well()?, "the former Envoy ends by itself");
    clients.go_on(300)?;
    ensure!(stage.system.logins() > logins, "the other has sessions of its own");
    clients.end()?;
    ensure!(stage.system.envoy.stat("usher_session_hits")? > 0, "{}", stage.system.envoy.stats()?);
    let carol = stage.request_of("{login: carol, iat: -50, pass: true}")?;
    ensure!(said(&stage.system.envoy.send(&carol)?)? == "user", "logins work");
    stage.play("- {remove: carol}")?;
    wait::until("the feed is followed", || {
        Ok((said(&stage.system.envoy.send(&carol)?)? == "session_revoked").then_some(()))
    })?;
    stage.no_filter_died()?;
    stage.no_token_was_logged()
}
