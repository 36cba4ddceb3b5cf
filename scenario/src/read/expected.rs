//! What a step expects: fields that are kept as they are written, once they are known to be possible.

use serde_json::Map;
use usher_policy::Reason;
use usher_policy::id::Email;
use usher_policy::model::Organization;
use usher_policy::rules::hand::Refusal;
use usher_policy_file::{Fields, Node, Recorded};

use super::beginning::{SOURCES, STATUSES, word};
use super::known::{self, Known};
use super::{refuse, text};
use crate::Cast;
use crate::expect::{Expected, OUTCOMES};
use crate::play::NOBODY;

/// Records what is not possible in an organization, where that is known.
type Check = fn(&Node<'_>, Option<&Organization>) -> Result<(), Recorded>;

/// What may be refused by hand, by code.
const REFUSALS: [Refusal; 10] = [
    Refusal::AlreadyAMember,
    Refusal::DomainNotVerified,
    Refusal::InvalidEmail,
    Refusal::InvalidStatus,
    Refusal::ManagedByDirectory,
    Refusal::ManagedByGroupMappings,
    Refusal::NoSeatAvailable,
    Refusal::PrimaryOwner,
    Refusal::UnknownRole,
    Refusal::UnknownSeatTier,
];

/// Exactly one of `allow`, `deny`, `pass`.
pub(super) fn outcome(
    fields: &mut Fields<'_>,
    organization: Option<&Organization>,
    expected: &mut Expected,
) -> Result<(), Recorded> {
    let found: Vec<(&str, Node<'_>)> = OUTCOMES.iter().filter_map(|name| Some((*name, fields.field(name)?))).collect();
    match found.as_slice() {
        [] => refuse(fields.node(), "no outcome. A request has one of `allow: {…}`, `deny: reason`, `pass: true`"),
        [(name, node)] => {
            match *name {
                "allow" => tags(node, organization)?,
                "deny" => reason(node)?,
                _ if node.value() == &serde_json::Value::Bool(true) => {}
                _ => return refuse(node, "write `pass: true`, or another outcome"),
            }
            keep(name, node, expected);
            Ok(())
        }
        [(one, _), (other, node), ..] => {
            refuse(node, format!("two outcomes: `{one}` and `{other}`. A request has only one"))
        }
    }
}

/// `refused`: the code with which something by hand must be refused.
pub(super) fn refused(fields: &mut Fields<'_>, expected: &mut Expected) -> Result<(), Recorded> {
    let codes: Vec<&str> = REFUSALS.iter().map(|refusal| refusal.code()).chain([NOBODY]).collect();
    if let Some(node) = fields.field("refused") {
        text::known(&node, "refusal", &codes)?;
        keep("refused", &node, expected);
    }
    Ok(())
}

/// `members`, `seats` and `writes` of an organization.
pub(super) fn after(
    fields: &mut Fields<'_>,
    known: &Known<'_>,
    organization: Option<&String>,
    expected: &mut Expected,
) -> Result<Option<String>, Recorded> {
    let of = fields.optional("of", |node| known.organization(node));
    // Where it is not known, so much cannot be told.
    let place = match &of {
        Ok(of) => known.meant(of.as_ref().or(organization)),
        Err(_) => None,
    };
    let mut outcome = Ok(());
    for (name, read) in [("members", members as Check), ("seats", seats), ("writes", writes)] {
        if let Some(node) = fields.field(name) {
            outcome = outcome.and(read(&node, place));
            keep(name, &node, expected);
        }
    }
    let of = of?;
    outcome?;
    Ok(of)
}

fn keep(name: &str, node: &Node<'_>, expected: &mut Expected) {
    expected.0.insert(name.to_owned(), node.value().clone());
}

fn reason(node: &Node<'_>) -> Result<(), Recorded> {
    let codes: Vec<&str> = Reason::ALL.iter().map(|reason| reason.code()).collect();
    text::known(node, "reason", &codes).map(drop)
}

fn tags(node: &Node<'_>, organization: Option<&Organization>) -> Result<(), Recorded> {
    node.object(|fields| {
        let role = fields.required("role", "user", |node| known::role(node, organization));
        let tier = fields.optional("seat_tier", |node| text::or_null(node, |node| known::tier(node, organization)));
        let email = fields.optional("email", text::any);
        let subject = fields.optional("subject", text::any);
        role?;
        tier?;
        email?;
        subject.map(drop)
    })
}

fn members(node: &Node<'_>, organization: Option<&Organization>) -> Result<(), Recorded> {
    let mut outcome = Ok(());
    let mut emails = Map::new();
    for (person, node) in node.members(0..=100_000)? {
        outcome = outcome.and(is_person(&node, person, organization, &mut emails));
        outcome = outcome.and(looks(&node, organization));
    }
    outcome
}

/// A person who is not another under a second name.
fn is_person(
    node: &Node<'_>,
    person: &str,
    organization: Option<&Organization>,
    emails: &mut Map<String, serde_json::Value>,
) -> Result<(), Recorded> {
    let Some(organization) = organization else { return Ok(()) };
    let Some(email) = Email::parse(&Cast::email(organization, person)) else {
        return refuse(node, "a person is a name, or an email");
    };
    match emails.insert(email.key(), person.into()) {
        Some(other) => refuse(node, format!("the same person as {other}")),
        None => Ok(()),
    }
}

fn looks(node: &Node<'_>, organization: Option<&Organization>) -> Result<(), Recorded> {
    node.object(|fields| {
        let all = [
            fields.optional("status", |node| word(node, "status", &STATUSES)).map(drop),
            fields.optional("role", |node| known::role(node, organization)).map(drop),
            fields.optional("seat_tier", |node| text::or_null(node, |node| known::tier(node, organization))).map(drop),
            fields.optional("source", |node| word(node, "source", &SOURCES)).map(drop),
            fields.optional("subject", |node| text::or_null(node, text::any)).map(drop),
            fields.optional("primary_owner", Node::flag).map(drop),
        ];
        all.into_iter().collect()
    })
}

fn seats(node: &Node<'_>, organization: Option<&Organization>) -> Result<(), Recorded> {
    node.object(|fields| {
        let used = fields.optional("used", |node| {
            let mut outcome = Ok(());
            for (tier, node) in node.members(0..=1000)? {
                let tiers: Vec<&str> = organization
                    .map_or_else(Vec::new, |one| one.product.tiers.iter().map(|tier| tier.as_str()).collect());
                if organization.is_some() && !tiers.contains(&tier) {
                    let named = usher_policy_file::listed(tiers.iter().copied());
                    outcome = refuse(&node, format!("the product has no seat tier `{tier}`. It has {named}"));
                }
                outcome = outcome.and(node.whole(0..=u32::MAX).map(drop));
            }
            outcome
        });
        let pending = fields.optional("pending", |node| node.whole(0..=u32::MAX));
        used?;
        pending.map(drop)
    })
}

fn writes(node: &Node<'_>, organization: Option<&Organization>) -> Result<(), Recorded> {
    if node.is_text() {
        return text::known(node, "word for `writes`", &["nothing"]).map(drop);
    }
    if node.value().as_object().is_some_and(Map::is_empty) {
        return refuse(node, "write `nothing`, or who was `created`, `changed` or `removed`");
    }
    let people = |node: &Node<'_>| {
        let mut emails = Map::new();
        node.list(0..=100_000, |node| {
            let person = text::name(node)?;
            is_person(node, &person, organization, &mut emails)
        })
    };
    node.object(|fields| {
        let all = ["created", "changed", "removed"].map(|name| fields.optional(name, people).map(drop));
        all.into_iter().collect()
    })
}
