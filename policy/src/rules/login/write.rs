//! What is written for a login: the record that it makes, renews or removes, and the ticket.

use super::{Case, Outcome};
use crate::id::{Role, Tier};
use crate::member::{Identity, Member, Source, Status};
use crate::model::SeatDefault;
use crate::rules::effects::{Change, Effects, EmailBlock, Note, Ticket};
use crate::rules::plan::Plan;
use crate::rules::seats::{self, Allocation};
use crate::wire::Answer;

/// `last_login_at` is written at most this often, in seconds (design §6).
const LAST_LOGIN_EVERY: u64 = 60;

/// A member by this login.
pub(super) fn create(case: &Case<'_>, role: &Role, primary_owner: bool) -> Outcome {
    let (login, now) = (case.login, case.facts.now);
    let (id, organization) = (case.facts.new_id.clone(), case.organization.id.clone());
    let mut member = Member::new(id, organization, login.email.clone(), role.clone(), Source::Jit, now);
    member.name.clone_from(&login.name);
    member.identity = Some(case.identity());
    member.primary_owner = primary_owner.then(|| login.email.clone());
    let place = place(case, &member);
    member.take_place(place, now);
    if is_let_in(case, &member) {
        member.last_login_at = Some(now);
    }
    let effects = Effects {
        change: Some(Change::Create(member.clone())),
        email_block: unblock(case),
        notes: if primary_owner { vec![Note::PrimaryOwner] } else { vec![] },
        ..Effects::default()
    };
    Outcome { answer: answer(&member), member: Some(member), effects }
}

/// The member linked, where they are not yet, with person, role and seat renewed.
pub(super) fn renew(case: &Case<'_>, before: &Member, becomes_owner: bool) -> Outcome {
    let now = case.facts.now;
    let mut notes = Vec::new();
    let mut member = before.clone();
    let links = member.identity.is_none();
    if links {
        member.identity = Some(case.identity());
        notes.push(Note::Linked);
    }
    renew_person(case, &mut member, &mut notes);
    if becomes_owner {
        member.primary_owner = Some(case.login.email.clone());
        notes.push(Note::PrimaryOwner);
    }
    let role = renewed_role(case, &member);
    // "Keeps record, role and seat …, but never access": who finds no seat is denied, but not pending; then the same login
    // again would find no active owner any more, and demote.
    let keeps_record = *role != member.role && case.is_last_owner(before);
    if keeps_record {
        notes.push(Note::LastOwner);
    } else {
        member.role = role.clone();
    }
    let place = place(case, &member);
    let answer = if place == Allocation::Wait { Answer::Pending } else { Answer::Member };
    let place = if keeps_record && place == Allocation::Wait { Allocation::Unseated } else { place };
    member.take_place(place, now);
    if member != *before {
        member.updated_at = now;
    }
    let is_due = before.last_login_at.is_none_or(|last| now >= last.saturating_add(LAST_LOGIN_EVERY));
    if is_due && is_let_in(case, &member) {
        member.last_login_at = Some(now);
    }
    let effects = Effects {
        change: (member != *before).then(|| Change::Update(member.clone())),
        email_block: if links { unblock(case) } else { None },
        notes,
        ..Effects::default()
    };
    Outcome { answer, member: Some(member), effects }
}

/// The record goes, its seat is freed.
pub(super) fn remove(case: &Case<'_>, member: &Member) -> Outcome {
    let change = Some(Change::Remove(member.clone()));
    let effects = Effects { change, ticket: Some(revoking(case)), ..Effects::default() };
    Outcome { answer: Answer::Removed, member: None, effects }
}

/// Record, role and seat stay, but what was signed up to now opens nothing any more.
pub(super) fn keep(case: &Case<'_>, note: Option<Note>) -> Outcome {
    let effects = Effects { ticket: Some(revoking(case)), notes: note.into_iter().collect(), ..Effects::default() };
    Outcome { answer: Answer::Kept, member: None, effects }
}

