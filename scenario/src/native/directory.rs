//! A parent's directory in memory, and what its words mean for memberships; pure rules, one request after the other.

use usher_policy::Policy;
use usher_policy::id::{DirectoryUserId, Email, Group, ParentId, Tier};
use usher_policy::member::{Member, Status};
use usher_policy::model::Organization;
use usher_policy::rules::directory::{DirectoryUser, Facts, decide, end_unknown, grant, is_held, reseat};
use usher_policy::rules::effects::{Change, Effects};

use super::world::World;
use crate::step::{DirectoryWord, UserWord};

/// The users of all directories, and who is in which group.
#[derive(Debug, Default)]
pub(super) struct Directory {
    users: Vec<(ParentId, DirectoryUser)>,
}

/// Whether a request may end memberships.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Removals {
    Any,
    Guarded,
}

impl Directory {
    /// The directory knows those who came from it.
    pub(super) fn begin(&mut self, policy: &Policy, members: &[Member]) {
        for member in members {
            let (Some(id), Some(organization)) =
                (&member.directory_user, policy.organization(member.organization.as_str()))
            else {
                continue;
            };
            let parent = &organization.parent.id;
            if self.user(parent, id).is_none() {
                let user = DirectoryUser {
                    id: id.clone(),
                    email: Some(member.email.clone()),
                    name: None,
                    external_id: member.external_id.clone(),
                    active: true,
                    groups: Vec::new(),
                };
                self.users.push((parent.clone(), user));
            }
        }
    }

    /// The highest tier that a member's groups give.
    pub(super) fn mapped_tier(&self, organization: &Organization, member: &Member) -> Option<Tier> {
        let user = self.user(&organization.parent.id, member.directory_user.as_ref()?)?;
        grant(organization, user)?.seat_tier
    }

    /// Carries out a word about the parent of an organization; `email` is the person's usual one.
    pub(super) fn hear(
        &mut self,
        world: &mut World,
        policy: &Policy,
        organization: &Organization,
        word: &DirectoryWord,
        email: impl Fn(&str) -> String,
    ) {
        let parent = &organization.parent.id;
        match word {
            DirectoryWord::User(user) => self.provision(world, policy, parent, user, &email(&user.person)),
            DirectoryWord::Gone(person) => {
                let id = DirectoryUserId::new(person);
                if let Some(mut user) = self.user(parent, &id).cloned() {
                    user.active = false;
                    self.users.retain(|(of, known)| of != parent || known.id != id);
                    self.follow(world, policy, parent, &[user.clone()], Removals::Any);
                    self.namesakes_follow(world, policy, parent, &user);
                }
            }
            DirectoryWord::Group { group, has } => {
                let group = Group::new(group);
                let moved = self.replace_members(parent, &group, has);
                self.follow(world, policy, parent, &moved, Removals::Guarded);
            }
            DirectoryWord::Sync { confirmed } => {
                for organization in policy.organizations_of(parent).filter(|known| known.provisioning.is_scim()) {
                    self.reconcile(world, organization, *confirmed);
                }
            }
        }
    }

    /// First the user, then into one group after the other, then out of all others: as providers do it.
    fn provision(&mut self, world: &mut World, policy: &Policy, parent: &ParentId, word: &UserWord, email: &str) {
        let id = DirectoryUserId::new(&word.person);
        let before = self.user(parent, &id).cloned();
        let mut user = before.clone().unwrap_or_else(|| DirectoryUser {
            active: true,
            email: Email::parse(email),
            ..DirectoryUser::gone(id.clone())
        });
        user.active = word.active.unwrap_or(user.active);
        if let Some(email) = &word.email {
            user.email = Email::parse(email);
        }
        user.external_id = word.external_id.clone().or(user.external_id);
        if before.as_ref() != Some(&user) {
            self.keep(parent, &user);
            self.follow(world, policy, parent, &[user.clone()], Removals::Any);
            if let Some(before) = before.filter(|before| before.email != user.email || !user.active) {
                self.namesakes_follow(world, policy, parent, &before);
            }
        }
        let Some(groups) = &word.groups else { return };
        let groups: Vec<Group> = groups.iter().map(Group::new).collect();
        for group in &groups {
            if !user.groups.contains(group) {
                user.groups.push(group.clone());
                self.keep(parent, &user);
                self.follow(world, policy, parent, &[user.clone()], Removals::Guarded);
            }
        }
        for group in user.groups.clone().iter().filter(|group| !groups.contains(group)) {
            user.groups.retain(|known| known != group);
            self.keep(parent, &user);
            self.follow(world, policy, parent, &[user.clone()], Removals::Guarded);
        }
    }

    /// Who came into the group or left it.
    fn replace_members(&mut self, parent: &ParentId, group: &Group, has: &[String]) -> Vec<DirectoryUser> {
        let mut moved = Vec::new();
        for (_, user) in self.users.iter_mut().filter(|(of, _)| of == parent) {
            let shall = has.iter().any(|person| person == user.id.as_str());
            if shall != user.groups.contains(group) {
                match shall {
                    true => user.groups.push(group.clone()),
                    false => user.groups.retain(|known| known != group),
                }
                moved.push(user.clone());
            }
        }
        moved
    }

    /// Others with the email that a user had may have it now.
    fn namesakes_follow(&mut self, world: &mut World, policy: &Policy, parent: &ParentId, user: &DirectoryUser) {
        let others: Vec<_> = self
            .of(parent)
            .filter(|other| other.id != user.id && user.email.is_some() && other.email == user.email)
            .cloned()
            .collect();
        self.follow(world, policy, parent, &others, Removals::Any);
    }

