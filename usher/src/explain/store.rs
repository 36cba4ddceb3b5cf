//! The store's part of a walk: its own rules on assumed facts, since no store is asked.

use serde_json::{Value, json};
use usher_policy::member::Member;
use usher_policy::rules::effects::Change;
use usher_policy::rules::login::{Facts, Outcome};

use super::assumed::Assumed;
use super::trace::Told;
use super::words::listed;

/// What was assumed and what the store's rules make of it.
pub(super) fn told(assumed: &Assumed, facts: &Facts, outcome: &Outcome) -> Told {
    let found = facts.linked.as_ref().or(facts.by_external_id.first()).or(facts.by_email.as_ref());
    let member = match found {
        Some(member) => format!("a stored member, {}, {}", described(member), linked(facts, member)),
        None if assumed.is_anybody() => "a stored member whom neither identity nor email leads to".to_owned(),
        None => "nobody stored".to_owned(),
    };
    let seats = match assumed.full().next() {
        Some(_) => format!("no free seats of tier {}", listed(assumed.full())),
        None => "free seats".to_owned(),
    };
    let (change, words) = match &outcome.effects.change {
        Some(Change::Create(member)) => ("create", format!("made a member, {}", described(member))),
        Some(Change::Remove(_)) => ("remove", "the member is removed".to_owned()),
        Some(Change::Update(member)) => ("update", format!("the member becomes {}", described(member))),
        None => ("none", "no member changes".to_owned()),
    };
    let notes: Vec<_> = outcome.effects.notes.iter().map(|note| note.name()).collect();
    let noted: String = notes.iter().map(|note| format!(", {note}")).collect();
    Told::with(
        format!("assumed: {member}, {seats}, other owners, no earlier logins; {words}{noted}"),
        json!({
            "assumed": found.map(shown),
            "full": assumed.full().collect::<Vec<_>>(),
            "answer": outcome.answer,
            "change": change,
            "notes": notes,
        }),
    )
}

fn described(member: &Member) -> String {
    let tier = member.seat_tier.as_ref().map_or_else(|| "no seat".to_owned(), |tier| format!("seat tier {tier}"));
    format!("role {}, {tier}, {}, source {}", member.role, member.status.name(), member.source.name())
}

fn linked(facts: &Facts, member: &Member) -> &'static str {
    match (&facts.linked, &member.identity) {
        (Some(_), _) => "linked to this identity",
        (None, Some(_)) => "linked to another identity",
        (None, None) => "not linked yet",
    }
}

fn shown(member: &Member) -> Value {
    json!({
        "email": member.email,
        "role": member.role,
        "seat_tier": member.seat_tier,
        "status": member.status,
        "source": member.source,
    })
}
