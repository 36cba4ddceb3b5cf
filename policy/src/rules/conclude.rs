//! From the store's answer to the verdict. Only here is a `Permit` made.

use super::access;
use super::path::NormalPath;
use super::plan::Plan;
use crate::Reason;
use crate::id::{Email, MemberId, OrganizationId, Role, Subject, Tier};
use crate::member::Status;
use crate::model::Organization;
use crate::wire::{Answer, LoginAnswer, MemberFacts};

/// An active member's place, as the store last confirmed it: what a session remembers. Not yet a permission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    organization: OrganizationId,
    member: MemberId,
    subject: Subject,
    email: Email,
    role: Role,
    seat_tier: Option<Tier>,
}

impl Standing {
    /// The role, for logs.
    pub fn role(&self) -> &Role {
        &self.role
    }

    /// The seat tier, for logs.
    pub fn seat_tier(&self) -> Option<&Tier> {
        self.seat_tier.as_ref()
    }

    /// The member's id, for logs.
    pub fn member(&self) -> &MemberId {
        &self.member
    }
}

/// Leave to pass one request: the only thing from which identity headers are made. Nothing but [`admit`] makes one.
#[derive(Clone, Copy, Debug)]
pub struct Permit<'a> {
    standing: &'a Standing,
}

impl<'a> Permit<'a> {
    /// The organization's id.
    pub fn organization(&self) -> &'a OrganizationId {
        &self.standing.organization
    }

    /// The member's id.
    pub fn member(&self) -> &'a MemberId {
        &self.standing.member
    }

    /// The assertion's subject.
    pub fn subject(&self) -> &'a Subject {
        &self.standing.subject
    }

    /// The stored email after the login.
    pub fn email(&self) -> &'a Email {
        &self.standing.email
    }

    /// The role.
    pub fn role(&self) -> &'a Role {
        &self.standing.role
    }

    /// The seat tier, if one is held.
    pub fn seat_tier(&self) -> Option<&'a Tier> {
        self.standing.seat_tier.as_ref()
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
pub fn conclude(
    organization: &Organization,
    plan: &Plan,
    subject: &Subject,
    answer: &LoginAnswer,
) -> Result<Standing, Reason> {
    if let Plan::Remove { reason: Reason::NotAssigned } = plan {
        // A claim's reason comes before every reason of the store (design §2, "Precedence").
        return Err(Reason::NotAssigned);
    }
    match (answer.answer, plan) {
        (Answer::Replayed, _) => Err(Reason::Replayed),
        (Answer::Conflict, _) => Err(Reason::IdentityConflict),
        (Answer::Suspended, _) => Err(Reason::MemberSuspended),
        (Answer::Pending, _) => Err(Reason::NoSeatAvailable),
        // Before the rest: the primary owner is let in where a plan would remove them.
        (Answer::Member, _) => match &answer.member {
            Some(member) => standing(organization, subject, member),
            None => Err(Reason::StoreUnavailable),
        },
        (Answer::Absent | Answer::Kept | Answer::Removed | Answer::Revoked, Plan::Remove { reason }) => Err(*reason),
        (Answer::Revoked, _) => Err(Reason::SessionRevoked),
        (Answer::Absent, _) if organization.provisioning.is_scim() => Err(Reason::NotProvisioned),
        (Answer::Absent, _) => Err(Reason::NotAMember),
        (Answer::Kept | Answer::Removed, _) => Err(Reason::StoreUnavailable),
    }
}

fn standing(organization: &Organization, subject: &Subject, member: &MemberFacts) -> Result<Standing, Reason> {
    match member.status {
        Status::Active => {}
        Status::Pending => return Err(Reason::NoSeatAvailable),
        Status::Suspended => return Err(Reason::MemberSuspended),
    }
    if organization.seats.is_some() && member.seat_tier.is_none() {
        return Err(Reason::SeatUnassigned);
    }
    Ok(Standing {
        organization: organization.id.clone(),
        member: member.id.clone(),
        subject: subject.clone(),
        email: member.email.clone(),
        role: member.role.clone(),
        seat_tier: member.seat_tier.clone(),
    })
}

/// Admits one request of a member: the last check, after which nothing can deny.
///
/// # Errors
/// `role_not_allowed`, `seat_tier_not_allowed`; `ambiguous_request` where the path is needed and missing.
pub fn admit<'a>(
    organization: &Organization,
    standing: &'a Standing,
    request: Request<'_>,
) -> Result<Permit<'a>, Reason> {
    access::check(organization, &standing.role, standing.seat_tier.as_ref(), request)?;
    Ok(Permit { standing })
}
