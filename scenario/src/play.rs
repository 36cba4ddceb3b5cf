//! Plays a scenario on a stage and compares what is seen with what was written.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use usher_policy::Reason;

use crate::ask::{Ask, Cast, Memory};
use crate::step::{Action, After, ByHand, Deed, MemberLooks, Neighbours, Outcome, Request, SeatsLook, Step, Tags};

/// What a scenario is played on: the rules alone, or the whole system.
pub trait Stage {
    /// The time at which the scenario begins, in seconds since the Unix epoch.
    fn now(&self) -> u64;
    /// The policy, its keys filled in.
    fn policy(&self) -> &Value;
    /// Sends a request.
    ///
    /// # Errors
    /// There is no verdict.
    fn request(&mut self, ask: &Ask) -> Result<Seen>;
    /// Sends the request of a session behind whose back something was done, until every worker has learnt of it; what
    /// was seen last is returned. Where there are no sessions, there is nothing to wait for.
    ///
    /// # Errors
    /// There is no verdict.
    fn settled(&mut self, ask: &Ask, _expected: &Seen) -> Result<Seen> {
        self.request(ask)
    }
    /// Does something by hand; the inner error is the code of a refusal.
    ///
    /// # Errors
    /// There is no answer.
    fn by_hand(&mut self, organization: &str, deed: &Deed, email: &str) -> Result<Result<(), String>>;
    /// All members of an organization, in the form of the store's API.
    ///
    /// # Errors
    /// There is no answer.
    fn members(&mut self, organization: &str) -> Result<Vec<Value>>;
    /// The seats of an organization, in the form of the store's API.
    ///
    /// # Errors
    /// There is no answer.
    fn seats(&mut self, organization: &str) -> Result<Value>;
    /// Makes the neighbours ill or well.
    ///
    /// # Errors
    /// It cannot.
    fn neighbours(&mut self, neighbours: &Neighbours) -> Result<()>;
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Let in; all that the upstream saw of it.
    Allow {
        /// The organization.
        organization: String,
        /// The other tags, none left out.
        tags: Tags,
    },
    /// Turned away.
    Deny(Reason),
    /// Reached the upstream without any tag.
    Pass,
}

/// Plays all steps.
///
/// # Errors
/// The first step after which something is not as written.
pub fn play(steps: &[Step], stage: &mut dyn Stage, memory: &mut Memory) -> Result<()> {
    let policy = stage.policy().clone();
    let mut cast = Cast::new(&policy, stage.now(), memory);
    for (index, step) in steps.iter().enumerate() {
        let mut act = || -> Result<()> {
            match &step.action {
                Action::ByHand(by_hand) => {
                    cast.unsettle();
                    handle(&cast, stage, by_hand)?;
                }
                Action::Look => {}
                Action::Neighbours(neighbours) => {
                    cast.unsettle();
                    stage.neighbours(neighbours)?;
                }
                Action::Request(request) => ask(&mut cast, stage, request)?,
            }
            look(&cast, stage, &step.after)
        };
        act().with_context(|| format!("step {}", index + 1))?;
    }
    Ok(())
}

fn ask(cast: &mut Cast<'_>, stage: &mut dyn Stage, request: &Request) -> Result<()> {
    let ask = cast.ask(request)?;
    let expected = expected(&request.outcome, &ask);
    let behind_its_back = ask.may_be_session && cast.unsettled();
    let seen = if behind_its_back { stage.settled(&ask, &expected)? } else { stage.request(&ask)? };
    ensure!(seen == expected, "expected {expected:?}, saw {seen:?}");
    Ok(())
}

fn expected(outcome: &Outcome, ask: &Ask) -> Seen {
    match outcome {
        Outcome::Pass => Seen::Pass,
        Outcome::Deny(reason) => Seen::Deny(*reason),
        Outcome::Allow(tags) => {
            let usual = ask.person.as_ref();
            let tags = Tags {
                role: tags.role.clone(),
                seat_tier: tags.seat_tier.clone(),
                email: tags.email.clone().or_else(|| usual.map(|person| person.email.clone())),
                subject: tags.subject.clone().or_else(|| usual.map(|person| person.subject.clone())),
            };
            Seen::Allow { organization: ask.organization.clone(), tags }
        }
    }
}