/// Nothing is removed, because so many were.
pub(super) fn hold_back() -> Outcome {
    let effects = Effects { notes: vec![Note::RemovalsLimited], ..Effects::default() };
    Outcome { answer: Answer::Kept, member: None, effects }
}

/// "Every login that is not older moves `last_iat`, denied ones and strangers included."
pub(super) fn with_last_iat(case: &Case<'_>, mut outcome: Outcome) -> Outcome {
    let known = case.facts.ticket;
    let (identity, ticket) = outcome.effects.ticket.unwrap_or_else(|| (case.identity(), known.unwrap_or_default()));
    let ticket = Ticket { last_iat: ticket.last_iat.max(case.login.issued_at), ..ticket };
    outcome.effects.ticket = (known != Some(ticket)).then_some((identity, ticket));
    outcome
}

/// Email and name follow the assertion; an email that belongs to another member is not taken.
fn renew_person(case: &Case<'_>, member: &mut Member, notes: &mut Vec<Note>) {
    if member.email != case.login.email {
        match case.facts.by_email {
            Some(_) => notes.push(Note::EmailKept),
            None => member.email = case.login.email.clone(),
        }
    }
    if case.login.name.is_some() {
        member.name.clone_from(&case.login.name);
    }
}

/// Mapped roles are renewed at every login. The primary owner has the top role, also when the policy names again one who
/// lost it meanwhile.
fn renewed_role<'a>(case: &'a Case<'_>, member: &'a Member) -> &'a Role {
    match &case.login.plan {
        _ if case.is_primary_owner(member) => case.organization.top_role(),
        Plan::Assign { role, .. } => role,
        Plan::Ensure { .. } | Plan::Remove { .. } | Plan::Require => &member.role,
    }
}

/// Asks the allocator; a product without tiers has no seats to wait for.
fn place(case: &Case<'_>, member: &Member) -> Allocation {
    let Some(seats) = &case.organization.seats else { return Allocation::Unseated };
    let mapped: Option<&Tier> = match &case.login.plan {
        Plan::Assign { seat_tier, .. } => seat_tier.as_ref(),
        Plan::Ensure { .. } | Plan::Remove { .. } | Plan::Require => None,
    };
    let default = match &seats.default {
        // "Role and tier from the directory's groups", which a login does not know: who holds no seat is left as they are.
        _ if case.is_seated_by_directory(member) && member.status == Status::Pending => &SeatDefault::Remove,
        _ if case.is_seated_by_directory(member) => &SeatDefault::Nothing,
        // `remove` would turn away; the primary owner is let in where others are removed, and needs a seat for it.
        SeatDefault::Remove if case.is_primary_owner(member) => &SeatDefault::HighestAvailable,
        default => default,
    };
    seats::allocate(seats, default, member.seat_tier.as_ref(), mapped, &case.facts.taken)
}

fn is_let_in(case: &Case<'_>, member: &Member) -> bool {
    member.status == Status::Active && (case.organization.seats.is_none() || member.seat_tier.is_some())
}

/// The answer for a member as it is.
pub(super) fn answer(member: &Member) -> Answer {
    match member.status {
        Status::Active => Answer::Member,
        Status::Pending => Answer::Pending,
        Status::Suspended => Answer::Suspended,
    }
}

/// The `not_before` of a removal by a denied login: the larger of `last_iat` and this `iat`.
fn revoking(case: &Case<'_>) -> (Identity, Ticket) {
    let known = case.facts.ticket.unwrap_or_default();
    let last_iat = known.last_iat.max(case.login.issued_at);
    (case.identity(), Ticket { not_before: known.not_before.max(Some(last_iat)), ..known })
}

/// The first link came: what was kept by email until then is no longer needed.
fn unblock(case: &Case<'_>) -> Option<EmailBlock> {
    case.facts.email_not_before.map(|_| EmailBlock::Clear(case.login.email.clone()))
}
