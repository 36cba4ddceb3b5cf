//! Organizations, members and a small in-memory membership for the tests of the rules.

use std::sync::Arc;
use std::time::Duration;

use super::effects::{Change, Effects, EmailBlock, Ticket};
use super::login::{self, Outcome};
use super::plan::Plan;
use super::seats::Taken;
use super::{hand, path::NormalPath};
use crate::id::{ConnectionId, Email, Group, Issuer, MemberId, OrganizationId, ParentId, Role, Subject, Tier};
use crate::member::{Identity, Member, Source, Status};
use crate::model::{
    Algorithm, Cap, ClaimNames, Connection, EmailTrust, GroupRole, GroupTier, Guards, HostPattern, Jwks, Mappings,
    Organization, Parent, Plan as ParentPlan, PrimaryOwner, Product, Provisioning, ScimMatch, SeatDefault, SeatTier,
    Seats, WhenFull,
};
use crate::token::KeySet;
use crate::wire::Login;

pub(crate) fn email(text: &str) -> Email {
    Email::parse(text).unwrap()
}

pub(crate) fn path(text: &str) -> NormalPath {
    NormalPath::parse(text.as_bytes()).unwrap()
}

/// A product with roles `owner`, `admin`, `user` and tiers `premium`, `standard`.
pub(crate) fn product(tiers: &[&str]) -> Arc<Product> {
    let roles = ["owner", "admin", "user"].map(Role::new).to_vec();
    let tiers = tiers.iter().map(|tier| Tier::new(*tier)).collect();
    Arc::new(Product::new("claude", roles, tiers, Role::new("user")).unwrap())
}

pub(crate) fn connection(scim_match: ScimMatch) -> Arc<Connection> {
    Arc::new(Connection {
        id: ConnectionId::new("okta"),
        issuer: Issuer::new("https://idp.example"),
        audiences: vec!["usher".to_owned()],
        // The public key of RFC 8037, A.2: the rules never look at it.
        jwks: Jwks::Inline(
            KeySet::parse(
                br#"{"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#,
            )
            .unwrap(),
        ),
        algorithms: Algorithm::ALL.to_vec(),
        claims: ClaimNames::default(),
        email: EmailTrust::Verified,
        require: vec![],
        assignment: None,
        domains: None,
        scim_match,
        clock_skew: Duration::from_secs(60),
    })
}

/// An organization without tiers; tests change what they are about.
pub(crate) fn organization(provisioning: Provisioning) -> Organization {
    let connections = vec![connection(ScimMatch::Email)];
    let parent = Parent {
        id: ParentId::new("acme"),
        plan: ParentPlan::named("enterprise").unwrap(),
        domains: vec!["acme.example".to_owned()],
        connections: connections.clone(),
        directory: None,
    };
    Organization {
        id: OrganizationId::new("acme-chat"),
        parent: Arc::new(parent),
        product: product(&[]),
        connections,
        hosts: vec![HostPattern::Exact("chat.acme.example".to_owned())],
        path_prefix: None,
        primary_owner: None,
        provisioning,
        seats: None,
        guards: Guards::default(),
        access: vec![],
        bypass: vec![],
    }
}

/// Makes the product one with tiers, with these caps.
pub(crate) fn with_seats(mut organization: Organization, premium: u32, standard: u32) -> Organization {
    organization.product = product(&["premium", "standard"]);
    let tiers = [("premium", premium), ("standard", standard)]
        .map(|(tier, cap)| SeatTier { tier: Tier::new(tier), cap: Cap::Limited(cap) });
    organization.seats =
        Some(Seats { tiers: tiers.to_vec(), default: SeatDefault::HighestAvailable, when_full: WhenFull::Deny });
    organization
}

pub(crate) fn with_primary_owner(mut organization: Organization, owner: &str) -> Organization {
    organization.primary_owner = Some(PrimaryOwner { email: email(owner), connection: None });
    organization
}

pub(crate) fn mappings() -> Mappings {
    let role = |group: &str, role: &str| GroupRole { group: Group::new(group), role: Role::new(role), label: None };
    let tier = |group: &str, tier: &str| GroupTier { group: Group::new(group), tier: Tier::new(tier), label: None };
    Mappings {
        roles: vec![role("staff", "user"), role("admins", "admin"), role("owners", "owner")],
        seat_tiers: vec![tier("basic", "standard"), tier("power", "premium")],
    }
}

pub(crate) fn assign(role: &str, tier: Option<&str>) -> Plan {
    Plan::Assign { role: Role::new(role), seat_tier: tier.map(Tier::new) }
}

pub(crate) fn ensure() -> Plan {
    Plan::Ensure { role: Role::new("user") }
}

pub(crate) fn login(person: &str, issued_at: u64, plan: Plan) -> Login {
    Login {
        connection: ConnectionId::new("okta"),
        issuer: Issuer::new("https://idp.example"),
        subject: Subject::new(person),
        email: email(&format!("{person}@acme.example")),
        name: None,
        external_id: None,
        issued_at,
        plan,
        preview: false,
    }
}

/// One organization's membership in memory: applies effects as a store would.
pub(crate) struct World {
    pub(crate) organization: Organization,
    pub(crate) members: Vec<Member>,
    pub(crate) tickets: Vec<(Identity, Ticket)>,
    pub(crate) blocks: Vec<(Email, u64)>,
    pub(crate) removals: u32,
    pub(crate) now: u64,
    made: u32,
}

impl World {
    pub(crate) fn new(organization: Organization) -> Self {
        Self { organization, members: vec![], tickets: vec![], blocks: vec![], removals: 0, now: 1_000, made: 0 }
    }

