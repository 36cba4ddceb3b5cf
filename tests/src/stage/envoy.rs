//! The whole system as a stage: every scenario begins with a new store, Envoy goes on.

use std::collections::HashSet;
use std::sync::PoisonError;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::http::Request;
use crate::server::Fault;
use crate::system::directory::Directory;
use crate::system::{Setup, System, store, upstream};
use crate::wait;
use usher_policy::Policy;
use usher_scenario::ask::{self, Ask, Memory};
use usher_scenario::cast::Memberships;
use usher_scenario::expect::{Seen, Tags};
use usher_scenario::play::{self, Stage};
use usher_scenario::read;
use usher_scenario::step::{Action, Deed, DirectoryWord, KeyHealth, Neighbours, StoreHealth};
use usher_scenario::token::KeyRing;

/// So many connections in a row reach both workers, all but one time in 32,768.
const IN_A_ROW: u32 = 16;

/// A real Envoy and a real store.
pub struct RealEnvoy {
    /// What runs.
    pub system: System,
    now: u64,
    memory: Memory,
    sent: Vec<String>,
}

impl RealEnvoy {
    /// Starts the system under a policy.
    ///
    /// # Errors
    /// Something does not start.
    pub fn start(policy: &Value) -> Result<Self> {
        Self::start_with(policy, &Setup::default())
    }

    /// Starts the system under a policy, some of it other than usual.
    ///
    /// # Errors
    /// Something does not start.
    pub fn start_with(policy: &Value, setup: &Setup) -> Result<Self> {
        let system = System::start_with(policy, setup)?;
        Ok(Self { system, now: now()?, memory: Memory::default(), sent: Vec::new() })
    }