fn handle(cast: &Cast<'_>, stage: &mut dyn Stage, by_hand: &ByHand) -> Result<()> {
    let organization = cast.organization(by_hand.organization.as_ref())?;
    let person = match &by_hand.deed {
        Deed::Add(add) => &add.add,
        Deed::Change(change) => &change.change,
        Deed::Activate(person) | Deed::Remove(person) | Deed::Suspend(person) | Deed::Unlink(person) => person,
    };
    let email = cast.email(person)?;
    let done = stage.by_hand(&organization, &by_hand.deed, &email)?;
    match (&by_hand.refused, done) {
        (None, Ok(())) => Ok(()),
        (Some(expected), Err(code)) if *expected == code => Ok(()),
        (expected, done) => bail!("by hand: expected refusal {expected:?}, came {done:?}"),
    }
}

fn look(cast: &Cast<'_>, stage: &mut dyn Stage, after: &After) -> Result<()> {
    let organization = cast.organization(after.of.as_ref())?;
    if let Some(expected) = &after.members {
        let members = stage.members(&organization)?;
        let expected = expected.iter().map(|(person, looks)| Ok((cast.email(person)?, looks)));
        compare_members(&expected.collect::<Result<_>>()?, &members)
            .with_context(|| format!("members of {organization}: {members:#?}"))?;
    }
    if let Some(expected) = &after.seats {
        let seats = stage.seats(&organization)?;
        compare_seats(expected, &seats).with_context(|| format!("seats of {organization}: {seats}"))?;
    }
    Ok(())
}

fn compare_members(expected: &BTreeMap<String, &MemberLooks>, members: &[Value]) -> Result<()> {
    let mut emails: Vec<&str> = members.iter().filter_map(|member| member.get("email")?.as_str()).collect();
    emails.sort_unstable();
    let mut wanted: Vec<&str> = expected.keys().map(String::as_str).collect();
    wanted.sort_unstable();
    ensure!(emails == wanted, "expected {wanted:?}, are {emails:?}");
    for member in members {
        let text = |field: &str| member.get(field).and_then(Value::as_str).map(str::to_owned);
        let email = text("email").unwrap_or_default();
        let Some(looks) = expected.get(&email) else { bail!("{email} is not expected") };
        let same = |field: &str, wanted: Option<String>| {
            ensure!(text(field) == wanted, "{email}: {field}: expected {wanted:?}, is {:?}", text(field));
            Ok(())
        };
        same("status", Some(looks.status.clone()))?;
        if looks.role.is_some() {
            same("role", looks.role.clone())?;
        }
        if looks.source.is_some() {
            same("source", looks.source.clone())?;
        }
        if let Some(tier) = &looks.seat_tier {
            same("seat_tier", tier.clone())?;
        }
        if let Some(subject) = &looks.subject {
            same("subject", subject.clone())?;
        }
        if let Some(wanted) = looks.primary_owner {
            let is = member.get("primary_owner").and_then(Value::as_bool);
            ensure!(is == Some(wanted), "{email}: primary_owner: expected {wanted}, is {is:?}");
        }
    }
    Ok(())
}

fn compare_seats(expected: &SeatsLook, seats: &Value) -> Result<()> {
    for (tier, wanted) in &expected.used {
        let tiers = seats.get("tiers").and_then(Value::as_array).into_iter().flatten();
        let found = tiers.into_iter().find(|row| row.get("tier").and_then(Value::as_str) == Some(tier));
        let used = found.and_then(|row| row.get("used")?.as_u64());
        ensure!(used == Some(*wanted), "{tier}: expected {wanted} used, are {used:?}");
    }
    let pending = seats.get("pending").and_then(Value::as_u64);
    ensure!(pending == Some(expected.pending), "expected {} pending, are {pending:?}", expected.pending);
    Ok(())
}
