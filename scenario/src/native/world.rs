//! A membership store in memory: facts in, the rules' decision, effects applied, nothing else.

use anyhow::Result;
use serde_json::{Value, json};
use usher_policy::id::{ConnectionId, Email, MemberId, OrganizationId, Tier};
use usher_policy::member::{Identity, Member, Status};
use usher_policy::model::{Organization, ScimMatch};
use usher_policy::rules::effects::{Change, Effects, EmailBlock, Ticket};
use usher_policy::rules::hand::{self, Addition, Edit, Handled, Refusal};
use usher_policy::rules::login;
use usher_policy::rules::seats::Taken;
use usher_policy::wire::{Login, LoginAnswer};

use crate::cast::Memberships;

/// Members, tickets and blocks of all organizations.
#[derive(Debug, Default)]
pub(super) struct World {
    members: Vec<Member>,
    tickets: Vec<(OrganizationId, Identity, Ticket)>,
    email_blocks: Vec<(OrganizationId, Email, u64)>,
    removals_by_login: Vec<OrganizationId>,
    made: u64,
    now: u64,
}

impl World {
    /// Nobody is a member. `now` stands still, in seconds since the Unix epoch.
    pub(super) fn new(now: u64) -> Self {
        Self { now, ..Self::default() }
    }

    /// Puts people in their places.
    pub(super) fn begin(&mut self, memberships: Memberships) {
        self.members.extend(memberships.members);
        self.tickets.extend(memberships.tickets);
        self.email_blocks.extend(memberships.email_blocks);
    }

    /// Decides a login and does what it plans.
    pub(super) fn login(&mut self, organization: &Organization, login: &Login) -> LoginAnswer {
        let identity = Identity { issuer: login.issuer.clone(), subject: login.subject.clone() };
        let new_id = self.new_id();
        let links_by_id = links_by_external_id(organization, &login.connection);
        let facts = login::Facts {
            linked: self.find(organization, |member| member.identity.as_ref() == Some(&identity)),
            by_email: self.find(organization, |member| member.email == login.email),
            by_external_id: self
                .of(organization)
                .filter(|member| links_by_id && member.external_id.is_some() && member.external_id == login.external_id)
                .cloned()
                .collect(),
            ticket: self.ticket(organization, &identity),
            email_not_before: self
                .email_blocks
                .iter()
                .find(|(id, email, _)| *id == organization.id && *email == login.email)
                .map(|(_, _, not_before)| *not_before),
            active_owners: self.active_owners(organization),
            primary_owner_taken: self.of(organization).any(|member| login::is_primary_owner(organization, member)),
            taken: self.taken(organization),
            removals_last_hour: u32::try_from(
                self.removals_by_login.iter().filter(|id| **id == organization.id).count(),
            )
            .unwrap_or(u32::MAX),
            new_id,
            now: self.now,
        };
        let outcome = login::decide(organization, login, &facts);
        if !login.preview {
            if matches!(outcome.effects.change, Some(Change::Remove(_))) {
                self.removals_by_login.push(organization.id.clone());
            }
            self.apply(organization, outcome.effects.clone());
        }
        outcome.into_answer()
    }

    /// Adds a member by hand.
    pub(super) fn add(&mut self, organization: &Organization, addition: &Addition) -> Result<(), Refusal> {
        let email = Email::parse(&addition.email);
        let same = self.find(organization, |member| Some(&member.email) == email.as_ref());
        let facts = self.hand_facts(organization, None);
        let handled = hand::add(organization, addition, same.as_ref(), &facts);
        self.finish(organization, handled)
    }

    /// Changes a member by hand; `None` where there is no such member.
    pub(super) fn edit(
        &mut self,
        organization: &Organization,
        email: &str,
        edit: &Edit,
        mapped_tier: impl Fn(&Member) -> Option<Tier>,
    ) -> Option<Result<(), Refusal>> {
        let member = self.named(organization, email)?;
        let mut facts = self.hand_facts(organization, member.identity.as_ref());
        facts.mapped_tier = mapped_tier(&member);
        let handled = hand::edit(organization, &member, edit, &facts);
        Some(self.finish(organization, handled))
    }

    /// Removes a member by hand; `None` where there is no such member.
    pub(super) fn remove(&mut self, organization: &Organization, email: &str) -> Option<Result<(), Refusal>> {
        let member = self.named(organization, email)?;
        let facts = self.hand_facts(organization, member.identity.as_ref());
        let handled = hand::remove(organization, &member, &facts);
        Some(self.finish(organization, handled))
    }

