//! From the directory to memberships: what a change of users or groups means, in the transaction that makes it.

use std::collections::HashMap;
use std::sync::Arc;

use usher_policy::id::{DirectoryUserId, Email, Group, MemberId, ParentId, Tier};
use usher_policy::member::Member;
use usher_policy::model::{Cap, Organization};
use usher_policy::rules::directory::{DirectoryUser, Facts, decide, grant, is_held, reseat};
use usher_policy::rules::effects::{Change, Effects, Note};
use usher_policy::rules::seats::{Taken, has_room};

use super::effects::{self, Why};
use super::{Membership, new_id, seats};
use crate::audit::{self, Cause};
use crate::database::{DatabaseError, Snapshot, Transaction};
use crate::scim::{GroupOfUser, Stored};

/// Most members who are looked at when a seat was freed. Beyond, the next change or sync goes on.
const MAX_WAITING: usize = 500;

/// How many are read at once.
const BATCH: u32 = 100;

/// What a change of the directory did to the members of one organization.
#[derive(Debug)]
pub(crate) struct Followed {
    organization: Arc<Organization>,
    /// Members as they were and as they became, in the order in which it was written.
    pub(super) done: Vec<Done>,
    /// Members whose removal waits for an operator's word.
    held: Vec<Member>,
    notes: Vec<(Note, Option<Member>)>,
}

/// What was written about one member: nobody before is an addition, nobody after a removal.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) before: Option<Member>,
    pub(super) after: Option<Member>,
}

/// A change of the directory: what memberships follow.
#[derive(Clone, Copy)]
pub(crate) struct Following<'a> {
    pub(crate) cause: &'a Cause,
    /// What was done: `user_changed` …
    pub(crate) action: &'static str,
    pub(crate) guarded: Guarded,
}

/// How many removals there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Guarded {
    /// Any: users who were deactivated or deleted are never held.
    No,
    /// None at all: whose membership would end is left as they are.
    Never,
    /// As many as the organization's guards allow, else none (design §2, "Guards").
    Yes,
}

/// What is to be written for one user, and the member whom it is about, as they were read.
#[derive(Debug, Default)]
pub(super) struct Decided {
    pub(super) effects: Effects,
    pub(super) before: Option<Member>,
}

impl Followed {
    pub(super) fn nothing(organization: &Arc<Organization>) -> Self {
        Self { organization: Arc::clone(organization), done: Vec::new(), held: Vec::new(), notes: Vec::new() }
    }
}

impl Membership {
    /// Makes the memberships of these users in these organizations what the directory now says.
    ///
    /// Members' records are locked before their organization, as everywhere. People without a record are not locked: in
    /// scim modes nobody else makes them members, save a primary owner's first login, and then one of the two begins again.
    ///
    /// # Errors
    /// When the database does not do its part.
    pub(crate) async fn follow(
        &self,
        transaction: &mut dyn Transaction,
        organizations: &[Arc<Organization>],
        users: &[DirectoryUser],
        following: Following<'_>,
    ) -> Result<Vec<Followed>, DatabaseError> {
        let mut all = Vec::new();
        for organization in organizations {
            all.extend(self.follow_in(transaction, organization, users, following).await?);
        }
        Ok(all)
    }