    pub(crate) fn login(&mut self, login: &Login) -> Outcome {
        let outcome = login::decide(&self.organization, login, &self.login_facts(login));
        if matches!(outcome.effects.change, Some(Change::Remove(_))) {
            self.removals += 1;
        }
        self.apply(&outcome.effects);
        outcome
    }

    pub(crate) fn login_facts(&self, login: &Login) -> login::Facts {
        let identity = Identity { issuer: login.issuer.clone(), subject: login.subject.clone() };
        let by = |matches: &dyn Fn(&Member) -> bool| self.members.iter().find(|member| matches(member)).cloned();
        let owner = self.organization.primary_owner.as_ref().map(|owner| &owner.email);
        login::Facts {
            linked: by(&|member| member.identity.as_ref() == Some(&identity)),
            by_email: by(&|member| member.email == login.email),
            by_external_id: (self.members.iter())
                .filter(|member| login.external_id.is_some() && member.external_id == login.external_id)
                .cloned()
                .collect(),
            ticket: self.ticket(&identity),
            email_not_before: self.blocks.iter().find(|(email, _)| *email == login.email).map(|(_, until)| *until),
            active_owners: self.active_owners(),
            primary_owner_taken: owner.is_some()
                && self.members.iter().any(|member| member.primary_owner.as_ref() == owner),
            taken: self.taken(),
            removals_last_hour: self.removals,
            new_id: self.new_id(),
            now: self.now,
        }
    }

    pub(crate) fn add(&mut self, name: &str) -> Member {
        let addition = hand::Addition { email: format!("{name}@acme.example"), ..hand::Addition::default() };
        self.add_as(&addition).unwrap().member
    }

    pub(crate) fn add_as(&mut self, addition: &hand::Addition) -> Result<hand::Handled, hand::Refusal> {
        let same = self.members.iter().find(|member| member.email.as_str() == addition.email);
        let handled = hand::add(&self.organization, addition, same, &self.hand_facts(None))?;
        self.apply(&handled.effects);
        Ok(handled)
    }

    pub(crate) fn edit(&mut self, name: &str, edit: &hand::Edit) -> Result<hand::Handled, hand::Refusal> {
        let member = self.member(name);
        let handled = hand::edit(&self.organization, &member, edit, &self.hand_facts(Some(&member)))?;
        self.apply(&handled.effects);
        Ok(handled)
    }

    pub(crate) fn set_status(&mut self, name: &str, status: Status) -> Member {
        self.edit(name, &hand::Edit { status: Some(status), ..hand::Edit::default() }).unwrap().member
    }

    pub(crate) fn remove(&mut self, name: &str) -> Result<hand::Handled, hand::Refusal> {
        let member = self.member(name);
        let handled = hand::remove(&self.organization, &member, &self.hand_facts(Some(&member)))?;
        self.apply(&handled.effects);
        Ok(handled)
    }

    pub(crate) fn find(&self, name: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.email == email(&format!("{name}@acme.example")))
    }

    pub(crate) fn member(&self, name: &str) -> Member {
        self.find(name).unwrap_or_else(|| panic!("{name} is no member")).clone()
    }

    /// Puts a member of the directory into the organization.
    pub(crate) fn provision(&mut self, name: &str, external_id: Option<&str>) {
        let (organization, role) = (self.organization.id.clone(), Role::new("user"));
        let email = email(&format!("{name}@acme.example"));
        let mut member = Member::new(self.new_id(), organization, email, role, Source::Scim, self.now);
        member.external_id = external_id.map(str::to_owned);
        self.apply(&Effects { change: Some(Change::Create(member)), ..Effects::default() });
    }

    pub(crate) fn taken(&self) -> Taken {
        let tiers = self.organization.product.tiers.iter();
        let holders =
            |tier: &Tier| self.members.iter().filter(|member| member.seat_tier.as_ref() == Some(tier)).count();
        Taken::new(tiers.map(|tier| (tier.clone(), u32::try_from(holders(tier)).unwrap())).collect())
    }

    /// What decisions by hand know.
    pub(super) fn hand_facts(&self, member: Option<&Member>) -> hand::Facts {
        hand::Facts {
            mapped_tier: None,
            ticket: member.and_then(|member| member.identity.as_ref()).and_then(|identity| self.ticket(identity)),
            active_owners: self.active_owners(),
            taken: self.taken(),
            new_id: self.new_id(),
            now: self.now,
        }
    }

    fn ticket(&self, identity: &Identity) -> Option<Ticket> {
        self.tickets.iter().find(|(known, _)| known == identity).map(|(_, ticket)| *ticket)
    }

    fn active_owners(&self) -> u32 {
        let owns = |member: &&Member| member.status == Status::Active && member.role == *self.organization.top_role();
        u32::try_from(self.members.iter().filter(owns).count()).unwrap()
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
                let known = self.members.iter_mut().find(|known| known.id == member.id).unwrap();
                known.clone_from(member);
            }
            None => {}
        }
        if let Some((identity, ticket)) = &effects.ticket {
            self.tickets.retain(|(known, _)| known != identity);
            self.tickets.push((identity.clone(), *ticket));
        }
        match &effects.email_block {
            Some(EmailBlock::Clear(email)) => self.blocks.retain(|(known, _)| known != email),
            Some(EmailBlock::Set(email, until)) => {
                self.blocks.retain(|(known, _)| known != email);
                self.blocks.push((email.clone(), *until));
            }
            None => {}
        }
    }
}