    /// All members, as the store's API shows them.
    pub(super) fn members(&self, organization: &Organization) -> Vec<Value> {
        self.of(organization)
            .map(|member| {
                json!({
                    "id": member.id,
                    "email": member.email,
                    "name": member.name,
                    "issuer": member.identity.as_ref().map(|identity| &identity.issuer),
                    "subject": member.identity.as_ref().map(|identity| &identity.subject),
                    "role": member.role,
                    "seat_tier": member.seat_tier,
                    "status": member.status,
                    "source": member.source,
                    "primary_owner": login::is_primary_owner(organization, member),
                })
            })
            .collect()
    }

    /// The seats, as the store's API shows them.
    pub(super) fn seats(&self, organization: &Organization) -> Value {
        let taken = self.taken(organization);
        let tiers: Vec<Value> =
            organization.product.tiers.iter().map(|tier| json!({"tier": tier, "used": taken.of(tier)})).collect();
        let pending = self.of(organization).filter(|member| member.status == Status::Pending).count();
        json!({"tiers": tiers, "pending": pending})
    }

    fn finish(&mut self, organization: &Organization, handled: Result<Handled, Refusal>) -> Result<(), Refusal> {
        self.apply(organization, handled?.effects);
        Ok(())
    }

    /// Does what a decision wants done.
    pub(super) fn apply(&mut self, organization: &Organization, effects: Effects) {
        match effects.change {
            Some(Change::Create(member)) => self.members.push(member),
            Some(Change::Remove(gone)) => self.members.retain(|member| member.id != gone.id),
            Some(Change::Update(changed)) => {
                for member in self.members.iter_mut().filter(|member| member.id == changed.id) {
                    *member = changed.clone();
                }
            }
            None => {}
        }
        if let Some((identity, ticket)) = effects.ticket {
            self.tickets.retain(|(id, known, _)| *id != organization.id || *known != identity);
            self.tickets.push((organization.id.clone(), identity, ticket));
        }
        if let Some(block) = effects.email_block {
            let (EmailBlock::Clear(email) | EmailBlock::Set(email, _)) = &block;
            self.email_blocks.retain(|(id, known, _)| *id != organization.id || known != email);
            if let EmailBlock::Set(email, not_before) = block {
                self.email_blocks.push((organization.id.clone(), email, not_before));
            }
        }
    }

    /// What decisions by hand and by the directory need to know.
    pub(super) fn hand_facts(&mut self, organization: &Organization, identity: Option<&Identity>) -> hand::Facts {
        hand::Facts {
            mapped_tier: None,
            ticket: identity.and_then(|identity| self.ticket(organization, identity)),
            active_owners: self.active_owners(organization),
            taken: self.taken(organization),
            new_id: self.new_id(),
            now: self.now,
        }
    }

    fn new_id(&mut self) -> MemberId {
        self.made += 1;
        MemberId::new(format!("member-{}", self.made))
    }

    fn of<'a>(&'a self, organization: &'a Organization) -> impl Iterator<Item = &'a Member> {
        self.members.iter().filter(|member| member.organization == organization.id)
    }

    /// The members of an organization, in the order in which they came.
    pub(super) fn listed(&self, organization: &Organization) -> Vec<Member> {
        self.of(organization).cloned().collect()
    }

    /// The first member for whom it is so.
    pub(super) fn find(&self, organization: &Organization, wanted: impl Fn(&Member) -> bool) -> Option<Member> {
        self.of(organization).find(|member| wanted(member)).cloned()
    }

    fn named(&self, organization: &Organization, email: &str) -> Option<Member> {
        let email = Email::parse(email);
        self.find(organization, |member| Some(&member.email) == email.as_ref())
    }

    fn ticket(&self, organization: &Organization, identity: &Identity) -> Option<Ticket> {
        let same = |(id, known, _): &&(OrganizationId, Identity, Ticket)| *id == organization.id && known == identity;
        self.tickets.iter().find(same).map(|(_, _, ticket)| *ticket)
    }

    fn active_owners(&self, organization: &Organization) -> u32 {
        let owns = |member: &&Member| member.status == Status::Active && member.role == *organization.top_role();
        u32::try_from(self.of(organization).filter(owns).count()).unwrap_or(u32::MAX)
    }

    fn taken(&self, organization: &Organization) -> Taken {
        let count =
            |tier: &Tier| self.of(organization).filter(|member| member.seat_tier.as_ref() == Some(tier)).count();
        let tiers = organization.product.tiers.iter();
        Taken::new(tiers.map(|tier| (tier.clone(), u32::try_from(count(tier)).unwrap_or(u32::MAX))).collect())
    }
}

fn links_by_external_id(organization: &Organization, connection: &ConnectionId) -> bool {
    let used = organization.connections.iter().find(|known| known.id == *connection);
    used.is_some_and(|connection| connection.scim_match == ScimMatch::ExternalId)
}
