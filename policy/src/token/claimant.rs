//! Who a verified assertion is about: email, domain, assignment and groups (design §2, "Email", "Groups", "Assignment").

use super::verify::VerifiedAssertion;
use crate::Reason;
use crate::id::{Email, Group, Issuer, Subject};
use crate::model::Organization;
use crate::rules::plan::{self, Plan, Presented};
use crate::wire::Login;

/// A person as the provider vouches for them, with every claim-side check passed but assignment and groups.
#[derive(Debug)]
pub struct Claimant {
    /// The `iss`.
    pub issuer: Issuer,
    /// The `sub`.
    pub subject: Subject,
    /// The email, verified and of an accepted domain.
    pub email: Email,
    /// The display name, if there is one.
    pub name: Option<String>,
    /// The claim that the connection names as `external_id`.
    pub external_id: Option<String>,
    /// The `iat`, whole seconds.
    pub issued_at: u64,
    /// Whether the assignment shows.
    pub assigned: bool,
    /// The groups, or why they cannot be known.
    pub groups: Result<Vec<Group>, Reason>,
    connection: crate::id::ConnectionId,
}

impl Claimant {
    /// Reads the person out of a verified assertion.
    ///
    /// # Errors
    /// `missing_claim` (email), `email_not_verified`, `domain_not_verified`, `not_assigned` (a `require` that does not hold).
    pub fn read(_organization: &Organization, _assertion: &VerifiedAssertion) -> Result<Self, Reason> {
        Err(Reason::MissingClaim)
    }

    /// The login that is put to the store.
    ///
    /// # Errors
    /// Those of [`plan::plan`].
    pub fn login(&self, organization: &Organization, preview: bool) -> Result<Login, Reason> {
        let groups = match &self.groups {
            Ok(groups) => Ok(groups.as_slice()),
            Err(reason) => Err(*reason),
        };
        let plan: Plan = plan::plan(organization, Presented { assigned: self.assigned, groups })?;
        Ok(Login {
            connection: self.connection.clone(),
            issuer: self.issuer.clone(),
            subject: self.subject.clone(),
            email: self.email.clone(),
            name: self.name.clone(),
            external_id: self.external_id.clone(),
            issued_at: self.issued_at,
            plan,
            preview,
        })
    }
}
