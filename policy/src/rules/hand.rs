//! What may be done by hand to a membership: add, edit, remove; pure, like a login.

#[cfg(test)]
mod tests;

use super::effects::{Change, Effects, Ticket};
use super::login::{is_last_owner, is_primary_owner};
use super::seats::{self, Allocation, Taken};
use crate::id::{Email, MemberId, Role, Tier};
use crate::member::{Member, Source, Status};
use crate::model::Organization;

/// What the store read, in the transaction in which it will write.
#[derive(Clone, Debug)]
pub struct Facts {
    /// What is kept about the member's identity, where it is linked.
    pub ticket: Option<Ticket>,
    /// Active members with the top role (never more than 2 need be counted).
    pub active_owners: u32,
    /// The highest tier that the member's groups in the directory give, in scim modes with tiers mapped.
    pub mapped_tier: Option<Tier>,
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
    #[error(
        "roles and mapped seat tiers of this organization follow group mappings: change the groups at the provider"
    )]
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
    organization: &Organization,
    addition: &Addition,
    same_email: Option<&Member>,
    facts: &Facts,
) -> Result<Handled, Refusal> {
    refuse_in_scim(organization)?;
    let email = Email::parse(&addition.email).ok_or(Refusal::InvalidEmail)?;
    if !organization.parent.domains.contains(&email.domain()) {
        return Err(Refusal::DomainNotVerified);
    }
    let role = match &addition.role {
        Some(role) => settable_role(organization, role)?,
        None => organization.product.default_role.clone(),
    };
    let named_tier = addition.seat_tier.as_ref().map(|tier| settable_tier(organization, tier)).transpose()?;
    if same_email.is_some() {
        return Err(Refusal::AlreadyAMember);
    }
    let (id, now) = (facts.new_id.clone(), facts.now);
    let mut member = Member::new(id, organization.id.clone(), email, role, Source::Manual, now);
    member.name.clone_from(&addition.name);
    match named_tier {
        Some(tier) => take_named(organization, &mut member, tier, facts)?,
        None => take_any(organization, &mut member, facts),
    }
    let effects = Effects { change: Some(Change::Create(member.clone())), ..Effects::default() };
    Ok(Handled { member, effects, warning: None })
}

/// Changes role, tier or status by hand, or unlinks.
///
/// # Errors
/// See [`Refusal`].
pub fn edit(organization: &Organization, before: &Member, edit: &Edit, facts: &Facts) -> Result<Handled, Refusal> {
    let mut member = before.clone();
    if let Some(role) = &edit.role {
        member.role = settable_role(organization, role)?;
        if member.role != *organization.top_role() && is_primary_owner(organization, before) {
            return Err(Refusal::PrimaryOwner);
        }
    }
    match &edit.seat_tier {
        Some(Some(tier)) => {
            let tier = settable_tier(organization, tier)?;
            take_named(organization, &mut member, tier, facts)?;
        }
        Some(None) => {
            refuse_mapped_tiers(organization)?;
            member.seat_tier = None;
        }
        None => {}
    }
    let mut revokes = false;
    match edit.status {
        Some(Status::Pending) => return Err(Refusal::InvalidStatus),
        Some(Status::Suspended) => {
            revokes = member.status != Status::Suspended;
            member.status = Status::Suspended;
            member.pending_since = None;
        }
        // Who comes back without a seat asks the allocator like anyone.
        Some(Status::Active) if member.seat_tier.is_none() => take_any(organization, &mut member, facts),
        Some(Status::Active) => member.status = Status::Active,
        None => {}
    }
    let mut effects = Effects::default();
    if revokes || edit.unlink && before.identity.is_some() {
        effects.revoke(before, facts.ticket, facts.now);
    }
    if edit.unlink {
        member.identity = None;
    }
    if member == *before {
        return Ok(Handled { member, effects: Effects::default(), warning: None });
    }
    member.updated_at = facts.now;
    let owns = member.status == Status::Active && member.role == *organization.top_role();
    let warning = last_owner_goes(organization, before, facts).filter(|_| !owns);
    effects.change = Some(Change::Update(member.clone()));
    Ok(Handled { member, effects, warning })
}

/// Removes a member by hand.
///
/// # Errors
/// See [`Refusal`].
pub fn remove(organization: &Organization, member: &Member, facts: &Facts) -> Result<Handled, Refusal> {
    refuse_in_scim(organization)?;
    if is_primary_owner(organization, member) {
        return Err(Refusal::PrimaryOwner);
    }
    let mut effects = Effects { change: Some(Change::Remove(member.clone())), ..Effects::default() };
    effects.revoke(member, facts.ticket, facts.now);
    let warning = last_owner_goes(organization, member, facts);
    Ok(Handled { member: member.clone(), effects, warning })
}

fn last_owner_goes(organization: &Organization, member: &Member, facts: &Facts) -> Option<Warning> {
    is_last_owner(organization, member, facts.active_owners).then_some(Warning::LastOwner)
}

fn refuse_in_scim(organization: &Organization) -> Result<(), Refusal> {
    if organization.provisioning.is_scim() { Err(Refusal::ManagedByDirectory) } else { Ok(()) }
}

/// With mappings on, roles cannot be given or changed by hand.
fn settable_role(organization: &Organization, role: &str) -> Result<Role, Refusal> {
    if organization.provisioning.mappings().is_some() {
        return Err(Refusal::ManagedByGroupMappings);
    }
    let role = Role::new(role);
    if organization.product.has_role(&role) { Ok(role) } else { Err(Refusal::UnknownRole) }
}

fn settable_tier(organization: &Organization, tier: &str) -> Result<Tier, Refusal> {
    refuse_mapped_tiers(organization)?;
    let tier = Tier::new(tier);
    if organization.product.has_tier(&tier) { Ok(tier) } else { Err(Refusal::UnknownSeatTier) }
}

/// With tiers mapped, they cannot be given or changed by hand.
fn refuse_mapped_tiers(organization: &Organization) -> Result<(), Refusal> {
    match organization.provisioning.mappings() {
        Some(mappings) if !mappings.seat_tiers.is_empty() => Err(Refusal::ManagedByGroupMappings),
        Some(_) | None => Ok(()),
    }
}

/// Gives the tier that was named, or refuses; who waited for a seat is active with one.
fn take_named(organization: &Organization, member: &mut Member, tier: Tier, facts: &Facts) -> Result<(), Refusal> {
    let seats = organization.seats.as_ref().ok_or(Refusal::UnknownSeatTier)?;
    if member.seat_tier.as_ref() != Some(&tier) && !seats::has_room(seats, &tier, &facts.taken) {
        return Err(Refusal::NoSeatAvailable);
    }
    match member.status {
        Status::Suspended => member.seat_tier = Some(tier),
        Status::Active | Status::Pending => member.take_place(Allocation::Seat(tier), facts.now),
    }
    Ok(())
}

/// The mapped tier, or without one `seats.default`, at once; else `pending`.
fn take_any(organization: &Organization, member: &mut Member, facts: &Facts) {
    let allocation = match &organization.seats {
        Some(seats) => seats::allocate(seats, &seats.default, None, facts.mapped_tier.as_ref(), &facts.taken),
        None => Allocation::Unseated,
    };
    member.take_place(allocation, facts.now);
}
