//! `before`: who is there when a story begins.

use std::collections::BTreeMap;

use usher_policy::id::Email;
use usher_policy::member::{Source, Status};
use usher_policy::model::Organization;
use usher_policy_file::{Node, Recorded};

use super::known::{self, Known};
use super::{refuse, text};
use crate::Cast;
use crate::step::{Beginning, MemberBefore, TicketBefore};

/// The statuses, by name.
pub(super) const STATUSES: [(&str, Status); 3] =
    [("active", Status::Active), ("pending", Status::Pending), ("suspended", Status::Suspended)];
/// The sources, by name.
pub(super) const SOURCES: [(&str, Source); 3] =
    [("manual", Source::Manual), ("jit", Source::Jit), ("scim", Source::Scim)];

/// Reads `before`: one organization's, or a list of them.
pub(super) fn read(node: &Node<'_>, known: &Known<'_>) -> Result<Vec<Beginning>, Recorded> {
    if node.is_list() { node.list(1..=1000, |item| one(item, known)) } else { Ok(vec![one(node, known)?]) }
}

fn one(node: &Node<'_>, known: &Known<'_>) -> Result<Beginning, Recorded> {
    node.object(|fields| {
        let of = fields.optional("of", |node| known.organization(node))?;
        let Some(organization) = known.meant(of.as_ref()) else {
            return refuse(node, "the policy has no organization");
        };
        let members = fields.or("members", BTreeMap::new(), |node| {
            let members = by_person(node, organization, |node| member(node, organization))?;
            if members.values().filter(|member| member.primary_owner).count() > 1 {
                return refuse(node, "an organization has one primary owner");
            }
            Ok(members)
        });
        let tickets = fields
            .or("tickets", BTreeMap::new(), |node| by_person(node, organization, |node| ticket(node, organization)));
        let blocks = fields.or("blocks", BTreeMap::new(), |node| by_person(node, organization, text::seconds));
        Ok(Beginning { of, members: members?, tickets: tickets?, blocks: blocks? })
    })
}

/// What is said of each person, of whom none may be another under a second name.
fn by_person<T>(
    node: &Node<'_>,
    organization: &Organization,
    read: impl Fn(&Node<'_>) -> Result<T, Recorded>,
) -> Result<BTreeMap<String, T>, Recorded> {
    let mut emails = BTreeMap::new();
    let mut all = BTreeMap::new();
    for (person, node) in node.members(0..=100_000)? {
        let Some(email) = Email::parse(&Cast::email(organization, person)) else {
            return refuse(&node, "a person is a name, or an email");
        };
        if let Some(other) = emails.insert(email.key(), person) {
            return refuse(&node, format!("the same person as `{other}`"));
        }
        all.insert(person.to_owned(), read(&node)?);
    }
    Ok(all)
}

fn member(node: &Node<'_>, organization: &Organization) -> Result<MemberBefore, Recorded> {
    node.object(|fields| {
        let role = fields.optional("role", |node| known::role(node, Some(organization)));
        let seat_tier =
            fields.optional("seat_tier", |node| text::or_null(node, |node| known::tier(node, Some(organization))));
        let status = fields.or("status", Status::Active, |node| word(node, "status", &STATUSES));
        let source = fields.or("source", Source::Manual, |node| word(node, "source", &SOURCES));
        let subject = fields.optional("subject", |node| text::or_null(node, text::name));
        let connection = fields.optional("connection", |node| known::connection(node, Some(organization)));
        let external_id = fields.optional("external_id", text::name);
        let primary_owner = fields.or("primary_owner", false, |node| {
            let is_one = node.flag()?;
            if is_one && organization.primary_owner.is_none() {
                return refuse(node, "the organization has no `primary_owner`");
            }
            Ok(is_one)
        });
        let (seat_tier, status) = (seat_tier?.flatten(), status?);
        if status == Status::Pending && seat_tier.is_some() {
            return Err(fields.fault("seat_tier", "who is pending waits for a seat and has none"));
        }
        Ok(MemberBefore {
            role: role?,
            seat_tier,
            status,
            source: source?,
            subject: subject?,
            connection: connection?,
            external_id: external_id?,
            primary_owner: primary_owner?,
        })
    })
}

fn ticket(node: &Node<'_>, organization: &Organization) -> Result<TicketBefore, Recorded> {
    node.object(|fields| {
        let last_iat = fields.required("last_iat", "-600", text::seconds);
        let not_before = fields.optional("not_before", text::seconds);
        let subject = fields.optional("subject", text::name);
        let connection = fields.optional("connection", |node| known::connection(node, Some(organization)));
        Ok(TicketBefore { last_iat: last_iat?, not_before: not_before?, subject: subject?, connection: connection? })
    })
}

/// One of some words, each with its meaning.
pub(super) fn word<T: Copy>(node: &Node<'_>, what: &str, words: &[(&str, T)]) -> Result<T, Recorded> {
    let names: Vec<&str> = words.iter().map(|(name, _)| *name).collect();
    let word = text::known(node, what, &names)?;
    match words.iter().find(|(name, _)| *name == word) {
        Some((_, meaning)) => Ok(*meaning),
        None => refuse(node, format!("unknown {what}")),
    }
}
