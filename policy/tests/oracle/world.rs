//! The real decision functions over a membership in memory, from the policy file to the permit.

use std::sync::Arc;

use serde_json::to_vec;
use usher_policy::Reason;
use usher_policy::id::{ConnectionId, DirectoryUserId, Email, Group, Issuer, MemberId, Role, Subject, Tier};
use usher_policy::member::{Identity, Member, Source, Status};
use usher_policy::model::Organization;
use usher_policy::rules::conclude::{Request, admit, conclude};
use usher_policy::rules::directory;
use usher_policy::rules::effects::{Change, Effects, EmailBlock, Ticket};
use usher_policy::rules::hand::{self, Addition, Refusal};
use usher_policy::rules::login::{self, Outcome, is_primary_owner};
use usher_policy::rules::path::NormalPath;
use usher_policy::rules::plan::{self, Presented};
use usher_policy::rules::seats::Taken;
use usher_policy::wire;
use usher_policy_file::from_json;

use super::history::{self, Edit, Entry, Groups, Login, Row, SeatsHeld, Verdict};
use super::policy::Policy;

/// Removals by logins are counted for this long, seconds (design §2, "Guards").
const HOUR: u64 = 3_600;

pub(crate) struct World {
    pub(crate) organization: Arc<Organization>,
    pub(crate) now: u64,
    pub(crate) members: Vec<Member>,
    tickets: Vec<(Identity, Ticket)>,
    blocks: Vec<(Email, u64)>,
    removals: Vec<u64>,
    directory: Vec<directory::DirectoryUser>,
    made: usize,
}

/// The policy as filter and store read it.
pub(crate) fn organization(policy: &Policy) -> Arc<Organization> {
    let read = from_json(&to_vec(&policy.file()).unwrap()).unwrap_or_else(|faults| panic!("{policy:?}\n{faults:?}"));
    Arc::clone(&read.organizations[0])
}

impl World {
    pub(crate) fn new(policy: &Policy, now: u64) -> Self {
        Self {
            organization: organization(policy),
            now,
            members: vec![],
            tickets: vec![],
            blocks: vec![],
            removals: vec![],
            directory: vec![],
            made: 0,
        }
    }

    pub(crate) fn login(&mut self, login: &Login) -> Verdict {
        let (login_, outcome) = match self.decide(login) {
            Ok(decided) => decided,
            Err(reason) => return Err(reason.code().to_owned()),
        };
        if matches!(outcome.effects.change, Some(Change::Remove(_))) {
            self.removals.push(self.now);
        }
        self.apply(&outcome.effects);
        self.verdict(login, &login_, outcome).map_err(|reason| reason.code().to_owned())
    }

    /// Plans and decides; nothing is written. A reason where no store is asked.
    pub(crate) fn decide(&self, login: &Login) -> Result<(wire::Login, Outcome), Reason> {
        let presented = match &login.groups {
            Groups::Listed(listed) => Ok(listed.as_slice()),
            Groups::Missing => Err(Reason::MissingClaim),
            Groups::Overage => Err(Reason::GroupsOverage),
        };
        let plan = plan::plan(&self.organization, Presented { assigned: login.assigned, groups: presented })?;
        assert!(plan::fits(&self.organization, &plan), "what is planned fits: {plan:?}");
        let connections = &self.organization.connections;
        let connection = &connections[login.connection % connections.len()];
        let login = wire::Login {
            connection: ConnectionId::new(connection.id.as_str()),
            issuer: Issuer::new(connection.issuer.as_str()),
            subject: Subject::new(login.subject),
            email: Email::parse(login.email).unwrap(),
            name: None,
            external_id: login.external_id.map(str::to_owned),
            issued_at: login.issued_at(self.now),
            plan,
            preview: false,
        };
        let outcome = login::decide(&self.organization, &login, &self.login_facts(&login));
        Ok((login, outcome))
    }

    fn verdict(&self, login: &Login, sent: &wire::Login, outcome: Outcome) -> Result<Entry, Reason> {
        let answer = outcome.into_answer();
        let standing = Arc::new(conclude(&self.organization, sent, &answer)?);
        let path = NormalPath::parse(login.path.as_bytes()).unwrap();
        let path = self.organization.depends_on_path().then_some(&path);
        let permit = admit(&self.organization, &standing, Request { method: login.method, path })?;
        assert_eq!(permit.subject(), sent.subject.as_str());
        let logged = (standing.member(), standing.role(), standing.seat_tier());
        assert_eq!(logged, (permit.member(), permit.role(), permit.seat_tier()), "logs say what the upstream is told");
        Ok(Entry {
            member: permit.member().to_string(),
            email: permit.email().to_string(),
            role: permit.role().to_string(),
            tier: permit.seat_tier().map(Tier::to_string),
        })
    }

