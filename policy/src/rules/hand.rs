//! What may be done by hand to a membership: add, edit, remove; pure, like a login.

use super::effects::Effects;
use super::seats::Taken;
use crate::id::MemberId;
use crate::member::{Member, Status};
use crate::model::Organization;

/// What the store read, in the transaction in which it will write.
#[derive(Clone, Debug)]
pub struct Facts {
    /// What is kept about the member's identity, where it is linked.
    pub ticket: Option<super::effects::Ticket>,
    /// Active members with the top role (never more than 2 need be counted).
    pub active_owners: u32,
    /// Seats taken, by tier.
    pub taken: Taken,
    /// The id that a new member gets.
    pub new_id: MemberId,
    /// The store's clock, whole seconds since the Unix epoch.
    pub now: u64,
}

/// Who is to be added; everything as the operator wrote it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addition {
    /// The email.
    pub email: String,
    /// The display name.
    pub name: Option<String>,
    /// The role; the product's default without one.
    pub role: Option<String>,
    /// The tier; `seats.default` decides without one.
    pub seat_tier: Option<String>,
}

/// What is to change; `None` leaves a thing as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edit {
    /// The new role.
    pub role: Option<String>,
    /// The new tier; `Some(None)` takes the seat away.
    pub seat_tier: Option<Option<String>>,
    /// `Active` or `Suspended`.
    pub status: Option<Status>,
    /// Forget (issuer, subject), so that the next login links anew.
    pub unlink: bool,
}

/// What came of it, and what is written for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handled {
    /// The member after it (before it, when removed).
    pub member: Member,
    /// What is written.
    pub effects: Effects,
    /// What the operator should know: the last owner went.
    pub warning: Option<Warning>,
}

/// What an operator is warned of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Warning {
    /// No active member holds the top role any more.
    LastOwner,
}

/// Why something cannot be done by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// The email is taken in this organization.
    #[error("a member with this email exists already")]
    AlreadyAMember,
    /// The email's domain is not one of the parent's.
    #[error("the email's domain is not a verified domain of the parent")]
    DomainNotVerified,
    /// The email is not one.
    #[error("the email must have one `@`, a local part and a domain")]
    InvalidEmail,
    /// Only `active` and `suspended` can be set.
    #[error("the status can be set to `active` or `suspended`")]
    InvalidStatus,
    /// In scim modes the directory adds and removes.
    #[error("members of this organization are added and removed by its directory")]
    ManagedByDirectory,
    /// With mappings on, roles and mapped tiers follow groups.
    #[error("roles and mapped seat tiers of this organization follow group mappings")]
    ManagedByGroupMappings,
    /// The tier that was named is full.
    #[error("no seat of this tier is free")]
    NoSeatAvailable,
    /// The primary owner cannot be removed or demoted.
    #[error("the primary owner can be neither removed nor demoted; name another in the policy first")]
    PrimaryOwner,
    /// The product has no such role.
    #[error("the product has no such role")]
    UnknownRole,
    /// The product has no such tier.
    #[error("the product has no such seat tier")]
    UnknownSeatTier,
}

impl Refusal {
    /// The stable `code` of the problem document.
    pub const fn code(self) -> &'static str {
        match self {
            Self::AlreadyAMember => "already_a_member",
            Self::DomainNotVerified => "domain_not_verified",
            Self::InvalidEmail => "invalid_email",
            Self::InvalidStatus => "invalid_status",
            Self::ManagedByDirectory => "managed_by_directory",
            Self::ManagedByGroupMappings => "managed_by_group_mappings",
            Self::NoSeatAvailable => "no_seat_available",
            Self::PrimaryOwner => "primary_owner",
            Self::UnknownRole => "unknown_role",
            Self::UnknownSeatTier => "unknown_seat_tier",
        }
    }

    /// The HTTP status: 409 where the state forbids it, 400 where the request is wrong in itself.
    pub const fn status(self) -> u16 {
        match self {
            Self::AlreadyAMember
            | Self::ManagedByDirectory
            | Self::ManagedByGroupMappings
            | Self::NoSeatAvailable
            | Self::PrimaryOwner => 409,
            Self::DomainNotVerified
            | Self::InvalidEmail
            | Self::InvalidStatus
            | Self::UnknownRole
            | Self::UnknownSeatTier => 400,
        }
    }
}

/// Adds a member by hand. `same_email` is the member who has that email already.
///
/// # Errors
/// See [`Refusal`].
pub fn add(
    _organization: &Organization,
    _addition: &Addition,
    _same_email: Option<&Member>,
    _facts: &Facts,
) -> Result<Handled, Refusal> {
    Err(Refusal::InvalidEmail)
}

/// Changes role, tier or status by hand, or unlinks.
///
/// # Errors
/// See [`Refusal`].
pub fn edit(_organization: &Organization, _member: &Member, _edit: &Edit, _facts: &Facts) -> Result<Handled, Refusal> {
    Err(Refusal::InvalidStatus)
}

/// Removes a member by hand.
///
/// # Errors
/// See [`Refusal`].
pub fn remove(_organization: &Organization, _member: &Member, _facts: &Facts) -> Result<Handled, Refusal> {
    Err(Refusal::ManagedByDirectory)
}