    /// The same in one organization; `None` where nothing changes.
    async fn follow_in(
        &self,
        transaction: &mut dyn Transaction,
        organization: &Arc<Organization>,
        users: &[DirectoryUser],
        following: Following<'_>,
    ) -> Result<Option<Followed>, DatabaseError> {
        let (mut nothing, mut removals, mut last) = (true, Vec::new(), Decided::default());
        for user in users {
            last = self.decided(transaction, organization, user).await?;
            nothing = nothing && effects::is_nothing(&last.effects) && last.effects.notes.is_empty();
            if let Some(Change::Remove(member)) = &last.effects.change {
                removals.push(member.clone());
            }
        }
        if nothing {
            return Ok(None);
        }
        let held = self.held(transaction, organization, removals, following).await?;
        let mut followed = Followed { held, ..Followed::nothing(organization) };

        // What concerns one alone needs nobody else to wait, and no second look. A freed seat concerns those who wait.
        let concerns_others = users.len() > 1
            || effects::rest_on_others(organization, last.before.as_ref(), &last.effects)
            || effects::frees_seat(last.before.as_ref(), &last.effects);
        let mut frees = false;
        if concerns_others {
            transaction.lock_organization(&organization.id).await?;
            for user in users {
                // Each decision sees what those before it did, to seats and owners.
                let decided = self.decided(transaction, organization, user).await?;
                if followed.held.is_empty() || !matches!(decided.effects.change, Some(Change::Remove(_))) {
                    frees |= self.apply(transaction, organization, &decided, following, &mut followed).await?;
                }
            }
        } else {
            self.apply(transaction, organization, &last, following, &mut followed).await?;
        }
        if frees {
            self.give_free_seats(transaction, organization, following, &mut followed, None).await?;
        }
        if following.guarded == Guarded::Never {
            followed.held.clear();
        }
        Ok(Some(followed))
    }

    /// Those of the removals that wait for an operator's word: all or none.
    async fn held(
        &self,
        transaction: &mut dyn Transaction,
        organization: &Organization,
        removals: Vec<Member>,
        following: Following<'_>,
    ) -> Result<Vec<Member>, DatabaseError> {
        if removals.is_empty() {
            return Ok(Vec::new());
        }
        match following.guarded {
            Guarded::Never => return Ok(removals),
            Guarded::No => return Ok(Vec::new()),
            Guarded::Yes => {}
        }
        let members = transaction.member_count(&organization.id).await?;
        if !is_held(&organization.guards, u32::try_from(removals.len()).unwrap_or(u32::MAX), members) {
            return Ok(Vec::new());
        }
        let now = self.now().as_secs();
        let entry = audit::of_held(organization, &removals, following.cause, following.action, now);
        transaction.append_audit(entry).await?;
        Ok(removals)
    }

    /// Gives seats that were freed by hand to those who wait. The organization is locked already.
    ///
    /// # Errors
    /// When the database does not do its part.
    pub(super) async fn pass_seats_on(
        &self,
        transaction: &mut dyn Transaction,
        organization: &Arc<Organization>,
        cause: &Cause,
    ) -> Result<Followed, DatabaseError> {
        let mut followed = Followed::nothing(organization);
        let following = Following { cause, action: "seat_freed", guarded: Guarded::No };
        self.give_free_seats(transaction, organization, following, &mut followed, None).await?;
        Ok(followed)
    }

    /// Counts and tells what was done, once it is committed; `by` whom is `directory` or `sync`.
    pub(crate) fn tell(&self, followed: &[Followed], by: &'static str) {
        for Followed { organization, done, held, notes } in followed {
            for _ in done.iter().filter(|done| done.after.is_none()) {
                self.metrics.removal(&organization.id, by);
            }
            if !held.is_empty() {
                self.metrics.removals_held(&organization.id, held.len() as u64);
                let (organization, removals) = (organization.id.as_str(), held.len());
                tracing::warn!(organization, removals, "more removals than allowed at once: nobody is removed");
            }
            for (note, member) in notes {
                self.note(organization, member.as_ref(), *note, by);
            }
        }
    }

    async fn decided(
        &self,
        transaction: &mut dyn Transaction,
        organization: &Organization,
        user: &DirectoryUser,
    ) -> Result<Decided, DatabaseError> {
        let member = transaction.member_of_directory_user(&organization.id, &user.id).await?;
        let by_email = match &user.email {
            Some(email) => transaction.member_with_email(&organization.id, email).await?,
            None => None,
        };
        if member.is_none() && !user.active {
            return Ok(Decided::default());
        }
        let facts = self.facts_for_directory(transaction, organization, member, by_email).await?;
        let effects = decide(organization, user, &facts);
        let before = effects::concerned(&effects, [&facts.member, &facts.by_email]).cloned();
        Ok(Decided { effects, before })
    }