    fn login_facts(&self, login: &wire::Login) -> login::Facts {
        let identity = Identity { issuer: login.issuer.clone(), subject: login.subject.clone() };
        let find = |is: &dyn Fn(&Member) -> bool| self.members.iter().find(|member| is(member)).cloned();
        login::Facts {
            linked: find(&|member| member.identity.as_ref() == Some(&identity)),
            by_email: find(&|member| member.email == login.email),
            by_external_id: (self.members.iter())
                .filter(|member| login.external_id.is_some() && member.external_id == login.external_id)
                .cloned()
                .collect(),
            ticket: self.ticket(&identity),
            email_not_before: self.blocks.iter().find(|(email, _)| *email == login.email).map(|(_, until)| *until),
            active_owners: self.active_owners(),
            primary_owner_taken: self.members.iter().any(|member| is_primary_owner(&self.organization, member)),
            taken: self.taken(),
            removals_last_hour: count(self.removals.iter().filter(|at| self.now - **at < HOUR)),
            new_id: self.new_id(),
            now: self.now,
        }
    }

    pub(crate) fn add(&mut self, email: &str, role: Option<&str>, tier: Option<&str>) -> Result<bool, Refusal> {
        let [role, seat_tier] = [role, tier].map(|name| name.map(str::to_owned));
        let addition = Addition { email: email.to_owned(), name: None, role, seat_tier };
        let same_email = self.find(email).cloned();
        let handled = hand::add(&self.organization, &addition, same_email.as_ref(), &self.hand_facts(None))?;
        self.apply(&handled.effects);
        Ok(handled.warning.is_some())
    }

    pub(crate) fn edit(&mut self, email: &str, edit: &Edit) -> Option<Result<bool, Refusal>> {
        let member = self.find(email)?.clone();
        let edit = hand::Edit {
            role: edit.role.map(str::to_owned),
            seat_tier: edit.tier.map(|tier| tier.map(str::to_owned)),
            status: edit.status.map(|status| Status::named(status).unwrap()),
            unlink: edit.unlink,
        };
        let handled = hand::edit(&self.organization, &member, &edit, &self.hand_facts(Some(&member)));
        Some(handled.map(|handled| {
            self.apply(&handled.effects);
            handled.warning.is_some()
        }))
    }

    pub(crate) fn remove(&mut self, email: &str) -> Option<Result<bool, Refusal>> {
        let member = self.find(email)?.clone();
        let handled = hand::remove(&self.organization, &member, &self.hand_facts(Some(&member)));
        Some(handled.map(|handled| {
            self.apply(&handled.effects);
            handled.warning.is_some()
        }))
    }

    /// The directory speaks of one user; then freed seats go to who waits, as the store does it.
    pub(crate) fn directory(&mut self, user: &history::DirectoryUser) {
        let id = DirectoryUserId::new(user.id);
        let external_id = user.external_id.map(str::to_owned);
        let known = self.members.iter().find(|member| member.directory_user.as_ref() == Some(&id)).cloned();
        let by_email = self.find(user.email).cloned();
        let its_own = known.as_ref().or(by_email.as_ref()).map(|member| member.id.clone());
        let is_anothers = self.members.iter().any(|member| {
            external_id.is_some() && member.external_id == external_id && Some(&member.id) != its_own.as_ref()
        });
        let user = directory::DirectoryUser {
            id,
            email: Email::parse(user.email),
            name: None,
            external_id: external_id.filter(|_| !is_anothers),
            active: user.active,
            groups: user.groups.iter().map(|group| Group::new(*group)).collect(),
        };
        self.directory.retain(|other| other.id != user.id);
        self.directory.push(user.clone());
        let effects = directory::decide(&self.organization, &user, &self.directory_facts(known, by_email));
        self.apply(&effects);
        if !self.organization.provisioning.is_scim() {
            return;
        }
        let mut waiting: Vec<_> =
            self.members.iter().filter(|member| member.status == Status::Pending).cloned().collect();
        waiting.sort_by_key(|member| member.pending_since.unwrap_or(0));
        for member in waiting {
            let user = self.directory.iter().find(|user| Some(&user.id) == member.directory_user.as_ref());
            let facts = self.directory_facts(Some(member.clone()), None);
            self.apply(&directory::reseat(&self.organization, &member, user, &facts));
        }
    }

