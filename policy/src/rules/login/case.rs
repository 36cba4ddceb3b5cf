//! One login with everything that is known about it, and what can be asked of that.

use super::Facts;
use crate::Reason;
use crate::member::{Identity, Member, Source, Status};
use crate::model::{Organization, Provisioning, ScimMatch};
use crate::rules::plan::Plan;
use crate::wire::Login;

/// One login.
pub(super) struct Case<'a> {
    pub(super) organization: &'a Organization,
    pub(super) login: &'a Login,
    pub(super) facts: &'a Facts,
}

/// Who an identity is.
pub(super) enum Found<'a> {
    /// The email or the external id is another's, or two answer to it.
    Conflict,
    /// This one, linked or to be linked.
    Member(&'a Member),
    Nobody,
}

impl Case<'_> {
    pub(super) fn identity(&self) -> Identity {
        Identity { issuer: self.login.issuer.clone(), subject: self.login.subject.clone() }
    }

    /// Whether a login with a newer `iat` came before this one; an equal one is not newer.
    pub(super) fn is_older(&self) -> bool {
        self.login.issued_at < self.facts.ticket.unwrap_or_default().last_iat
    }

    /// Whether a removal, suspension or logout revoked this assertion. By email only until the first link.
    pub(super) fn is_revoked(&self) -> bool {
        let by_identity = self.facts.ticket.and_then(|ticket| ticket.not_before);
        let by_email = self.facts.email_not_before.filter(|_| self.facts.linked.is_none());
        by_identity.max(by_email).is_some_and(|not_before| self.login.issued_at <= not_before)
    }

    /// Whether the claims deny this login and it removes. In no mapped group, the primary owner is let in; `not_assigned`
    /// denies them like anyone.
    pub(super) fn turns_away(&self) -> bool {
        match &self.login.plan {
            Plan::Remove { reason: Reason::NotAssigned } => true,
            Plan::Remove { .. } => {
                let is_owner = self.facts.linked.as_ref().is_some_and(|member| self.is_primary_owner(member));
                !is_owner && !self.is_first_login_of_primary_owner()
            }
            Plan::Assign { .. } | Plan::Ensure { .. } | Plan::Require => false,
        }
    }

    /// The member with this (issuer, subject).
    pub(super) fn linked(&self) -> Found<'_> {
        self.facts.linked.as_ref().map_or(Found::Nobody, Found::Member)
    }

    /// The member that this identity is, or is to be linked to: once, by email or by the directory's id.
    pub(super) fn find(&self) -> Found<'_> {
        let facts = self.facts;
        if let Some(member) = &facts.linked {
            return Found::Member(member);
        }
        let links_by_id = self.links_by_external_id();
        match (facts.by_external_id.as_slice(), &facts.by_email) {
            // A directory may give two users one id: which of them this is, nobody can tell.
            ([_, _, ..], _) if links_by_id => Found::Conflict,
            ([member], other) if links_by_id => {
                let two_candidates = other.as_ref().is_some_and(|other| other.id != member.id);
                if two_candidates || member.identity.is_some() { Found::Conflict } else { Found::Member(member) }
            }
            (_, None) => Found::Nobody,
            (_, Some(member)) => {
                // A directory's member is somebody else where the id is what links and does not match.
                let of_directory = member.source == Source::Scim || member.external_id.is_some();
                let foreign = links_by_id && of_directory;
                if foreign || member.identity.is_some() { Found::Conflict } else { Found::Member(member) }
            }
        }
    }

    fn links_by_external_id(&self) -> bool {
        let mut connections = self.organization.connections.iter();
        connections.any(|known| known.id == self.login.connection && known.scim_match == ScimMatch::ExternalId)
    }

    /// Whether this is the first login of the policy's primary owner: by email, once, not with the email of another, and
    /// not with an older assertion, by which nobody becomes anything.
    pub(super) fn is_first_login_of_primary_owner(&self) -> bool {
        let may_have_the_email = match (self.find(), &self.facts.by_email) {
            (Found::Conflict, _) => false,
            (Found::Member(found), Some(named)) => found.id == named.id,
            (Found::Member(_), None) | (Found::Nobody, _) => true,
        };
        self.organization.primary_owner.as_ref().is_some_and(|owner| {
            !self.facts.primary_owner_taken
                && !self.is_older()
                && may_have_the_email
                && owner.email == self.login.email
                && owner.connection.as_ref().is_none_or(|connection| *connection == self.login.connection)
        })
    }

    /// Whether a member answers to the `primary_owner` that the policy names today.
    pub(super) fn is_primary_owner(&self, member: &Member) -> bool {
        is_primary_owner(self.organization, member)
    }

    /// Whether this member is the last active one with the top role.
    pub(super) fn is_last_owner(&self, member: &Member) -> bool {
        is_last_owner(self.organization, member, self.facts.active_owners)
    }

    /// In scim modes a member counts only if the directory made it, or if it is the primary owner.
    pub(super) fn counts(&self, member: &Member) -> bool {
        !self.organization.provisioning.is_scim() || member.source == Source::Scim || self.is_primary_owner(member)
    }

    /// Whether the groups that give this member's tier are the directory's.
    pub(super) fn is_seated_by_directory(&self, member: &Member) -> bool {
        match &self.organization.provisioning {
            Provisioning::ScimMapped(mappings) => !mappings.seat_tiers.is_empty() && member.source == Source::Scim,
            Provisioning::Manual | Provisioning::Jit | Provisioning::JitMapped(_) | Provisioning::Scim => false,
        }
    }

    /// Whether logins removed so many in the last hour that the next ones no longer do (design §2, "Guards").
    pub(super) fn has_removed_enough(&self) -> bool {
        self.facts.removals_last_hour >= self.organization.guards.removals_by_login
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
pub(in crate::rules) fn is_last_owner(organization: &Organization, member: &Member, active_owners: u32) -> bool {
    member.status == Status::Active && member.role == *organization.top_role() && active_owners <= 1
}
