//! What holds after every step of every history, whatever oracle and rules agree on: looked at in the lists alone.

use std::collections::HashMap;

use super::history::{Login, Row, Step, Verdict};
use super::policy::{Policy, issuer};

/// Looks on while a history is played.
#[derive(Default)]
pub(crate) struct Watch {
    /// The newest `iat` by which an identity came in.
    shown: HashMap<Identity, u64>,
    /// Up to when an identity's assertions are revoked by a removal.
    removed: HashMap<Identity, u64>,
}

type Identity = (String, String);

/// One step, seen from outside.
pub(crate) struct Seen<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) now: u64,
    pub(crate) step: &'a Step,
    /// Who came in, where the step was a login.
    pub(crate) verdict: Option<&'a Verdict>,
    pub(crate) before: &'a [Row],
    pub(crate) after: &'a [Row],
}

impl Watch {
    /// The first law that the step broke.
    pub(crate) fn broken(&mut self, seen: &Seen<'_>) -> Option<&'static str> {
        if let Step::Login(login) = seen.step {
            let identity = identity(seen.policy, login);
            let came_in = matches!(seen.verdict, Some(Ok(_)));
            if came_in {
                let shown = self.shown.entry(identity.clone()).or_default();
                *shown = (*shown).max(login.issued_at(seen.now));
            }
            if came_in && self.removed.get(&identity).is_some_and(|until| login.issued_at(seen.now) <= *until) {
                return Some("a removal is not undone by a ticket from before it");
            }
            if let Some(Ok(entry)) = seen.verdict
                && !seen.after.iter().any(|row| {
                    let seated = seen.policy.product.tiers.is_empty() || row.tier.is_some();
                    let is_told = row.id == entry.member && row.role == entry.role && row.tier == entry.tier;
                    is_told && seated && row.status == "active" && row.identity.as_ref() == Some(&identity)
                })
            {
                return Some("nobody comes in but an active member with the seat that is needed");
            }
        }
        if matches!(seen.step, Step::Login(_) | Step::Directory(_)) {
            if let Some(owner) = seen.before.iter().find(|row| row.primary_owner)
                && !seen.after.iter().any(|row| row.id == owner.id && (row.role == owner.role || is_top(seen, row)))
            {
                return Some("no login and no sync removes or demotes the primary owner");
            }
            let mut owners = seen.before.iter().filter(|row| row.status == "active" && is_top(seen, row));
            if let (Some(last), None) = (owners.next(), owners.next())
                && !seen.after.iter().any(|row| row.id == last.id && is_top(seen, row))
            {
                return Some("no login and no sync removes or demotes the last active owner");
            }
        }
        self.note_removals(seen);
        let held = |rows: &[Row], tier: &str| rows.iter().filter(|row| row.tier.as_deref() == Some(tier)).count();
        let caps = seen.policy.seats.as_ref().and_then(|seats| seats.caps.as_ref());
        let oversold = caps.is_some_and(|caps| {
            seen.policy.product.tiers.iter().any(|tier| {
                let cap = caps.iter().find(|(named, _)| named == tier).map_or(0, |(_, cap)| *cap as usize);
                held(seen.after, tier) > cap.max(held(seen.before, tier))
            })
        });
        oversold.then_some("no seat is oversold")
    }

    fn note_removals(&mut self, seen: &Seen<'_>) {
        for gone in seen.before.iter().filter(|row| !seen.after.iter().any(|left| left.id == row.id)) {
            let Some(identity) = &gone.identity else { continue };
            let until = match seen.step {
                Step::Login(login) => login.issued_at(seen.now),
                _ => self.shown.get(identity).copied().unwrap_or(0).max(seen.now),
            };
            self.removed.insert(identity.clone(), until);
        }
    }
}

fn is_top(seen: &Seen<'_>, row: &Row) -> bool {
    row.role == seen.policy.product.roles[0]
}

fn identity(policy: &Policy, login: &Login) -> Identity {
    let connection = policy.connections[login.connection % policy.connections.len()].0;
    (issuer(connection), login.subject.to_owned())
}

/// A law that cannot be broken is none.
#[test]
fn every_law_is_told_when_it_is_broken() {
    use super::files::jit;
    use super::history::{Entry, Groups};
    use super::policy::Seats;

    let seats = Seats { caps: Some(vec![("premium", 1)]), default: "highest_available", when_full: "deny" };
    let policy = Policy { seats: Some(seats), ..jit() };
    let row = |id: &str, role: &str, primary_owner| Row {
        id: id.to_owned(),
        email: format!("{id}@acme.example"),
        role: role.to_owned(),
        tier: Some("premium".to_owned()),
        status: "active".to_owned(),
        source: "jit".to_owned(),
        identity: Some((issuer("okta"), id.to_owned())),
        primary_owner,
    };
    let (subject, email) = ("ada", "ada@acme.example");
    let (path, groups) = ("/", Groups::Missing);
    let login =
        Login { connection: 0, subject, email, external_id: None, assigned: true, groups, iat: 0, method: "GET", path };
    let login = Step::Login(login);
    let entry = |role: &str| {
        let (member, role, tier) = ("ada".to_owned(), role.to_owned(), Some("premium".to_owned()));
        Ok(super::history::Entry { member, email: email.to_owned(), role, tier }) as Result<Entry, String>
    };
    let denied = Err("no_mapped_group".to_owned());
    let user = || vec![row("ada", "user", false)];
    for (verdict, before, after, law) in [
        (entry("user"), vec![], user(), None),
        (entry("admin"), vec![], user(), Some("nobody comes in but an active member with the seat that is needed")),
        (entry("user"), vec![], vec![], Some("nobody comes in but an active member with the seat that is needed")),
        (
            denied.clone(),
            vec![row("ada", "owner", true)],
            vec![],
            Some("no login and no sync removes or demotes the primary owner"),
        ),
        (
            denied.clone(),
            vec![row("ada", "owner", false)],
            vec![],
            Some("no login and no sync removes or demotes the last active owner"),
        ),
        (
            denied.clone(),
            vec![row("ada", "owner", false)],
            user(),
            Some("no login and no sync removes or demotes the last active owner"),
        ),
        (
            entry("user"),
            user(),
            vec![row("ada", "user", false), row("bob", "user", false)],
            Some("no seat is oversold"),
        ),
    ] {
        let (now, verdict) = (10_000, Some(&verdict));
        let seen = Seen { policy: &policy, now, step: &login, verdict, before: &before, after: &after };
        assert_eq!(Watch::default().broken(&seen), law, "{verdict:?}");
    }
    let mut watch = Watch::default();
    let remove = Step::Remove { email };
    let mut broken = |step: &Step, verdict: Option<&Verdict>, now, before: &[Row], after: &[Row]| {
        watch.broken(&Seen { policy: &policy, now, step, verdict, before, after })
    };
    assert_eq!(broken(&remove, None, 10_000, &user(), &[]), None);
    assert_eq!(broken(&login, Some(&entry("user")), 10_001, &[], &user()), None);
    let undone = Some("a removal is not undone by a ticket from before it");
    assert_eq!(broken(&login, Some(&entry("user")), 10_000, &[], &user()), undone);
}