    pub(super) async fn facts_for_directory(
        &self,
        read: &mut dyn Snapshot,
        organization: &Organization,
        member: Option<Member>,
        by_email: Option<Member>,
    ) -> Result<Facts, DatabaseError> {
        let now = self.now();
        let ticket = match member.as_ref().and_then(|member| member.identity.as_ref()) {
            Some(identity) => read.ticket(&organization.id, identity).await?,
            None => None,
        };
        Ok(Facts {
            member,
            by_email,
            ticket,
            active_owners: read.active_with_role(&organization.id, organization.top_role()).await?,
            taken: seats::taken(read, organization).await?,
            new_id: new_id(now),
            now: now.as_secs(),
        })
    }

    /// Writes the effects; whether a seat was freed.
    pub(super) async fn apply(
        &self,
        transaction: &mut dyn Transaction,
        organization: &Organization,
        Decided { effects, before }: &Decided,
        following: Following<'_>,
        followed: &mut Followed,
    ) -> Result<bool, DatabaseError> {
        let (member, done) = match &effects.change {
            Some(Change::Create(member)) => (Some(member), Some((None, Some(member)))),
            Some(Change::Update(member)) => (Some(member), Some((before.as_ref(), Some(member)))),
            Some(Change::Remove(member)) => (Some(member), Some((Some(member), None))),
            None => (before.as_ref(), None),
        };
        let done = done.map(|(before, after)| Done { before: before.cloned(), after: after.cloned() });
        followed.done.extend(done);
        followed.notes.extend(effects.notes.iter().map(|note| (*note, member.cloned())));
        let why = Why { cause: following.cause, reason: following.action, before: before.as_ref() };
        effects::write(transaction, organization, effects, &why, self.now().as_secs()).await?;
        Ok(effects::frees_seat(before.as_ref(), effects))
    }

    /// A free seat goes to the one pending longest for whom it is one: after whom to go on, should there be seats and
    /// people left. The organization is locked already.
    pub(super) async fn give_free_seats(
        &self,
        transaction: &mut dyn Transaction,
        organization: &Organization,
        following: Following<'_>,
        followed: &mut Followed,
        after: Option<Waiting>,
    ) -> Result<Option<Waiting>, DatabaseError> {
        let mut last = after;
        let mut looked_at = 0;
        while is_any_free(organization, &seats::taken(transaction, organization).await?) {
            if looked_at >= MAX_WAITING {
                return Ok(last);
            }
            let after = last.as_ref().map(|(since, id)| (*since, id));
            let waiting = transaction.waiting(&organization.id, after, BATCH).await?;
            let Some(newest) = waiting.last() else { break };
            last = Some((newest.pending_since.unwrap_or_default(), newest.id.clone()));
            looked_at += waiting.len();
            let users = users_of(transaction, &organization.parent.id, &waiting).await?;
            for waiting in waiting {
                // Read again, alone: a login may be about to change the same member.
                let Some(member) = transaction.member(&organization.id, &waiting.id).await? else { continue };
                let user = member.directory_user.as_ref().and_then(|id| users.get(id));
                let facts = self.facts_for_directory(transaction, organization, Some(member.clone()), None).await?;
                let effects = reseat(organization, &member, user, &facts);
                let following = Following { action: "seat_freed", ..following };
                let decided = Decided { effects, before: Some(member) };
                self.apply(transaction, organization, &decided, following, followed).await?;
            }
        }
        Ok(None)
    }
}

/// Where one stands among those who wait: since when, and who.
pub(super) type Waiting = (u64, MemberId);