    /// Plays steps, written as in a scenario file; tokens of earlier steps are remembered.
    ///
    /// # Errors
    /// Something is not as written.
    pub fn play(&mut self, steps: &str) -> Result<()> {
        let mut memory = std::mem::take(&mut self.memory);
        let read = read::steps(steps, &self.system.finished);
        let played = read.map_err(Into::into).and_then(|steps| play::play(&steps, self, &mut memory));
        self.memory = memory;
        match played.with_context(|| steps.to_owned())?.as_slice() {
            [] => Ok(()),
            failed => bail!("{}", failed.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")),
        }
    }

    /// A request as one step would send it.
    ///
    /// # Errors
    /// It is no such step.
    pub fn request_of(&mut self, step: &str) -> Result<Request> {
        let steps = read::steps(&format!("- {step}"), &self.system.finished)?;
        let Some((Action::Request(request), organization)) =
            steps.first().map(|step| (&step.action, &step.organization))
        else {
            bail!("no request: {step}")
        };
        let policy = &self.system.finished;
        let ask = ask::ask(request, organization.as_deref(), policy, self.now, &mut self.memory)?;
        self.sent.extend(ask.token.clone());
        Ok(raw(&ask))
    }

    /// Takes a token that a test has made itself to those that must never be logged.
    pub fn remember(&mut self, token: &str) {
        self.sent.push(token.to_owned());
    }

    /// Fails where a filter died, in any worker, or a request of the store did.
    ///
    /// # Errors
    /// One did.
    pub fn no_filter_died(&self) -> Result<()> {
        let log = self.log();
        let trap = log.lines().find(|line| line.contains("panicked") || line.contains("Uncaught RuntimeError"));
        ensure!(trap.is_none(), "it panicked: {trap:?}");
        Ok(())
    }

    /// Looks for every token that was sent in everything that was logged.
    ///
    /// # Errors
    /// One is there.
    pub fn no_token_was_logged(&self) -> Result<()> {
        let log = self.log();
        self.has_no_token(&log)?;
        ensure!(!log.contains(store::STORE_TOKEN) && !log.contains(store::ADMIN_TOKEN), "a secret was logged");
        Ok(())
    }

    /// Looks for every token that was sent in a text.
    ///
    /// # Errors
    /// One is there.
    pub fn has_no_token(&self, text: &str) -> Result<()> {
        let found = token_in(text, &self.sent);
        ensure!(found.is_none(), "a part of a token is there: {found:?}");
        Ok(())
    }

    /// Makes ready for the next scenario under the same policy: nobody is a member, everyone is well.
    ///
    /// # Errors
    /// The store does not start.
    pub fn clear(&mut self) -> Result<()> {
        self.system.new_store()?;
        self.system.store_gate.fault(None);
        self.set_keys(KeyHealth::Up);
        self.now = now()?;
        self.memory = Memory::default();
        Ok(())
    }

    /// Envoy's and the store's words so far.
    pub fn log(&self) -> String {
        format!("{}\n{}", self.system.envoy.log(), self.system.store.log())
    }

    fn set_keys(&self, health: KeyHealth) {
        self.system.key_server.fault((health == KeyHealth::Down).then_some(Fault::Error(500)));
        let ring = if health == KeyHealth::Rotated { KeyRing::Next } else { KeyRing::Main };
        *self.system.keys.lock().unwrap_or_else(PoisonError::into_inner) = ring;
    }

    /// The name of an identity header under this policy.
    fn header(&self, fact: &str) -> String {
        let named = self.system.policy.pointer(&format!("/headers/{fact}")).and_then(Value::as_str);
        named.map_or_else(|| format!("x-usher-{}", fact.replace('_', "-")), str::to_owned)
    }

    /// What the upstream's headers say about who was let in.
    fn tags(&self, headers: &[(String, String)]) -> Result<Seen> {
        let facts = ["organization", "member", "subject", "email", "role", "seat_tier"];
        let names = facts.map(|fact| self.header(fact));
        let one = |name: &str| -> Result<Option<String>> {
            let mut values = headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
            let value = values.next().map(|(_, value)| decode(value));
            ensure!(values.next().is_none(), "`{name}` comes twice: {headers:?}");
            value.transpose()
        };
        let folded = |name: &str| name.to_ascii_lowercase().replace('_', "-");
        for (name, value) in headers {
            let ours = folded(name).starts_with("x-usher-");
            ensure!(!ours || names.contains(&name.to_ascii_lowercase()), "the upstream saw `{name}: {value}`");
        }
        let [organization, member, subject, email, role, seat_tier] = names.map(|name| one(&name));
        let Some(organization) = organization? else {
            let rest = [member?, subject?, email?, role?, seat_tier?];
            ensure!(rest.iter().all(Option::is_none), "tags without an organization: {headers:?}");
            return Ok(Seen::Pass);
        };
        ensure!(member?.is_some_and(|id| !id.is_empty()), "no member's id: {headers:?}");
        let tags = Tags {
            role: role?.context("no role")?,
            seat_tier: seat_tier?,
            email: email?.context("no email")?,
            subject: subject?.context("no subject")?,
        };
        Ok(Seen::Allow { organization, tags })
    }
}

impl Stage for RealEnvoy {
    fn now(&self) -> u64 {
        self.now
    }

    fn policy(&self) -> &Policy {
        &self.system.finished
    }

    fn begin(&mut self, memberships: Memberships) -> Result<()> {
        self.system.fill_store(&memberships)
    }

    fn request(&mut self, ask: &Ask) -> Result<Seen> {
        self.sent.extend(ask.token.clone());
        let before = self.system.upstream.attempts();
        let response = self.system.envoy.send(&raw(ask))?;
        match upstream::saw(&response)? {
            Some(headers) => {
                let seen = self.tags(&headers)?;
                let carried = |token: &String| headers.iter().any(|(_, value)| value.contains(token.as_str()));
                // A request that passes unchecked is not ours: its `authorization` may be the upstream's own.
                if let (Seen::Allow { .. }, Some(token)) = (&seen, &ask.token) {
                    let forwards = self.forwards_credentials();
                    ensure!(carried(token) == forwards, "the credential is passed on: {}", !forwards);
                }
                Ok(seen)
            }
            None => {
                ensure!(self.system.upstream.attempts() == before, "the upstream saw a request that was denied");
                Ok(Seen::Deny(super::denied(&response)?))
            }
        }
    }