    fn directory_facts(&self, member: Option<Member>, by_email: Option<Member>) -> directory::Facts {
        let identity = member.as_ref().and_then(|member| member.identity.clone());
        directory::Facts {
            member,
            by_email,
            ticket: identity.and_then(|identity| self.ticket(&identity)),
            active_owners: self.active_owners(),
            taken: self.taken(),
            new_id: self.new_id(),
            now: self.now,
        }
    }

    /// A record of the directory's; it waits for a seat where one is needed.
    pub(crate) fn provision(&mut self, email: &str, external_id: Option<&str>) {
        let external_id = external_id.map(str::to_owned);
        let has_id = |member: &Member| external_id.is_some() && member.external_id == external_id;
        if self.find(email).is_some() || self.members.iter().any(has_id) {
            return;
        }
        let organization = &self.organization;
        let role = Role::new(organization.product.default_role.as_str());
        let email = Email::parse(email).unwrap();
        let mut member = Member::new(self.new_id(), organization.id.clone(), email, role, Source::Scim, self.now);
        member.external_id = external_id;
        if organization.seats.is_some() {
            (member.status, member.pending_since) = (Status::Pending, Some(self.now));
        }
        self.apply(&Effects { change: Some(Change::Create(member)), ..Effects::default() });
    }

    pub(crate) fn rows(&self) -> Vec<Row> {
        let row = |member: &Member| Row {
            id: member.id.to_string(),
            email: member.email.to_string(),
            role: member.role.to_string(),
            tier: member.seat_tier.as_ref().map(Tier::to_string),
            status: member.status.name().to_owned(),
            source: member.source.name().to_owned(),
            identity: member.identity.as_ref().map(|known| (known.issuer.to_string(), known.subject.to_string())),
            primary_owner: is_primary_owner(&self.organization, member),
        };
        self.members.iter().map(row).collect()
    }

    /// The seats as the allocator is told of them.
    pub(crate) fn seats(&self) -> SeatsHeld {
        let taken = self.taken();
        SeatsHeld {
            taken: self.organization.product.tiers.iter().map(|tier| taken.of(tier)).collect(),
            pending: count(self.members.iter().filter(|member| member.status == Status::Pending)),
        }
    }

    fn hand_facts(&self, member: Option<&Member>) -> hand::Facts {
        hand::Facts {
            mapped_tier: None,
            ticket: member.and_then(|member| member.identity.as_ref()).and_then(|identity| self.ticket(identity)),
            active_owners: self.active_owners(),
            taken: self.taken(),
            new_id: self.new_id(),
            now: self.now,
        }
    }

    fn find(&self, email: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.email.as_str().eq_ignore_ascii_case(email))
    }

    fn ticket(&self, identity: &Identity) -> Option<Ticket> {
        self.tickets.iter().find(|(known, _)| known == identity).map(|(_, ticket)| *ticket)
    }

    fn active_owners(&self) -> u32 {
        let top = self.organization.top_role();
        count(self.members.iter().filter(|member| member.status == Status::Active && member.role == *top))
    }

    fn taken(&self) -> Taken {
        let holders = |tier: &Tier| count(self.members.iter().filter(|member| member.seat_tier.as_ref() == Some(tier)));
        Taken::new(self.organization.product.tiers.iter().map(|tier| (tier.clone(), holders(tier))).collect())
    }

    fn new_id(&self) -> MemberId {
        MemberId::new(format!("m{}", self.made))
    }

    fn apply(&mut self, effects: &Effects) {
        match &effects.change {
            Some(Change::Create(member)) => {
                self.made += 1;
                self.members.push(member.clone());
            }
            Some(Change::Remove(member)) => self.members.retain(|known| known.id != member.id),
            Some(Change::Update(member)) => {
                let known = self.members.iter_mut().find(|known| known.id == member.id);
                known.unwrap().clone_from(member);
            }
            None => {}
        }
        if let Some((identity, ticket)) = &effects.ticket {
            self.tickets.retain(|(known, _)| known != identity);
            self.tickets.push((identity.clone(), *ticket));
        }
        if let Some(EmailBlock::Clear(email) | EmailBlock::Set(email, _)) = &effects.email_block {
            self.blocks.retain(|(known, _)| known != email);
        }
        if let Some(EmailBlock::Set(email, until)) = &effects.email_block {
            self.blocks.push((email.clone(), *until));
        }
    }
}

fn count<T>(items: impl Iterator<Item = T>) -> u32 {
    u32::try_from(items.count()).unwrap()
}