    fn follow(
        &mut self,
        world: &mut World,
        policy: &Policy,
        parent: &ParentId,
        users: &[DirectoryUser],
        removals: Removals,
    ) {
        for organization in policy.organizations_of(parent).filter(|known| known.provisioning.is_scim()) {
            let ending = users.iter().filter(|user| removes(&Self::decided(world, organization, user))).count();
            let held = removals == Removals::Guarded && is_held_in(world, organization, ending);
            for user in users {
                let effects = Self::decided(world, organization, user);
                if !held || !removes(&effects) {
                    world.apply(organization, effects);
                }
            }
            self.give_free_seats(world, organization);
        }
    }

    /// What a sync does: memberships end, seats go to who waits, memberships change, seats again, memberships begin.
    fn reconcile(&mut self, world: &mut World, organization: &Organization, confirmed: bool) {
        let users: Vec<_> = self.of(&organization.parent.id).cloned().collect();
        let ends =
            |world: &mut World| users.iter().filter(|user| removes(&Self::decided(world, organization, user))).count();
        let unknown: Vec<_> =
            world.listed(organization).into_iter().filter(|member| self.nobodys(member, &users)).collect();
        let mut ending = ends(world);
        for member in &unknown {
            ending += usize::from(removes(&Self::ended(world, organization, member)));
        }
        if confirmed || !is_held_in(world, organization, ending) {
            for user in &users {
                let effects = Self::decided(world, organization, user);
                if removes(&effects) {
                    world.apply(organization, effects);
                }
            }
            for member in &unknown {
                let effects = Self::ended(world, organization, member);
                world.apply(organization, effects);
            }
        }
        self.give_free_seats(world, organization);
        for begins in [false, true] {
            for user in &users {
                let effects = Self::decided(world, organization, user);
                if !removes(&effects) && matches!(effects.change, Some(Change::Create(_))) == begins {
                    world.apply(organization, effects);
                }
            }
            self.give_free_seats(world, organization);
        }
    }

    /// Whether no user of the directory entitles a member, nor takes them over by their email.
    fn nobodys(&self, member: &Member, users: &[DirectoryUser]) -> bool {
        match &member.directory_user {
            Some(id) => users.iter().all(|user| user.id != *id),
            None => !users.iter().any(|user| user.active && user.email.as_ref() == Some(&member.email)),
        }
    }

    fn decided(world: &mut World, organization: &Organization, user: &DirectoryUser) -> Effects {
        let member = world.find(organization, |member| member.directory_user.as_ref() == Some(&user.id));
        let by_email = world.find(organization, |member| Some(&member.email) == user.email.as_ref());
        let facts = Self::facts(world, organization, member, by_email);
        decide(organization, user, &facts)
    }

    fn ended(world: &mut World, organization: &Organization, member: &Member) -> Effects {
        let facts = Self::facts(world, organization, Some(member.clone()), None);
        match &member.directory_user {
            Some(id) => decide(organization, &DirectoryUser::gone(id.clone()), &facts),
            None => end_unknown(organization, member, &facts),
        }
    }

    /// A seat that is taken away by hand goes to the one pending longest, where the story has a directory.
    pub(super) fn pass_seats_on(&self, world: &mut World, organization: &Organization) {
        if organization.provisioning.is_scim() && self.of(&organization.parent.id).next().is_some() {
            self.give_free_seats(world, organization);
        }
    }

    fn give_free_seats(&self, world: &mut World, organization: &Organization) {
        let mut waiting: Vec<_> = world.listed(organization);
        waiting.retain(|member| member.status == Status::Pending);
        waiting.sort_by_key(|member| member.pending_since);
        for member in waiting {
            let user = member.directory_user.as_ref().and_then(|id| self.user(&organization.parent.id, id));
            let facts = Self::facts(world, organization, Some(member.clone()), None);
            let effects = reseat(organization, &member, user, &facts);
            world.apply(organization, effects);
        }
    }

    fn facts(
        world: &mut World,
        organization: &Organization,
        member: Option<Member>,
        by_email: Option<Member>,
    ) -> Facts {
        let known = world.hand_facts(organization, member.as_ref().and_then(|member| member.identity.as_ref()));
        Facts {
            member,
            by_email,
            ticket: known.ticket,
            active_owners: known.active_owners,
            taken: known.taken,
            new_id: known.new_id,
            now: known.now,
        }
    }

    fn of<'a>(&'a self, parent: &'a ParentId) -> impl Iterator<Item = &'a DirectoryUser> {
        self.users.iter().filter(move |(of, _)| of == parent).map(|(_, user)| user)
    }

    fn user(&self, parent: &ParentId, id: &DirectoryUserId) -> Option<&DirectoryUser> {
        self.users.iter().find(|(of, user)| of == parent && user.id == *id).map(|(_, user)| user)
    }

    fn keep(&mut self, parent: &ParentId, user: &DirectoryUser) {
        match self.users.iter_mut().find(|(of, known)| of == parent && known.id == user.id) {
            Some((_, known)) => known.clone_from(user),
            None => self.users.push((parent.clone(), user.clone())),
        }
    }
}

fn removes(effects: &Effects) -> bool {
    matches!(effects.change, Some(Change::Remove(_)))
}

fn is_held_in(world: &World, organization: &Organization, removals: usize) -> bool {
    let members = u32::try_from(world.listed(organization).len()).unwrap_or(u32::MAX);
    is_held(&organization.guards, u32::try_from(removals).unwrap_or(u32::MAX), members)
}
