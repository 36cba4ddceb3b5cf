//! The one call to the store: how a login is written, and how strictly its answer is read.

use std::fmt;

use usher_policy::id::OrganizationId;
use usher_policy::json;
use usher_policy::model::Organization;
use usher_policy::wire::{Login, LoginAnswer};

/// The longest answer that is read, in bytes.
pub(crate) const MAX_ANSWER: usize = 64 * 1024;

/// Why there is nothing to go by. For the log: whoever is denied learns only `store_unavailable`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NoAnswer {
    /// The answer is longer than [`MAX_ANSWER`].
    TooLong,
    /// It is no answer to a login.
    Unreadable,
    /// It names a role or a tier that the organization's product does not have.
    Unfitting,
    /// The call could not be sent.
    Unsent,
    /// It ended without an answer.
    Reset,
    /// The status was another than 200.
    Status(u16),
}

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(f, "the answer is longer than {MAX_ANSWER} bytes"),
            Self::Unreadable => f.write_str("the answer is not one to a login"),
            Self::Unfitting => f.write_str("the answer names a role or tier that the product does not have"),
            Self::Unsent => f.write_str("the call could not be sent"),
            Self::Reset => f.write_str("there was no answer"),
            Self::Status(status) => write!(f, "the answer's status is {status}"),
        }
    }
}

/// The path of an organization's logins.
pub(crate) fn path(organization: &OrganizationId) -> String {
    let mut path = String::from("/v1/organizations/");
    for byte in organization.as_str().bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => path.push(char::from(byte)),
            _ => path.push_str(&format!("%{byte:02X}")),
        }
    }
    path.push_str("/logins");
    path
}

/// The body of the call.
///
/// # Errors
/// `Unsent` where it cannot be written.
pub(crate) fn body(login: &Login) -> Result<Vec<u8>, NoAnswer> {
    serde_json::to_vec(login).map_err(|_| NoAnswer::Unsent)
}

/// Reads the answer. The store sends more about a member than the filter needs, which is ignored; nothing else is.
///
/// # Errors
/// Whatever is not a readable, fitting answer with status 200.
pub(crate) fn read(organization: &Organization, status: Option<u16>, body: &[u8]) -> Result<LoginAnswer, NoAnswer> {
    match status {
        None => return Err(NoAnswer::Reset),
        Some(200) => {}
        Some(status) => return Err(NoAnswer::Status(status)),
    }
    if body.len() > MAX_ANSWER {
        return Err(NoAnswer::TooLong);
    }
    let answer: LoginAnswer =
        json::parse(body).ok().and_then(|value| serde_json::from_value(value).ok()).ok_or(NoAnswer::Unreadable)?;
    let fits = answer.member.as_ref().is_none_or(|member| {
        organization.product.has_role(&member.role)
            && member.seat_tier.as_ref().is_none_or(|tier| organization.product.has_tier(tier))
    });
    if fits { Ok(answer) } else { Err(NoAnswer::Unfitting) }
}
