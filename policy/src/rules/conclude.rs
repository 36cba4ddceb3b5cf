//! From the store's answer to the verdict. Only here is a `Permit` made.

use std::sync::Arc;

use super::access;
use super::path::NormalPath;
use super::plan::Plan;
use crate::Reason;
use crate::id::{Email, MemberId, OrganizationId, Role, Subject, Tier};
use crate::member::Status;
use crate::model::Organization;
use crate::scan::{self, Sought};
use crate::wire::{Answer, Login, LoginAnswer, MemberFacts};

/// An active member's place, as the store last confirmed it: what a session remembers. Not yet a permission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    organization: OrganizationId,
    who: Who,
    role: Role,
    seat_tier: Option<Tier>,
    /// Whether every value of it is a tag as it is, with nothing to encode: every request of a session is tagged.
    is_tag: bool,
}

/// The member's id, the subject and the email, one after the other: a worker holds thousands of standings.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Who {
    text: Box<str>,
    subject_at: usize,
    email_at: usize,
}

impl Who {
    fn new(member: &MemberId, subject: &Subject, email: &Email) -> Self {
        let (member, subject) = (member.as_str(), subject.as_str());
        Self {
            text: [member, subject, email.as_str()].concat().into(),
            subject_at: member.len(),
            email_at: member.len() + subject.len(),
        }
    }

    fn member(&self) -> &str {
        self.text.get(..self.subject_at).unwrap_or_default()
    }

    fn subject(&self) -> &str {
        self.text.get(self.subject_at..self.email_at).unwrap_or_default()
    }

    fn email(&self) -> &str {
        self.text.get(self.email_at..).unwrap_or_default()
    }
}

impl Standing {
    /// The standing after a change of role or seat; `None` where that is not a place from which this organization lets
    /// anybody in.
    pub fn changed(&self, organization: &Organization, role: Role, seat_tier: Option<Tier>) -> Option<Self> {
        let role = organization.product.role(&role)?.clone();
        let seat_tier = match seat_tier {
            Some(tier) => Some(organization.product.tier(&tier)?.clone()),
            None if organization.seats.is_some() => return None,
            None => None,
        };
        let is_its = organization.id == self.organization;
        is_its.then(|| Self::new(self.organization.clone(), self.who.clone(), role, seat_tier))
    }

    fn new(organization: OrganizationId, who: Who, role: Role, seat_tier: Option<Tier>) -> Self {
        let texts = [organization.as_str(), &who.text, role.as_str(), seat_tier.as_ref().map_or("", Tier::as_str)];
        let is_tag = texts.iter().all(|text| scan::position(text.as_bytes(), Sought::ENCODED).is_none());
        Self { organization, who, role, seat_tier, is_tag }
    }

    /// The organization's id.
    pub fn organization(&self) -> &OrganizationId {
        &self.organization
    }

    /// The assertion's subject, for logs.
    pub fn subject(&self) -> &str {
        self.who.subject()
    }

    /// The stored email, for logs.
    pub fn email(&self) -> &str {
        self.who.email()
    }

    /// The role, for logs.
    pub fn role(&self) -> &Role {
        &self.role
    }

    /// The seat tier, for logs.
    pub fn seat_tier(&self) -> Option<&Tier> {
        self.seat_tier.as_ref()
    }

    /// The member's id, for logs.
    pub fn member(&self) -> &str {
        self.who.member()
    }
}

/// Leave to pass one request: the only thing from which identity headers are made. Nothing but [`admit`] makes one.
#[derive(Clone, Debug)]
pub struct Permit {
    standing: Arc<Standing>,
}

impl Permit {
    /// The organization's id.
    pub fn organization(&self) -> &OrganizationId {
        &self.standing.organization
    }

    /// The member's id.
    pub fn member(&self) -> &str {
        self.standing.who.member()
    }

    /// The assertion's subject.
    pub fn subject(&self) -> &str {
        self.standing.who.subject()
    }

    /// The stored email after the login.
    pub fn email(&self) -> &str {
        self.standing.who.email()
    }

    /// The role.
    pub fn role(&self) -> &Role {
        &self.standing.role
    }

    /// The seat tier, if one is held.
    pub fn seat_tier(&self) -> Option<&Tier> {
        self.standing.seat_tier.as_ref()
    }

    /// Whether all of these are tags as they are: visible ASCII without `%` (design §4).
    pub fn is_tag(&self) -> bool {
        self.standing.is_tag
    }
}

/// The one request that is to be admitted.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The `:method`.
    pub method: &'a str,
    /// The path, where the organization's verdict depends on it.
    pub path: Option<&'a NormalPath>,
}

/// What the store's answer to a plan means.
///
/// # Errors
/// The reason for which the login is denied; an answer that does not go with the plan is `store_unavailable`.
pub fn conclude(organization: &Organization, login: &Login, answer: &LoginAnswer) -> Result<Standing, Reason> {
    match (answer.answer, &login.plan) {
        // A claim's reason comes before every reason of the store (design §2, "Precedence").
        (_, Plan::Remove { reason: Reason::NotAssigned }) => Err(Reason::NotAssigned),
        (Answer::Replayed, _) => Err(Reason::Replayed),
        (Answer::Conflict, _) => Err(Reason::IdentityConflict),
        (Answer::Suspended, _) => Err(Reason::MemberSuspended),
        // "No free seat: the member is listed as `pending`, login is denied `no_seat_available`".
        (Answer::Pending, _) => Err(Reason::NoSeatAvailable),
        // Whatever the plan: the primary owner "in no mapped group, or not provisioned" is let in.
        (Answer::Member, _) => match &answer.member {
            Some(member) => standing(organization, login, member),
            None => Err(Reason::StoreUnavailable),
        },
        // "A plan to remove is answered with its own reason, however often it comes".
        (Answer::Absent | Answer::Kept | Answer::Removed | Answer::Revoked, Plan::Remove { reason }) => Err(*reason),
        (Answer::Revoked, _) => Err(Reason::SessionRevoked),
        (Answer::Absent, _) if organization.provisioning.is_scim() => Err(Reason::NotProvisioned),
        (Answer::Absent, _) => Err(Reason::NotAMember),
        // An answer to another plan than the one that was sent.
        (Answer::Kept | Answer::Removed, _) => Err(Reason::StoreUnavailable),
    }
}

fn standing(organization: &Organization, login: &Login, member: &MemberFacts) -> Result<Standing, Reason> {
    match member.status {
        Status::Active => {}
        Status::Pending => return Err(Reason::NoSeatAvailable),
        Status::Suspended => return Err(Reason::MemberSuspended),
    }
    if organization.seats.is_some() && member.seat_tier.is_none() {
        return Err(Reason::SeatUnassigned);
    }
    let catalog = &organization.product;
    Ok(Standing::new(
        organization.id.clone(),
        Who::new(&member.id, &login.subject, &member.email),
        // The catalog's own, which all share.
        catalog.role(&member.role).unwrap_or(&member.role).clone(),
        member.seat_tier.as_ref().map(|tier| catalog.tier(tier).unwrap_or(tier).clone()),
    ))
}

/// Admits one request of a member: the last check, after which nothing can deny.
///
/// # Errors
/// `role_not_allowed`, `seat_tier_not_allowed`; `ambiguous_request` where the path is needed and missing.
pub fn admit(organization: &Organization, standing: &Arc<Standing>, request: Request<'_>) -> Result<Permit, Reason> {
    access::check(organization, &standing.role, standing.seat_tier.as_ref(), request)?;
    Ok(Permit { standing: Arc::clone(standing) })
}

#[cfg(test)]
mod tests;
