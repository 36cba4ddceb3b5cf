//! What a login does to the membership: the store's decision, pure; it reads facts and answers effects (design §2).

mod admission;
mod removal;
mod stale;
#[cfg(test)]
mod tests;

use super::effects::{Effects, Ticket};
use super::plan::Plan;
use super::seats::Taken;
use crate::Reason;
use crate::id::MemberId;
use crate::member::{Identity, Member, Source, Status};
use crate::model::{Organization, ScimMatch};
use crate::wire::{Answer, Login};

/// What the store read, in the transaction in which it will write.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The member linked to this (issuer, subject).
    pub linked: Option<Member>,
    /// The member with the assertion's email, linked or not.
    pub by_email: Option<Member>,
    /// The member with the assertion's external id, where the connection links by it.
    pub by_external_id: Option<Member>,
    /// What is kept about this identity's assertions.
    pub ticket: Option<Ticket>,
    /// The `not_before` kept for the assertion's email.
    pub email_not_before: Option<u64>,
    /// Active members with the top role (never more than 2 need be counted).
    pub active_owners: u32,
    /// Whether some member already answers to the policy's `primary_owner`.
    pub primary_owner_taken: bool,
    /// Seats taken, by tier.
    pub taken: Taken,
    /// Removals by logins in the last hour.
    pub removals_last_hour: u32,
    /// The id that a new member gets.
    pub new_id: MemberId,
    /// The store's clock, whole seconds since the Unix epoch.
    pub now: u64,
}

/// What came of a login, and what is written for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The answer to the filter.
    pub answer: Answer,
    /// The member after this login, where the answer has one.
    pub member: Option<Member>,
    /// What is written.
    pub effects: Effects,
}

/// Decides one login. The plan must fit the organization (`plan::fits`).
///
/// Every login that is not older moves `last_iat`, denied ones and strangers included; an older one writes nothing.
pub fn decide(organization: &Organization, login: &Login, facts: &Facts) -> Outcome {
    let case = Case { organization, login, facts };
    if login.issued_at < facts.ticket.unwrap_or_default().last_iat {
        return stale::decide(&case);
    }
    let mut outcome = match &login.plan {
        Plan::Remove { reason } if !case.lets_owner_in(*reason) => removal::decide(&case),
        Plan::Assign { .. } | Plan::Ensure { .. } | Plan::Remove { .. } | Plan::Require => admission::decide(&case),
    };
    case.move_last_iat(&mut outcome.effects);
    outcome
}

/// One login with everything that is known about it.
struct Case<'a> {
    organization: &'a Organization,
    login: &'a Login,
    facts: &'a Facts,
}

/// Who comes with an identity.
enum Found<'a> {
    Conflict,
    Member(&'a Member),
    Nobody,
}

impl Case<'_> {
    fn identity(&self) -> Identity {
        Identity { issuer: self.login.issuer.clone(), subject: self.login.subject.clone() }
    }

    /// The member that this identity is, or is to be linked to: once, by email or by the directory's id.
    fn find(&self) -> Found<'_> {
        let (organization, login, facts) = (self.organization, self.login, self.facts);
        if let Some(member) = &facts.linked {
            return Found::Member(member);
        }
        let matches_by_external_id = organization
            .connections
            .iter()
            .any(|connection| connection.id == login.connection && connection.scim_match == ScimMatch::ExternalId);
        match (&facts.by_external_id, &facts.by_email) {
            (Some(member), other) if matches_by_external_id => {
                let two_candidates = other.as_ref().is_some_and(|other| other.id != member.id);
                if two_candidates || member.identity.is_some() { Found::Conflict } else { Found::Member(member) }
            }
            (_, None) => Found::Nobody,
            (_, Some(member)) => {
                // A directory's member is somebody else where the id is what links and does not match.
                let of_directory = member.source == Source::Scim || member.external_id.is_some();
                let foreign = matches_by_external_id && of_directory;
                if foreign || member.identity.is_some() { Found::Conflict } else { Found::Member(member) }
            }
        }
    }

    /// Whether a member answers to the `primary_owner` that the policy names today.
    fn is_primary_owner(&self, member: &Member) -> bool {
        is_primary_owner(self.organization, member)
    }

    /// Whether this is the first login of the policy's primary owner: by email, once, and not with the email of another.
    fn is_first_login_of_primary_owner(&self) -> bool {
        let may_have_the_email = match (self.find(), &self.facts.by_email) {
            (Found::Conflict, _) => false,
            (Found::Member(found), Some(named)) => found.id == named.id,
            (Found::Member(_), None) | (Found::Nobody, _) => true,
        };
        self.organization.primary_owner.as_ref().is_some_and(|owner| {
            !self.facts.primary_owner_taken
                && may_have_the_email
                && owner.email == self.login.email
                && owner.connection.as_ref().is_none_or(|connection| *connection == self.login.connection)
        })
    }

    /// In no mapped group, the primary owner is let in; `not_assigned` denies them like anyone.
    fn lets_owner_in(&self, reason: Reason) -> bool {
        let is_owner = match &self.facts.linked {
            Some(member) if self.is_primary_owner(member) => true,
            Some(_) | None => self.is_first_login_of_primary_owner(),
        };
        is_owner && reason != Reason::NotAssigned
    }

    /// Whether this member is the last active one with the top role.
    fn is_last_owner(&self, member: &Member) -> bool {
        is_last_owner(self.organization, member, self.facts.active_owners)
    }

    /// In scim modes a member counts only if the directory made it, or if it is the primary owner.
    fn counts(&self, member: &Member) -> bool {
        !self.organization.provisioning.is_scim() || member.source == Source::Scim || self.is_primary_owner(member)
    }

    /// Whether a removal, suspension or logout revoked this assertion. By email only until the first link.
    fn is_revoked(&self) -> bool {
        let by_identity = self.facts.ticket.and_then(|ticket| ticket.not_before);
        let by_email = self.facts.email_not_before.filter(|_| self.facts.linked.is_none());
        by_identity.max(by_email).is_some_and(|not_before| self.login.issued_at <= not_before)
    }

    fn move_last_iat(&self, effects: &mut Effects) {
        let known = self.facts.ticket;
        let ticket = match &effects.ticket {
            Some((_, ticket)) => Ticket { last_iat: self.login.issued_at, ..*ticket },
            None => Ticket { last_iat: self.login.issued_at, ..known.unwrap_or_default() },
        };
        effects.ticket = (known != Some(ticket)).then(|| (self.identity(), ticket));
    }
}

/// Whether a member answers to the `primary_owner` that the policy names today (design §2, "Owners").
pub fn is_primary_owner(organization: &Organization, member: &Member) -> bool {
    match (&organization.primary_owner, &member.primary_owner) {
        (Some(owner), Some(answered)) => owner.email == *answered,
        _ => false,
    }
}

/// Whether a member is the last active one with the top role; `active_owners` counts them all.
pub(super) fn is_last_owner(organization: &Organization, member: &Member, active_owners: u32) -> bool {
    member.status == Status::Active && member.role == *organization.top_role() && active_owners <= 1
}

impl Outcome {
    /// An answer that writes nothing.
    fn plain(answer: Answer, member: Option<Member>) -> Self {
        Self { answer, member, effects: Effects::default() }
    }
}