    /// A session learns what was done behind its back when it is next checked with the store, in each worker by itself.
    fn settled(&mut self, ask: &Ask, is_expected: &dyn Fn(&Seen) -> bool) -> Result<Seen> {
        let deadline = Instant::now() + wait::PATIENCE;
        loop {
            let mut seen = self.request(ask)?;
            let mut in_a_row = 1;
            while is_expected(&seen) && in_a_row < IN_A_ROW {
                seen = self.request(ask)?;
                in_a_row += 1;
            }
            if is_expected(&seen) || Instant::now() >= deadline {
                return Ok(seen);
            }
        }
    }

    fn by_hand(&mut self, organization: &str, deed: &Deed, email: &str) -> Result<Result<(), String>> {
        self.system.store.by_hand(organization, deed, email)
    }

    fn directory(&mut self, organization: &str, word: &DirectoryWord, email: &dyn Fn(&str) -> String) -> Result<()> {
        let organization = self.system.finished.organization(organization).context("no such organization")?;
        let parent = organization.parent.id.as_str();
        Directory { store: &self.system.store, parent }.hear(word, email)
    }

    fn members(&mut self, organization: &str) -> Result<Vec<Value>> {
        self.system.store.members(organization)
    }

    fn seats(&mut self, organization: &str) -> Result<Value> {
        self.system.store.seats(organization)
    }

    fn neighbours(&mut self, neighbours: &Neighbours) -> Result<()> {
        if let Some(store) = neighbours.store {
            self.system.store_gate.fault((store == StoreHealth::Down).then_some(Fault::Error(500)));
        }
        if let Some(keys) = neighbours.keys {
            self.set_keys(keys);
        }
        Ok(())
    }
}

impl RealEnvoy {
    fn forwards_credentials(&self) -> bool {
        let forwards = self.system.policy.pointer("/credentials/forward").and_then(Value::as_bool);
        let shadow = self.system.policy.get("enforcement").and_then(Value::as_str) == Some("shadow");
        forwards.unwrap_or(false) || shadow
    }
}

fn raw(ask: &Ask) -> Request {
    let request = Request::new(&ask.method, &ask.host, ask.path.as_bytes());
    ask.headers.iter().fold(request, |request, (name, value)| request.header(name.as_bytes(), value.as_bytes()))
}

/// So many bytes are no word that stands in a log by chance.
const TELLING: usize = 21;

/// Where a text has the beginning of a part of a token. In one pass: the logs of a long run are long.
fn token_in<'a>(text: &'a str, tokens: &[String]) -> Option<&'a str> {
    let parts = tokens.iter().flat_map(|token| token.split('.'));
    let beginnings: HashSet<&[u8]> = parts.filter_map(|part| part.as_bytes().get(..TELLING)).collect();
    let mut words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-' && letter != '_');
    words.find(|word| word.as_bytes().windows(TELLING).any(|window| beginnings.contains(window)))
}

fn now() -> Result<u64> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())
}

/// Undoes the percent-encoding of a tag (design §4).
fn decode(value: &str) -> Result<String> {
    let mut bytes = Vec::new();
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => {
                let digits: Vec<u8> = rest.by_ref().take(2).collect();
                bytes.push(u8::from_str_radix(std::str::from_utf8(&digits)?, 16)?);
            }
            b'!'..=b'~' => bytes.push(byte),
            other => bail!("byte {other} in a tag: {value:?}"),
        }
    }
    Ok(String::from_utf8(bytes)?)
}

#[cfg(test)]
mod tests {
    use super::token_in;

    #[test]
    fn a_part_of_a_token_is_found_wherever_it_stands() {
        let (header, payload) = ("eyJhbGciOiJFZERTQSJ9-a", "eyJzdWIiOiJhZGEiLCJpc3Mi_b");
        let tokens = [format!("{header}.{payload}.short")];
        for text in [
            payload.to_owned(),
            format!("a log {{\"token\":\"{header}\"}}"),
            format!("x{payload}y"),
            format!("Bearer {header}."),
        ] {
            assert!(token_in(&text, &tokens).is_some(), "{text}");
        }
        for text in ["", "short", "eyJhbGciOiJFZERT", "01a215b0-8d24-7cd8-9b65-89c3510533f8"] {
            assert_eq!(token_in(text, &tokens), None, "{text}");
        }
    }
}
