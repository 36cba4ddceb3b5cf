//! Writes what a decision wants written, and tells the change feed what the filter must know.

use usher_policy::id::Tier;
use usher_policy::member::{Member, Status};
use usher_policy::model::Organization;
use usher_policy::rules::effects::{Change, Effects, EmailBlock};

use super::seats;
use crate::audit::{self, Actor, Cause};
use crate::database::{DatabaseError, FeedEntry, Transaction};

/// How long removals by logins are remembered, in seconds (design §2, "Guards").
pub(super) const REMOVALS_WINDOW: u64 = 60 * 60;

/// Why a decision is written; its removals are counted where a login made it.
pub(super) struct Why<'a> {
    pub(super) cause: &'a Cause,
    /// The plan or the reason, or what was asked for.
    pub(super) reason: &'a str,
    /// Whom it is about, as the transaction read them; nobody where someone is made a member.
    pub(super) before: Option<&'a Member>,
}

/// Whom a decision is about: of those that were read, the one that it changes; the first, where it changes nobody.
pub(super) fn concerned<'a, const N: usize>(effects: &Effects, read: [Option<&'a Member>; N]) -> Option<&'a Member> {
    match &effects.change {
        Some(Change::Update(member) | Change::Remove(member)) => {
            read.into_iter().flatten().find(|before| before.id == member.id)
        }
        Some(Change::Create(_)) => None,
        None => read.first().copied().flatten(),
    }
}

/// Writes all effects of one decision at `now` (Unix seconds); the caller commits.
pub(super) async fn write(
    transaction: &mut dyn Transaction,
    organization: &Organization,
    effects: &Effects,
    why: &Why<'_>,
    now: u64,
) -> Result<(), DatabaseError> {
    let revokes = revokes(transaction, organization, effects).await?;
    match &effects.change {
        Some(Change::Create(member)) => {
            transaction.create(member).await?;
            transaction.append_change(&FeedEntry::Member(member), now).await?;
        }
        Some(Change::Update(member)) => {
            let before = why.before.ok_or_else(|| DatabaseError::Conflict("the member is gone".to_owned()))?;
            transaction.update(member).await?;
            let is_another = before.identity.is_some() && before.identity != member.identity;
            if is_another || (revokes && member.status != Status::Suspended) {
                end_sessions(transaction, member, now).await?;
            } else if matters_to_sessions(before, member) {
                transaction.append_change(&FeedEntry::Member(member), now).await?;
            }
        }
        Some(Change::Remove(member)) => {
            transaction.remove(&organization.id, &member.id).await?;
            transaction.append_change(&FeedEntry::Removed(member), now).await?;
            if why.cause.actor == Actor::Filter {
                let forget_until = now.saturating_sub(REMOVALS_WINDOW);
                transaction.count_removal_by_login(&organization.id, now, forget_until).await?;
            }
        }
        None => {
            if let Some(member) = why.before.filter(|_| revokes) {
                end_sessions(transaction, member, now).await?;
            }
        }
    }
    if let Some((identity, ticket)) = &effects.ticket {
        transaction.keep_ticket(&organization.id, identity, *ticket).await?;
    }
    match &effects.email_block {
        Some(EmailBlock::Clear(email)) => transaction.clear_email(&organization.id, email).await?,
        Some(EmailBlock::Set(email, not_before)) => {
            transaction.block_email(&organization.id, email, *not_before).await?;
        }
        None => {}
    }
    if let Some(entry) = audit::of_member(organization, why.before, effects, why.cause, why.reason, now) {
        transaction.append_audit(entry).await?;
    }
    // Last, for the counts are what everybody of the organization wants to change.
    let (back, wanted) = seats_changed(effects.change.as_ref(), why.before);
    seats::exchange(transaction, organization, back, wanted).await
}

/// The seat that a change gives back, and the one that it takes.
fn seats_changed<'a>(change: Option<&'a Change>, before: Option<&'a Member>) -> (Option<&'a Tier>, Option<&'a Tier>) {
    match change {
        Some(Change::Create(member)) => (None, member.seat_tier.as_ref()),
        Some(Change::Update(member)) => {
            (before.and_then(|before| before.seat_tier.as_ref()), member.seat_tier.as_ref())
        }
        Some(Change::Remove(member)) => (member.seat_tier.as_ref(), None),
        None => (None, None),
    }
}

/// Whether assertions are revoked that were good before.
async fn revokes(
    transaction: &mut dyn Transaction,
    organization: &Organization,
    effects: &Effects,
) -> Result<bool, DatabaseError> {
    let Some((identity, after)) = &effects.ticket else { return Ok(false) };
    // What revokes does so up to the newest that was shown, at least.
    if after.not_before < Some(after.last_iat) {
        return Ok(false);
    }
    let before = transaction.ticket(&organization.id, identity).await?.unwrap_or_default();
    Ok(after.not_before > before.not_before)
}

/// A member stays, but whoever came in as this member until now comes in no longer: told as a removal and a beginning.
async fn end_sessions(transaction: &mut dyn Transaction, member: &Member, now: u64) -> Result<(), DatabaseError> {
    transaction.append_change(&FeedEntry::Removed(member), now).await?;
    transaction.append_change(&FeedEntry::Member(member), now).await
}

/// Whether anything is written at all.
pub(super) fn is_nothing(effects: &Effects) -> bool {
    effects.change.is_none() && effects.ticket.is_none() && effects.email_block.is_none()
}

/// Whether a decision rests on what others of the organization hold: then it must be made with the organization locked.
///
/// So do those that take the top role away, count removals, name the primary owner, or find no seat free.
pub(super) fn rest_on_others(organization: &Organization, before: Option<&Member>, effects: &Effects) -> bool {
    match &effects.change {
        Some(Change::Create(member)) => member.status == Status::Pending || member.primary_owner.is_some(),
        Some(Change::Update(member)) => {
            let owns = |member: &Member| member.status == Status::Active && member.role == *organization.top_role();
            before.is_none_or(|before| {
                (owns(before) && !owns(member))
                    || before.primary_owner != member.primary_owner
                    || (before.status != Status::Pending && member.status == Status::Pending)
            })
        }
        Some(Change::Remove(_)) => true,
        None => false,
    }
}

/// Whether a seat is given back, for another to have.
pub(super) fn frees_seat(before: Option<&Member>, effects: &Effects) -> bool {
    let (back, wanted) = seats_changed(effects.change.as_ref(), before);
    back.is_some() && back != wanted
}

/// Whether a live session would be wrong about the member: times and names do not matter to it.
fn matters_to_sessions(before: &Member, after: &Member) -> bool {
    (before.status, &before.role, &before.seat_tier, &before.identity, before.email.as_str())
        != (after.status, &after.role, &after.seat_tier, &after.identity, after.email.as_str())
}
