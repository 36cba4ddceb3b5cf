//! What grows with what: sessions, organizations, groups, the feed; what a flood costs, and what the first requests do.

use std::net::SocketAddr;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use usher_scenario::token::{KeyRing, Members};
use usher_tests::http::local;
use usher_tests::port;

use crate::changes::Changes;
use crate::compare::start_origin;
use crate::cpu;
use crate::envoy::{Envoy, Setup};
use crate::load::{Generator, Load, Pace};
use crate::people::{claims, login_answer, policy, request, sign};
use crate::stats::Spread;
use crate::variants::wasm;

/// Each point is measured so often, beside the router alone.
const ROUNDS: usize = 20;
const SPAN: Duration = Duration::from_millis(100);

/// How long the feed is followed.
const FOLLOWED: Duration = Duration::from_secs(5);

/// The one person; sessions are as many as tokens, not people.
const PERSON: &str = "ada";

/// An Envoy with usher behind one port, and nothing behind another.
struct Door {
    envoy: Envoy,
    usher: u16,
    router: u16,
    started_in: Duration,
    started_with: Duration,
    _folder: tempfile::TempDir,
}

impl Door {
    fn open(module: &Path, policy: &Value) -> Result<Self> {
        Self::open_beside(module, policy, start_origin(login_answer(PERSON, 1))?)
    }

    fn open_beside(module: &Path, policy: &Value, store: SocketAddr) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let (usher, router) = (port::free()?, port::free()?);
        let filters = [wasm("usher", module, &policy.to_string())];
        let setup = Setup { workers: 1, has_upstream: false };
        let began = Instant::now();
        let envoy =
            Envoy::start(folder.path(), &[(usher, &filters), (router, &[])], &[("store", store, false)], setup)?;
        let (started_in, started_with) = (began.elapsed(), cpu::used(envoy.process())?);
        Ok(Self { envoy, usher, router, started_in, started_with, _folder: folder })
    }

    /// Microseconds of Envoy that a request costs more than one that nobody looks at; each request was sent once before.
    fn added(&self, requests: &[Vec<u8>], status: u16) -> Result<Spread> {
        let load = |port, status| Load { address: local(port), requests, status };
        let (mut usher, mut router) =
            (Generator::open(load(self.usher, status), 8)?, Generator::open(load(self.router, 200), 8)?);
        if status == 200 {
            usher.run(Pace::Closed, Duration::from_secs(600), requests.len())?;
        }
        let mut figures = Vec::new();
        for _ in 0..ROUNDS {
            let mut each = [0.0; 2];
            for (generator, each) in [&mut router, &mut usher].into_iter().zip(&mut each) {
                let before = cpu::used(self.envoy.process())?;
                let seen = generator.run(Pace::Closed, SPAN, usize::MAX)?;
                let used = cpu::used(self.envoy.process())?.saturating_sub(before);
                *each = used.as_secs_f64() * 1e6 / seen.answered.max(1) as f64;
            }
            let [router, usher] = each;
            figures.push(usher - router);
        }
        Ok(Spread::of(&figures))
    }

    fn resident(&self) -> Result<u64> {
        cpu::resident(self.envoy.process())
    }
}

/// Measures every curve and prints it, or the one with this name.
///
/// # Errors
/// Something does not run, or is answered otherwise than it should be.
pub(crate) fn run(module: &Path, only: Option<&str>) -> Result<()> {
    for name in ["sessions", "organizations", "groups", "floods", "feed", "warming"] {
        if only.is_some_and(|only| only != name) {
            continue;
        }
        match name {
            "sessions" => sessions(module)?,
            "organizations" => organizations(module)?,
            "groups" => groups(module)?,
            "floods" => flooded(module)?,
            "feed" => followed(module)?,
            _ => warmed(module)?,
        }
        println!();
    }
    Ok(())
}

fn sessions(module: &Path) -> Result<()> {
    println!("| live sessions | a request adds, us | Envoy's memory: before, after, MiB | bytes a session |");
    println!("|---|---|---|---|");
    for count in [1, 100, 10_000, 100_000] {
        let door = Door::open(module, &patient(policy(count)?)?)?;
        let requests: Vec<_> = tokens(count)?.iter().map(|token| request(token)).collect();
        let before = door.resident()?;
        let added = door.added(&requests, 200)?;
        let after = door.resident()?;
        let each = after.saturating_sub(before) / u64::try_from(count)?;
        let each = if count < 10_000 { "-".to_owned() } else { each.to_string() };
        println!("| {count} | {} | {:.1}, {:.1} | {each} |", shown(added), mebibytes(before), mebibytes(after));
    }
    Ok(())
}

