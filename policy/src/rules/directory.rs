//! What the directory's word makes of one membership: begin it, renew it, end it; pure, like a login (design §2, "SCIM").

#[cfg(test)]
mod tests;

use super::effects::{Change, Effects, Note, Ticket};
use super::login::{is_last_owner, is_primary_owner};
use super::mapping::{self, Mapped};
use super::seats::{self, Allocation, Taken};
use crate::id::{DirectoryUserId, Email, Group, MemberId, Role, Tier};
use crate::member::{Member, Source, Status};
use crate::model::{Guards, Organization, Provisioning, SeatDefault};

/// A user of the parent's directory, as far as membership is concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryUser {
    /// The SCIM `id`.
    pub id: DirectoryUserId,
    /// The email by which they are known; `None` where the directory has none that is one.
    pub email: Option<Email>,
    /// The display name.
    pub name: Option<String>,
    /// The provider's own id, opaque (RFC 7643, 3.1).
    pub external_id: Option<String>,
    /// RFC 7643, 4.1.1; a deleted user is an inactive one.
    pub active: bool,
    /// The values of their groups: each group's `displayName` and, where it has one, its `externalId`.
    pub groups: Vec<Group>,
}

impl DirectoryUser {
    /// A user whom the directory no longer has: entitled to nothing.
    pub fn gone(id: DirectoryUserId) -> Self {
        Self { id, email: None, name: None, external_id: None, active: false, groups: Vec::new() }
    }
}

/// What the store read, in the transaction in which it will write.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The member whom this user entitles so far.
    pub member: Option<Member>,
    /// The member with the user's email, whosever it is.
    pub by_email: Option<Member>,
    /// What is kept about the identity of `member`, where it is linked.
    pub ticket: Option<Ticket>,
    /// Active members with the top role (never more than 2 need be counted).
    pub active_owners: u32,
    /// Seats taken, by tier.
    pub taken: Taken,
    /// The id that a new member gets.
    pub new_id: MemberId,
    /// The store's clock, whole seconds since the Unix epoch.
    pub now: u64,
}

/// What a directory's user may be in an organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The mapped role; `None` where roles are not mapped.
    pub role: Option<Role>,
    /// The highest mapped tier, if any is.
    pub seat_tier: Option<Tier>,
}

/// Whether the directory makes this user a member: active, of a verified domain, and in a mapped group where groups are
/// mapped. Only in scim modes.
pub fn grant(organization: &Organization, user: &DirectoryUser) -> Option<Grant> {
    let of_verified_domain =
        user.email.as_ref().is_some_and(|email| organization.parent.domains.contains(&email.domain()));
    if !user.active || !of_verified_domain {
        return None;
    }
    match &organization.provisioning {
        Provisioning::Manual | Provisioning::Jit | Provisioning::JitMapped(_) => None,
        Provisioning::Scim => Some(Grant { role: None, seat_tier: None }),
        Provisioning::ScimMapped(mappings) => {
            let Mapped { role, seat_tier } = mapping::map(mappings, &organization.product, &user.groups);
            let without_tier_is_out =
                organization.seats.as_ref().is_some_and(|seats| seats.default == SeatDefault::Remove);
            let is_out = seat_tier.is_none() && without_tier_is_out;
            role.filter(|_| !is_out).map(|role| Grant { role: Some(role.clone()), seat_tier: seat_tier.cloned() })
        }
    }
}

/// What becomes of one user's membership in one organization; nothing outside scim modes.
pub fn decide(organization: &Organization, user: &DirectoryUser, facts: &Facts) -> Effects {
    if !organization.provisioning.is_scim() {
        return Effects::default();
    }
    match (grant(organization, user), &facts.member, &facts.by_email) {
        (None, None, _) => Effects::default(),
        (None, Some(member), _) => end(organization, member, !user.active, facts),
        (Some(grant), Some(member), _) => renew(organization, user, &grant, member, facts),
        (Some(grant), None, None) => begin(organization, user, &grant, facts),
        // Who was a member before the directory spoke of them is the same member.
        (Some(grant), None, Some(member)) if member.directory_user.is_none() => {
            renew(organization, user, &grant, member, facts)
        }
        (Some(_), None, Some(_)) => Effects { notes: vec![Note::EmailTaken], ..Effects::default() },
    }
}

/// Ends a membership that no directory user entitles to: what a reconciliation does with those whom the directory never
/// knew. The primary owner stays as they are.
pub fn end_unknown(organization: &Organization, member: &Member, facts: &Facts) -> Effects {
    let is_known = member.directory_user.is_some() || !organization.provisioning.is_scim();
    if is_known || is_primary_owner(organization, member) {
        return Effects::default();
    }
    end(organization, member, false, facts)
}

