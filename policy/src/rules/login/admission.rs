//! A login that may let in: find the member, link, provision, renew role and seat.

use super::{Case, Found, Outcome};
use crate::id::{Role, Tier};
use crate::member::{Member, Source, Status};
use crate::model::SeatDefault;
use crate::rules::effects::{Change, Effects, EmailBlock, Note};
use crate::rules::plan::Plan;
use crate::rules::seats::{self, Allocation};
use crate::wire::Answer;

/// `last_login_at` is written at most this often, in seconds (design §6).
const LAST_LOGIN_EVERY: u64 = 60;

/// In the order of the reasons: conflict, suspended, revoked, absent; then what provisioning gives.
pub(super) fn decide(case: &Case<'_>) -> Outcome {
    let found = match case.find() {
        Found::Conflict => return Outcome::plain(Answer::Conflict, None),
        Found::Nobody => None,
        Found::Member(member) => Some(member),
    };
    if let Some(member) = found.filter(|member| member.status == Status::Suspended) {
        return Outcome::plain(Answer::Suspended, Some(member.clone()));
    }
    if case.is_revoked() {
        return Outcome::plain(Answer::Revoked, None);
    }
    let becomes_owner = case.is_first_login_of_primary_owner();
    match (found, &case.login.plan) {
        (Some(member), _) if becomes_owner || case.counts(member) => update(case, member, becomes_owner),
        (Some(_), _) => Outcome::plain(Answer::Absent, None),
        (None, _) if becomes_owner => create(case, case.organization.top_role(), true),
        (None, Plan::Assign { role, .. } | Plan::Ensure { role }) => create(case, role, false),
        (None, Plan::Remove { .. } | Plan::Require) => Outcome::plain(Answer::Absent, None),
    }
}

fn create(case: &Case<'_>, role: &Role, becomes_owner: bool) -> Outcome {
    let (login, now) = (case.login, case.facts.now);
    let (id, organization) = (case.facts.new_id.clone(), case.organization.id.clone());
    let mut member = Member::new(id, organization, login.email.clone(), role.clone(), Source::Jit, now);
    member.name.clone_from(&login.name);
    member.identity = Some(case.identity());
    member.primary_owner = becomes_owner.then(|| login.email.clone());
    seat(case, &mut member);
    if is_let_in(case, &member) {
        member.last_login_at = Some(now);
    }
    let effects = Effects {
        change: Some(Change::Create(member.clone())),
        email_block: unblock(case),
        notes: if becomes_owner { vec![Note::PrimaryOwner] } else { vec![] },
        ..Effects::default()
    };
    Outcome { answer: answer(&member), member: Some(member), effects }
}

fn update(case: &Case<'_>, before: &Member, becomes_owner: bool) -> Outcome {
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
    let keeps_record = renew_role(case, before, &mut member, &mut notes);
    seat(case, &mut member);
    let answer = answer(&member);
    if keeps_record {
        // Who waits for a seat is pending, and then no longer the last active owner: the same login again would demote.
        member.status = before.status;
    }
    if member != *before {
        member.updated_at = case.facts.now;
    }
    let is_due = before.last_login_at.is_none_or(|last| case.facts.now >= last.saturating_add(LAST_LOGIN_EVERY));
    if is_due && is_let_in(case, &member) {
        member.last_login_at = Some(case.facts.now);
    }
    let effects = Effects {
        change: (member != *before).then(|| Change::Update(member.clone())),
        email_block: if links { unblock(case) } else { None },
        notes,
        ..Effects::default()
    };
    Outcome { answer, member: Some(member), effects }
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
/// lost it meanwhile. Whether this is the last active owner, who would be demoted and keeps the record instead.
fn renew_role(case: &Case<'_>, before: &Member, member: &mut Member, notes: &mut Vec<Note>) -> bool {
    if case.is_primary_owner(member) {
        member.role = case.organization.top_role().clone();
        return false;
    }
    let Plan::Assign { role, .. } = &case.login.plan else { return false };
    let demotes_last_owner = *role != member.role && case.is_last_owner(before);
    if demotes_last_owner {
        notes.push(Note::LastOwner);
    } else {
        member.role = role.clone();
    }
    demotes_last_owner
}

/// Asks the allocator; a product without tiers has no seats to wait for.
fn seat(case: &Case<'_>, member: &mut Member) {
    let Some(seats) = &case.organization.seats else {
        member.take_place(Allocation::Unseated, case.facts.now);
        return;
    };
    let mapped: Option<&Tier> = match &case.login.plan {
        Plan::Assign { seat_tier, .. } => seat_tier.as_ref(),
        Plan::Ensure { .. } | Plan::Remove { .. } | Plan::Require => None,
    };
    // `remove` would turn away; the primary owner is let in where others are removed, and needs a seat for it.
    let default = match &seats.default {
        SeatDefault::Remove if case.is_primary_owner(member) => &SeatDefault::HighestAvailable,
        default => default,
    };
    let held = member.seat_tier.take();
    let allocation = seats::allocate(seats, default, held.as_ref(), mapped, &case.facts.taken);
    member.take_place(allocation, case.facts.now);
}

fn is_let_in(case: &Case<'_>, member: &Member) -> bool {
    member.status == Status::Active && (case.organization.seats.is_none() || member.seat_tier.is_some())
}

fn answer(member: &Member) -> Answer {
    match member.status {
        Status::Active => Answer::Member,
        Status::Pending => Answer::Pending,
        Status::Suspended => Answer::Suspended,
    }
}

/// The first link came: what was kept by email until then is no longer needed.
fn unblock(case: &Case<'_>) -> Option<EmailBlock> {
    case.facts.email_not_before.map(|_| EmailBlock::Clear(case.login.email.clone()))
}