fn organizations(module: &Path) -> Result<()> {
    println!(
        "| organizations (mappings) | told apart by | a request adds, us | policy, MiB | Envoy starts in, s | of processor time |"
    );
    println!("|---|---|---|---|---|---|");
    let all = [10, 1_000, 10_000].into_iter().flat_map(|count| [(count, Apart::Host), (count, Apart::Path)]);
    for (count, apart) in all {
        let policy = patient(with_organizations(policy(1_000)?, count, apart)?)?;
        let door = Door::open(module, &policy)?;
        let requests = [request(tokens(1)?.first().context("a token")?)];
        let (added, size) = (shown(door.added(&requests, 200)?), mebibytes(u64::try_from(policy.to_string().len())?));
        let (time, used) = (door.started_in.as_secs_f64(), door.started_with.as_secs_f64());
        let apart = match apart {
            Apart::Host => "host",
            Apart::Path => "path",
        };
        println!("| {count} ({}) | {apart} | {added} | {size:.1} | {time:.2} | {used:.2} |", count * 10);
    }
    Ok(())
}

fn groups(module: &Path) -> Result<()> {
    println!("| groups in the token (its bytes) | a request of the session adds, us |\n|---|---|");
    let door = Door::open(module, &patient(policy(1_000)?)?)?;
    for count in [1, 10, 100, 1_000, 2_000] {
        let token = with_groups(count)?;
        println!("| {count} ({}) | {} |", token.len(), shown(door.added(&[request(&token)], 200)?));
    }
    Ok(())
}

fn flooded(module: &Path) -> Result<()> {
    println!("| a flood of | answered | each costs, us |\n|---|---|---|");
    let door = Door::open(module, &patient(policy(1_000)?)?)?;
    for (what, status, token) in floods()? {
        println!("| {what} ({} bytes) | {status} | {} |", token.len(), shown(door.added(&[request(&token)], status)?));
    }
    Ok(())
}

/// What it costs to follow the feed, beside 10,000 sessions that none of the changes is about.
fn followed(module: &Path) -> Result<()> {
    println!(
        "| changes a second | answers a second | of a core, while no request comes | a request of a session adds, us |"
    );
    println!("|---|---|---|---|");
    let requests: Vec<_> = tokens(10_000)?.iter().map(|token| request(token)).collect();
    for rate in [0, 100, 1_000, 3_000] {
        let store = Changes::start(rate, PERSON)?;
        let door = Door::open_beside(module, &policy(10_000)?, store.address())?;
        // Everyone logs in: from then on the filter has something to follow the feed for.
        let added = door.added(&requests, 200)?;
        let (answers, ..) = store.state();
        let (used, began) = (cpu::used(door.envoy.process())?, Instant::now());
        thread::sleep(FOLLOWED);
        let used = cpu::used(door.envoy.process())?.saturating_sub(used).as_secs_f64() / began.elapsed().as_secs_f64();
        let (answers_then, had, head) = store.state();
        ensure!(had + rate >= head, "the filter has {had} of {head} changes");
        let answers = (answers_then - answers) as f64 / FOLLOWED.as_secs_f64();
        println!("| {rate} | {answers:.1} | {:.2}% | {} |", used * 100.0, shown(added));
    }
    Ok(())
}

/// What the first requests cost, before V8 has compiled well what they need; its compiling is counted too.
fn warmed(module: &Path) -> Result<()> {
    println!("| requests of a session since Envoy's start | each costs Envoy, us |\n|---|---|");
    let door = Door::open(module, &patient(policy(1_000)?)?)?;
    let requests = [request(tokens(1)?.first().context("a token")?)];
    let load = Load { address: local(door.usher), requests: &requests, status: 200 };
    let mut generator = Generator::open(load, 8)?;
    // The login.
    generator.run(Pace::Closed, Duration::from_secs(10), 1)?;
    let mut sent = 1;
    for until in [100, 300, 1_000, 3_000, 10_000, 30_000, 100_000] {
        let before = cpu::used(door.envoy.process())?;
        let seen = generator.run(Pace::Closed, Duration::from_secs(60), until - sent)?;
        let used = cpu::used(door.envoy.process())?.saturating_sub(before);
        println!("| {} to {until} | {:.0} |", sent + 1, used.as_secs_f64() * 1e6 / seen.answered.max(1) as f64);
        sent = until;
    }
    Ok(())
}