/// The organizations of a parent in which its directory decides.
pub(crate) fn all_of<'a>(organizations: impl Iterator<Item = &'a Arc<Organization>>) -> Vec<Arc<Organization>> {
    organizations.filter(|organization| organization.provisioning.is_scim()).cloned().collect()
}

/// Those of them that map a group by one of these values.
pub(crate) fn that_map(organizations: Vec<Arc<Organization>>, values: &[Group]) -> Vec<Arc<Organization>> {
    let maps = |organization: &Arc<Organization>| {
        let mappings = organization.provisioning.mappings();
        mappings.is_some_and(|mappings| {
            let roles = mappings.roles.iter().map(|mapping| &mapping.group);
            roles.chain(mappings.seat_tiers.iter().map(|mapping| &mapping.group)).any(|group| values.contains(group))
        })
    };
    organizations.into_iter().filter(maps).collect()
}

/// What the rules know of a directory's user: the email is the primary one, else the first for work, else any, else the
/// `userName`, of those that are one.
pub(crate) fn as_the_rules_see(user: &Stored, groups: &[GroupOfUser]) -> DirectoryUser {
    let emails = user.document.emails();
    let values = groups.iter().flat_map(|group| std::iter::once(&group.display_name).chain(&group.external_id));
    DirectoryUser {
        id: DirectoryUserId::new(user.id.as_str()),
        email: emails.into_iter().chain(user.document.text("userName")).find_map(Email::parse),
        name: user.document.shown_name(),
        external_id: user.document.text("externalId").map(str::to_owned),
        active: user.document.is_active(),
        groups: values.map(|value| Group::new(value.as_str())).collect(),
    }
}

/// The directory's users who entitle these members.
pub(super) async fn users_of(
    read: &mut dyn Snapshot,
    parent: &ParentId,
    members: &[Member],
) -> Result<HashMap<DirectoryUserId, DirectoryUser>, DatabaseError> {
    let ids: Vec<_> =
        members.iter().filter_map(|member| member.directory_user.as_ref()).map(ToString::to_string).collect();
    let users = read.users_with_ids(parent, &ids).await?;
    let users = with_groups(read, parent, &users).await?;
    Ok(users.into_iter().map(|user| (user.id.clone(), user)).collect())
}

/// The highest tier that a member's groups in the directory give.
pub(super) async fn mapped_tier(
    read: &mut dyn Snapshot,
    organization: &Organization,
    member: &Member,
) -> Result<Option<Tier>, DatabaseError> {
    let users = users_of(read, &organization.parent.id, std::slice::from_ref(member)).await?;
    let user = member.directory_user.as_ref().and_then(|id| users.get(id));
    Ok(user.and_then(|user| grant(organization, user)).and_then(|grant| grant.seat_tier))
}

/// These users as the rules see them, in the same order.
pub(super) async fn with_groups(
    read: &mut dyn Snapshot,
    parent: &ParentId,
    users: &[Stored],
) -> Result<Vec<DirectoryUser>, DatabaseError> {
    let ids: Vec<_> = users.iter().map(|user| user.id.clone()).collect();
    let mut groups: HashMap<String, Vec<GroupOfUser>> = HashMap::new();
    for (user, group) in read.groups_of(parent, &ids).await? {
        groups.entry(user).or_default().push(group);
    }
    let users = users.iter();
    Ok(users.map(|user| as_the_rules_see(user, groups.get(&user.id).map_or(&[], Vec::as_slice))).collect())
}

/// Whether a seat of some tier with a cap is free; where there is no cap, nobody waits for it.
pub(super) fn is_any_free(organization: &Organization, taken: &Taken) -> bool {
    organization.seats.as_ref().is_some_and(|seats| {
        let mut limited = seats.tiers.iter().filter(|seat| matches!(seat.cap, Cap::Limited(_)));
        limited.any(|seat| has_room(seats, &seat.tier, taken))
    })
}
