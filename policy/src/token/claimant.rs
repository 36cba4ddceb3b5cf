//! Who a verified assertion is about: email, domain, assignment and groups (design §2, "Email", "Groups", "Assignment").

use super::groups;
use super::verify::VerifiedAssertion;
use crate::Reason;
use crate::id::{ConnectionId, Email, Issuer, Subject};
use crate::json::Json;
use crate::model::{ClaimPath, Connection, EmailTrust, Organization};
use crate::rules::plan::{self, Plan, Presented};
use crate::scan::{self, Sought};
use crate::wire::Login;

/// A person as the provider vouches for them, with every claim-side check passed but assignment and groups.
#[derive(Debug)]
pub struct Claimant<'a> {
    /// The `iss`.
    pub issuer: Issuer,
    /// The `sub`.
    pub subject: Subject,
    /// The email, verified and of an accepted domain.
    pub email: Email,
    /// The display name, if there is one: at most 256 bytes, no control characters.
    pub name: Option<String>,
    /// The claim that the connection names as `external_id`: 1 to 256 bytes, no NUL.
    pub external_id: Option<String>,
    /// The `iat`, whole seconds.
    pub issued_at: u64,
    /// Whether the assignment shows.
    pub assigned: bool,
    /// The groups, or why they cannot be known.
    pub groups: Result<Vec<&'a str>, Reason>,
    connection: ConnectionId,
}

impl<'a> Claimant<'a> {
    /// Reads the person out of a verified assertion.
    ///
    /// # Errors
    /// `missing_claim` (email), `email_not_verified`, `domain_not_verified`, `not_assigned` (a `require` that does not hold);
    /// `groups_overage` where the assignment shows in a claim that the provider left out for its length.
    pub fn read(organization: &Organization, assertion: &'a VerifiedAssertion) -> Result<Self, Reason> {
        let connection = assertion.connection();
        let claims = assertion.claims();
        let email = email(organization, connection, claims)?;
        if !connection.require.iter().all(|required| shows(claims, &required.claim, &required.any_of)) {
            return Err(Reason::NotAssigned);
        }
        Ok(Self {
            issuer: assertion.issuer().clone(),
            subject: assertion.subject().clone(),
            email,
            name: connection.claims.name.find(claims).and_then(Json::as_str).and_then(display_name),
            external_id: connection.claims.external_id.as_ref().and_then(|path| external_id(path.find(claims)?)),
            issued_at: assertion.issued_at(),
            assigned: assigned(connection, claims)?,
            groups: groups::read(claims, &connection.claims.groups),
            connection: connection.id.clone(),
        })
    }

    /// The login that is put to the store.
    ///
    /// # Errors
    /// Those of [`plan::plan`].
    pub fn login(self, organization: &Organization, preview: bool) -> Result<Login, Reason> {
        let groups = match &self.groups {
            Ok(groups) => Ok(groups.as_slice()),
            Err(reason) => Err(*reason),
        };
        let plan: Plan = plan::plan(organization, Presented { assigned: self.assigned, groups })?;
        Ok(Login {
            connection: self.connection,
            issuer: self.issuer,
            subject: self.subject,
            email: self.email,
            name: self.name,
            external_id: self.external_id,
            issued_at: self.issued_at,
            plan,
            preview,
        })
    }
}

/// The email, if it is there, verified, and of a domain that both parent and connection speak for.
fn email(organization: &Organization, connection: &Connection, claims: Json<'_>) -> Result<Email, Reason> {
    let address = connection.claims.email.find(claims).and_then(Json::as_str).ok_or(Reason::MissingClaim)?;
    let verified = match connection.email {
        EmailTrust::Trusted => true,
        EmailTrust::Verified => claims.get("email_verified").is_some_and(Json::is_affirmed),
    };
    if !verified {
        return Err(Reason::EmailNotVerified);
    }
    let email = Email::parse(address).ok_or(Reason::DomainNotVerified)?;
    let is_among = |domains: &Vec<String>| domains.iter().any(|domain| email.is_of(domain));
    let accepted = is_among(&organization.parent.domains) && connection.domains.as_ref().is_none_or(is_among);
    if accepted { Ok(email) } else { Err(Reason::DomainNotVerified) }
}

/// Whether the assignment shows; a claim that was left out for its length shows neither that nor the contrary.
fn assigned(connection: &Connection, claims: Json<'_>) -> Result<bool, Reason> {
    let Some(assignment) = &connection.assignment else {
        return Ok(true);
    };
    let shows_in_groups = assignment.claim == connection.claims.groups;
    if groups::is_elsewhere(claims, &assignment.claim)
        || (shows_in_groups && groups::is_overage(claims, &assignment.claim))
    {
        return Err(Reason::GroupsOverage);
    }
    Ok(shows(claims, &assignment.claim, &assignment.any_of))
}

/// Whether a claim has one of the values: itself, or as one of an array. Numbers and booleans compare as JSON writes them.
fn shows(claims: Json<'_>, claim: &ClaimPath, any_of: &[String]) -> bool {
    let has = |text: &str| any_of.iter().any(|one| one == text);
    let one = |value: Json<'_>| {
        value.as_str().is_some_and(has)
            || value.as_bool().is_some_and(|yes| has(if yes { "true" } else { "false" }))
            || value.as_number().is_some_and(|number| has(&number.to_string()))
    };
    claim.find(claims).is_some_and(|value| match value.as_array() {
        Some(mut values) => values.any(one),
        None => one(value),
    })
}

/// The longest name and external id that the store keeps, in bytes.
const MAX_LEN: usize = 256;

fn display_name(name: &str) -> Option<String> {
    // Nearly every name stays as it is.
    if (1..=MAX_LEN).contains(&name.len()) && scan::position(name.as_bytes(), Sought::UNPRINTABLE).is_none() {
        return Some(name.to_owned());
    }
    let mut shown = String::with_capacity(name.len().min(MAX_LEN));
    for character in name.chars().filter(|character| !character.is_control()) {
        if shown.len() + character.len_utf8() > MAX_LEN {
            break;
        }
        shown.push(character);
    }
    (!shown.is_empty()).then_some(shown)
}

/// An id is never shortened: half of one may be another's. One with NUL is none that a directory can have given.
fn external_id(value: Json<'_>) -> Option<String> {
    value.as_str().filter(|id| (1..=MAX_LEN).contains(&id.len()) && !id.contains('\0')).map(str::to_owned)
}