/// The store says nothing of changes here: sessions are not checked for an hour.
fn patient(mut policy: Value) -> Result<Value> {
    let sessions = policy.get_mut("sessions").and_then(Value::as_object_mut).context("the policy has `sessions`")?;
    sessions.insert("max_staleness".to_owned(), json!("1h"));
    Ok(policy)
}

/// Tokens of one person, each another.
fn tokens(count: usize) -> Result<Vec<String>> {
    (0..count)
        .map(|number| {
            let mut claims = person(&["engineering", "staff", "power"])?;
            claims.insert("jti".to_owned(), json!(format!("ID.{number:026}")));
            sign("EdDSA", claims)
        })
        .collect()
}

fn person(groups: &[&str]) -> Result<Members> {
    claims(PERSON, groups)
}

fn with_groups(count: usize) -> Result<String> {
    let mut claims = person(&[])?;
    let groups: Vec<_> = (1..count).map(|number| format!("group-{number:05}")).chain(["staff".to_owned()]).collect();
    claims.insert("groups".to_owned(), json!(groups));
    sign("EdDSA", claims)
}

/// What organizations are told apart by.
#[derive(Clone, Copy)]
enum Apart {
    Host,
    /// All share ours, which has what is nobody else's.
    Path,
}

/// So many organizations, each with ten mappings, the first of them ours.
fn with_organizations(mut policy: Value, count: usize, apart: Apart) -> Result<Value> {
    let organizations = policy.pointer_mut("/parents/0/organizations").and_then(Value::as_array_mut);
    let organizations = organizations.context("the policy has organizations")?;
    let first = organizations.first().context("the policy has an organization")?.clone();
    for number in 1..count {
        let mut organization = first.clone();
        let roles: Vec<_> =
            (0..10).map(|role| json!({"group": format!("g-{number}-{role}"), "role": "user"})).collect();
        for (field, value) in
            [("/id", json!(format!("org-{number}"))), ("/provisioning/group_mappings", json!({"roles": roles}))]
        {
            *organization.pointer_mut(field).context("an organization has this field")? = value;
        }
        let (field, value) = match apart {
            Apart::Host => ("hosts", json!([format!("org-{number}.acme.example")])),
            Apart::Path => ("path_prefix", json!(format!("/org-{number}"))),
        };
        organization.as_object_mut().context("an organization is an object")?.insert(field.to_owned(), value);
        organizations.push(organization);
    }
    Ok(policy)
}

/// What strangers send, and how it is answered.
fn floods() -> Result<Vec<(&'static str, u16, String)>> {
    let usual = person(&["staff"])?;
    let mut elsewhere = usual.clone();
    elsewhere.insert("iss".to_owned(), json!("https://evil.example"));
    let unknown_kid = KeyRing::Main.sign("EdDSA", Some("unknown"), &usual)?;
    let forged = KeyRing::Stranger.sign("RS256", Some(&KeyRing::Main.kid("RS256")?), &usual)?;
    Ok(vec![
        ("no token at all", 401, "-".repeat(10)),
        ("tokens of an unknown issuer", 401, sign("EdDSA", elsewhere)?),
        ("unknown `kid`s", 401, unknown_kid),
        ("bad signatures, RS256", 401, forged),
        ("tokens with 3,000 groups, badly signed", 401, badly_signed(3_000)?),
        ("headers of 60 KiB that are no token", 401, "x".repeat(60 * 1024)),
    ])
}

/// A token with so many groups whose signature is another's.
fn badly_signed(groups: usize) -> Result<String> {
    let token = with_groups(groups)?;
    let other = with_groups(1)?;
    let head = token.rsplit_once('.').context("a token has a signature")?.0;
    let signature = other.rsplit_once('.').context("a token has a signature")?.1;
    Ok(format!("{head}.{signature}"))
}

fn shown(spread: Spread) -> String {
    format!("{:.1} ({:.1} to {:.1})", spread.median, spread.low, spread.high)
}

fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / 1048576.0
}
