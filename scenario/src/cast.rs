//! The people of a scenario under its policy: who has which email, which subject, which place.

use std::sync::Arc;

use anyhow::{Context, Result};
use usher_policy::Policy;
use usher_policy::id::{DirectoryUserId, Email, MemberId, OrganizationId, Role, Subject, Tier};
use usher_policy::member::{Identity, Member, Source, Status};
use usher_policy::model::{Connection, Organization};
use usher_policy::rules::effects::Ticket;

use crate::step::{Beginning, MemberBefore};

/// Who and what a policy knows, by the names that scenarios use.
#[derive(Clone, Copy, Debug)]
pub struct Cast<'a> {
    policy: &'a Policy,
}

/// What a store holds when a scenario begins.
#[derive(Clone, Debug, Default)]
pub struct Memberships {
    /// The members.
    pub members: Vec<Member>,
    /// What is kept about assertions.
    pub tickets: Vec<(OrganizationId, Identity, Ticket)>,
    /// The `not_before` that is kept by email.
    pub email_blocks: Vec<(OrganizationId, Email, u64)>,
    /// Whether those who came from a directory are in it: where the story has steps of one.
    pub with_directory: bool,
}

impl Memberships {
    /// Whether nobody and nothing is there.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty() && self.tickets.is_empty() && self.email_blocks.is_empty()
    }
}

impl<'a> Cast<'a> {
    /// The people under a policy.
    pub fn new(policy: &'a Policy) -> Self {
        Self { policy }
    }

    /// The organization that is named, or the first.
    ///
    /// # Errors
    /// There is none.
    pub fn organization(&self, named: Option<&str>) -> Result<&'a Arc<Organization>> {
        let found = match named {
            Some(id) => self.policy.organization(id),
            None => self.policy.organizations.first(),
        };
        found.with_context(|| format!("no organization `{}`", named.unwrap_or_default()))
    }

    /// The connection that is named, of the organization's parent, or the organization's first.
    ///
    /// # Errors
    /// There is none.
    pub fn connection(organization: &'a Organization, named: Option<&str>) -> Result<&'a Arc<Connection>> {
        let found = match named {
            Some(id) => organization.parent.connections.iter().find(|connection| connection.id.as_str() == id),
            None => organization.connections.first(),
        };
        found.with_context(|| format!("no connection `{}`", named.unwrap_or_default()))
    }

    /// The email of a person: the person is one already, or has one under the first domain of the organization's parent.
    pub fn email(organization: &Organization, person: &str) -> String {
        if person.contains('@') {
            return person.to_owned();
        }
        format!("{person}@{}", domain(organization))
    }

    /// The person with an email, as one would write them.
    pub fn person(organization: &Organization, email: &str) -> String {
        let usual = email.strip_suffix(domain(organization)).and_then(|local| local.strip_suffix('@'));
        usual.filter(|local| !local.is_empty() && !local.contains('@')).unwrap_or(email).to_owned()
    }

    /// Everyone who is there when a scenario begins. `now` is in seconds since the Unix epoch.
    ///
    /// # Errors
    /// The policy does not have what is named.
    pub fn memberships(&self, before: &[Beginning], now: u64) -> Result<Memberships> {
        let mut all = Memberships::default();
        for beginning in before {
            let organization = self.organization(beginning.of.as_deref())?;
            for (person, looks) in &beginning.members {
                // A store knows a member's id by its form, a UUID.
                let id = MemberId::new(format!("00000000-0000-7000-8000-{:012}", all.members.len() + 1));
                all.members.push(member(organization, person, looks, id, now)?);
            }
            for (person, kept) in &beginning.tickets {
                let subject = kept.subject.as_deref().unwrap_or(person);
                let identity = identity(organization, kept.connection.as_deref(), subject)?;
                let at = |offset: i64| now.saturating_add_signed(offset);
                let ticket = Ticket { last_iat: at(kept.last_iat), not_before: kept.not_before.map(at) };
                all.tickets.push((organization.id.clone(), identity, ticket));
            }
            for (person, offset) in &beginning.blocks {
                let email = email(organization, person)?;
                all.email_blocks.push((organization.id.clone(), email, now.saturating_add_signed(*offset)));
            }
        }
        Ok(all)
    }
}

fn member(organization: &Organization, person: &str, looks: &MemberBefore, id: MemberId, now: u64) -> Result<Member> {
    let role = looks.role.as_ref().map_or_else(|| organization.product.default_role.clone(), Role::new);
    // Long before anything that happens in the scenario.
    let made = now.saturating_sub(86_400);
    let mut member = Member::new(id, organization.id.clone(), email(organization, person)?, role, looks.source, made);
    member.seat_tier = looks.seat_tier.as_ref().map(Tier::new);
    member.status = looks.status;
    member.pending_since = (looks.status == Status::Pending).then_some(made);
    member.external_id.clone_from(&looks.external_id);
    member.directory_user = (looks.source == Source::Scim).then(|| DirectoryUserId::new(person));
    let subject = looks.subject.clone().unwrap_or_else(|| Some(person.to_owned()));
    member.identity =
        subject.map(|subject| identity(organization, looks.connection.as_deref(), &subject)).transpose()?;
    if looks.primary_owner {
        let owner = organization.primary_owner.as_ref().context("the organization has no `primary_owner`")?;
        member.primary_owner = Some(owner.email.clone());
    }
    Ok(member)
}

fn identity(organization: &Organization, connection: Option<&str>, subject: &str) -> Result<Identity> {
    let connection = Cast::connection(organization, connection)?;
    Ok(Identity { issuer: connection.issuer.clone(), subject: Subject::new(subject) })
}

fn email(organization: &Organization, person: &str) -> Result<Email> {
    let email = Cast::email(organization, person);
    Email::parse(&email).with_context(|| format!("`{email}` is not an email"))
}

fn domain(organization: &Organization) -> &str {
    // The policy's reader sees to it that there is one.
    organization.parent.domains.first().map_or("", String::as_str)
}