/// A freed seat goes to the one pending longest: the member with the seat, if it is one for them.
pub fn reseat(organization: &Organization, member: &Member, user: Option<&DirectoryUser>, facts: &Facts) -> Effects {
    let waits = organization.provisioning.is_scim() && member.status == Status::Pending;
    let tier = match user.map(|user| grant(organization, user)) {
        None if is_primary_owner(organization, member) => None,
        Some(Some(grant)) => grant.seat_tier,
        None | Some(None) => return Effects::default(),
    };
    if !waits {
        return Effects::default();
    }
    let mut after = member.clone();
    seat(organization, &mut after, tier.as_ref(), facts);
    updated(member, after, facts.now, vec![])
}

/// Whether so many removals at once wait for somebody's word (design §2, "Guards"): more than `max_removals`, of which
/// the larger counts.
pub fn is_held(guards: &Guards, removals: u32, members: u32) -> bool {
    let percent = u64::from(members) * u64::from(guards.max_removals_percent) / 100;
    u64::from(removals) > percent.max(u64::from(guards.max_removals_members))
}

fn begin(organization: &Organization, user: &DirectoryUser, grant: &Grant, facts: &Facts) -> Effects {
    let Some(email) = &user.email else { return Effects::default() };
    let role = grant.role.as_ref().unwrap_or(&organization.product.default_role).clone();
    let (id, of) = (facts.new_id.clone(), organization.id.clone());
    let mut member = Member::new(id, of, email.clone(), role, Source::Scim, facts.now);
    member.name.clone_from(&user.name);
    member.external_id.clone_from(&user.external_id);
    member.directory_user = Some(user.id.clone());
    seat(organization, &mut member, grant.seat_tier.as_ref(), facts);
    Effects { change: Some(Change::Create(member)), ..Effects::default() }
}

fn renew(organization: &Organization, user: &DirectoryUser, grant: &Grant, before: &Member, facts: &Facts) -> Effects {
    let mut notes = Vec::new();
    let mut member = before.clone();
    member.directory_user = Some(user.id.clone());
    member.source = Source::Scim;
    member.external_id.clone_from(&user.external_id);
    if user.name.is_some() {
        member.name.clone_from(&user.name);
    }
    match (&user.email, &facts.by_email) {
        (Some(_), Some(other)) if other.id != member.id => notes.push(Note::EmailKept),
        (Some(email), _) if *email != member.email => member.email.clone_from(email),
        // Another case of the same email is no change, as at a login.
        (Some(_) | None, _) => {}
    }
    let role = if is_primary_owner(organization, before) { Some(organization.top_role()) } else { grant.role.as_ref() };
    let role = role.unwrap_or(&before.role);
    let keeps_record = *role != before.role && is_last_owner(organization, before, facts.active_owners);
    // A suspended member keeps the seat as it is.
    if member.status != Status::Suspended {
        seat(organization, &mut member, grant.seat_tier.as_ref(), facts);
    }
    if keeps_record {
        notes.push(Note::LastOwner);
        // As at a login: who waits for a seat would no longer be the last active owner.
        if member.status == Status::Pending {
            member.take_place(Allocation::Unseated, facts.now);
        }
    } else {
        member.role = role.clone();
    }
    updated(before, member, facts.now, notes)
}

/// The primary owner and the last owner keep record, role and seat, but are the directory's no longer: the one is let in
/// all the same, the other is `not_provisioned`. `deactivated` ends the primary owner's sessions too.
fn end(organization: &Organization, before: &Member, deactivated: bool, facts: &Facts) -> Effects {
    let is_primary = is_primary_owner(organization, before);
    if !is_primary && !is_last_owner(organization, before, facts.active_owners) {
        let mut effects = Effects { change: Some(Change::Remove(before.clone())), ..Effects::default() };
        effects.revoke(before, facts.ticket, facts.now);
        return effects;
    }
    let mut member = before.clone();
    member.directory_user = None;
    member.source = Source::Manual;
    let note = if is_primary { Note::PrimaryOwnerKept } else { Note::LastOwner };
    let mut effects = updated(before, member, facts.now, vec![note]);
    // Who was not the directory's before has no sessions that it could end.
    if effects.change.is_some() && (deactivated || !is_primary) {
        effects.revoke(before, facts.ticket, facts.now);
    }
    effects
}

/// Asks the allocator; a product without tiers has no seats to wait for.
fn seat(organization: &Organization, member: &mut Member, mapped: Option<&Tier>, facts: &Facts) {
    if let Some(seats) = &organization.seats {
        // Where those without a mapped tier are removed, only the primary owner is to be seated without one.
        let default = match &seats.default {
            SeatDefault::Remove => &SeatDefault::HighestAvailable,
            default => default,
        };
        let held = member.seat_tier.take();
        let allocation = seats::allocate(seats, default, held.as_ref(), mapped, &facts.taken);
        member.take_place(allocation, facts.now);
    }
}

fn updated(before: &Member, mut after: Member, now: u64, notes: Vec<Note>) -> Effects {
    let changes = after != *before;
    if changes {
        after.updated_at = now;
    }
    Effects { change: changes.then_some(Change::Update(after)), notes, ..Effects::default() }
}
