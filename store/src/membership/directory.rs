//! From the directory to memberships: what a change of users or groups means, in the transaction that makes it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use usher_policy::id::{DirectoryUserId, Email, Group, MemberId, ParentId, Tier};
use usher_policy::member::Member;
use usher_policy::model::Organization;
use usher_policy::rules::directory::{DirectoryUser, Facts, decide, grant, is_held};
use usher_policy::rules::effects::Change;

use super::effects::{self, Why};
use super::followed::{Decided, Done, Followed, Following, Guarded};
use super::together::{Together, Turns};
use super::{Membership, new_id, seats};
use crate::audit;
use crate::database::{DatabaseError, Snapshot, Transaction};
use crate::scim::{GroupOfUser, Stored};

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
        let followed = match users {
            [] => None,
            [user] => self.follow_one(transaction, organization, user, following).await?,
            users => self.follow_many(transaction, organization, users, following).await?,
        };
        let Some((mut followed, frees)) = followed else { return Ok(None) };
        if frees {
            self.pass_on(transaction, organization, following, &mut followed).await?;
        }
        if following.guarded == Guarded::Never {
            followed.held.clear();
        }
        Ok(Some(followed))
    }

    /// What was done for one user, and whether a seat was freed.
    async fn follow_one(
        &self,
        transaction: &mut dyn Transaction,
        organization: &Arc<Organization>,
        user: &DirectoryUser,
        following: Following<'_>,
    ) -> Result<Option<(Followed, bool)>, DatabaseError> {
        let mut decided = self.decided(transaction, organization, user).await?;
        if decided.is_nothing() {
            return Ok(None);
        }
        // What concerns one alone needs nobody else to wait, and no second look. A freed seat concerns those who wait.
        let concerns_others = effects::rest_on_others(organization, decided.before.as_ref(), &decided.effects)
            || effects::frees_seat(decided.before.as_ref(), &decided.effects);
        if concerns_others {
            transaction.lock_organization(&organization.id).await?;
            decided = self.decided(transaction, organization, user).await?;
        }
        let removals = decided.removal().into_iter().cloned().collect();
        let held = self.held(transaction, organization, removals, following).await?;
        let mut followed = Followed { held, ..Followed::nothing(organization) };
        let frees = match followed.holds(&decided, following) {
            true => false,
            false => self.apply(transaction, organization, &decided, following, &mut followed).await?,
        };
        Ok(Some((followed, frees)))
    }

    /// The same for many users, who are read together: each statement is a journey to the database.
    async fn follow_many(
        &self,
        transaction: &mut dyn Transaction,
        organization: &Arc<Organization>,
        users: &[DirectoryUser],
        following: Following<'_>,
    ) -> Result<Option<(Followed, bool)>, DatabaseError> {
        let together = Together::read(transaction, organization, users, self.now()).await?;
        let is_nothing = |user| Decided { effects: together.decide(user), before: None }.is_nothing();
        if users.iter().all(is_nothing) {
            return Ok(None);
        }
        transaction.lock_organization(&organization.id).await?;
        // Others may have come, or taken seats, until it was locked.
        let mut together = Together::read(transaction, organization, users, self.now()).await?;
        let held = self.held(transaction, organization, together.removals(users), following).await?;
        let mut followed = Followed { held, ..Followed::nothing(organization) };
        let mut frees = false;
        let mut turns = Turns::of(users);
        while let Some(user) = turns.next() {
            let (decided, facts) = together.decided(transaction, user).await?;
            if turns.put_off(user, &decided.effects) {
                continue;
            }
            if !followed.holds(&decided, following) {
                frees |= self.apply(transaction, organization, &decided, following, &mut followed).await?;
                together.done(&decided, &facts);
            }
        }
        Ok(Some((followed, frees)))
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

    /// Counts and tells what was done, once it is committed; `by` whom is `directory` or `sync`.
    pub(crate) fn tell(&self, followed: &[Followed], by: &'static str) {
        for Followed { organization, done, held, notes, looked_at } in followed {
            if let Some(ended) = looked_at {
                self.remember_looked_at(&organization.id, ended.as_ref());
            }
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
        let before = effects::concerned(&effects, [facts.member.as_ref(), facts.by_email.as_ref()]).cloned();
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
}

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

/// The directory's users who entitle the oldest `limit` owners but for the `new` ones.
pub(crate) async fn owners(
    read: &mut dyn Snapshot,
    organization: &Organization,
    new: &HashSet<MemberId>,
    limit: u32,
) -> Result<Vec<DirectoryUser>, DatabaseError> {
    let limit = u32::try_from(new.len()).unwrap_or(u32::MAX).saturating_add(limit);
    let mut owners = read.oldest_with_role(&organization.id, organization.top_role(), limit).await?;
    owners.retain(|owner| !new.contains(&owner.id));
    let users = users_of(read, &organization.parent.id, &owners).await?;
    Ok(owners.iter().filter_map(|owner| users.get(owner.directory_user.as_ref()?)).cloned().collect())
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
pub(crate) async fn with_groups(
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
