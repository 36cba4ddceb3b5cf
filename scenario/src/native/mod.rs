//! The rules alone, with a store in memory: the filter's way of a request, without filter, network or process.

mod directory;
mod world;

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use serde_json::Value;
use usher_policy::id::ConnectionId;
use usher_policy::member::{Member, Status};
use usher_policy::model::{Connection, CredentialSource, Enforcement, Organization, Unmatched};
use usher_policy::rules::conclude::{self, Permit};
use usher_policy::rules::hand::{Addition, Edit};
use usher_policy::rules::plan::Plan;
use usher_policy::rules::{access, route};
use usher_policy::token::keys::KeySet;
use usher_policy::token::signature::JwtSimple;
use usher_policy::token::verify::{KeySource, VerifyError};
use usher_policy::token::{self, Assertion, Claimant, VerifiedAssertion};
use usher_policy::{Policy, Reason};

use self::directory::Directory;
use self::world::World;
use crate::ask::Ask;
use crate::cast::Memberships;
use crate::expect::{Seen, Tags};
use crate::play::{self, Failed, NOBODY, Stage};
use crate::step::{Deed, DirectoryWord, KeyHealth, Neighbours, StoreHealth};
use crate::token::KeyRing;
use crate::{Scenario, policy, refusal, yaml};

/// The time of every scenario: 2027-01-15, because a time must be some time.
const NOW: u64 = 1_800_000_000;

/// A stage without processes.
pub struct Native {
    policy: Policy,
    world: World,
    directory: Directory,
    store_is_up: bool,
    keys: KeyServer,
    told: Vec<String>,
}

/// Plays a scenario by the rules alone; what failed is returned, with an empty list for success.
///
/// # Errors
/// It cannot begin, a step after which the playing cannot go on, or a policy that is not refused at all as it must be.
pub fn perform(scenario: &Scenario) -> Result<Vec<Failed>> {
    if !scenario.refused.is_empty() {
        return Ok(refusal::check(scenario)?.into_iter().collect());
    }
    play::perform(scenario, &mut Native::new(scenario)?)
}

impl Native {
    /// Sets the stage for a scenario.
    ///
    /// # Errors
    /// Its policy has faults.
    pub fn new(scenario: &Scenario) -> Result<Self> {
        let document = policy::fill_in_keys(&scenario.policy, None)?;
        let policy = usher_policy_file::from_json(document.to_string().as_bytes())
            .map_err(|faults| anyhow!("the policy has faults: {faults:#?}"))?;
        let keys = KeyServer { serves: Some(KeyRing::Main), fetched: RefCell::default() };
        Ok(Self {
            policy,
            world: World::new(NOW),
            directory: Directory::default(),
            store_is_up: true,
            keys,
            told: Vec::new(),
        })
    }

    /// The filter's way (design §5), the credential's parsing at the rim left out.
    fn decide(&mut self, ask: &Ask) -> Result<Seen, Reason> {
        let authority = ask.host.as_bytes();
        if self.policy.unmatched == Unmatched::Pass && route::is_unmatched(&self.policy, authority) {
            return Ok(Seen::Pass);
        }
        let routed = route::route(&self.policy, authority, ask.path.as_bytes())?;
        let request = conclude::Request { method: &ask.method, path: routed.path.as_ref() };
        let organization = routed.organization;
        if access::bypasses(organization, request) {
            return Ok(Seen::Pass);
        }
        let token = credential(&self.policy, ask).ok_or(Reason::NoCredentials)?;
        let verified = self.verify(organization, token)?;
        let preview = self.policy.enforcement == Enforcement::Shadow;
        let login = Claimant::read(organization, &verified)?.login(organization, preview)?;
        self.told.push(format!("the plan for {} is {}", login.email, written(&login.plan)));
        if !self.store_is_up {
            return Err(match login.plan {
                Plan::Remove { reason: Reason::NotAssigned } => Reason::NotAssigned,
                _ => Reason::StoreUnavailable,
            });
        }
        let answer = self.world.login(organization, &login);
        self.told.push(format!("the store answers {}", written(&answer.answer)));
        let standing = Arc::new(conclude::conclude(organization, &login, &answer)?);
        Ok(tagged(&conclude::admit(organization, &standing, request)?))
    }

    fn verify(&self, organization: &Organization, token: &str) -> Result<VerifiedAssertion, Reason> {
        let assertion = Assertion::parse(token.as_bytes())?;
        let verify = || token::verify(organization, &assertion, &self.keys, &JwtSimple, NOW);
        let mut verified = verify();
        if let Err(VerifyError::NoKeys(connection) | VerifyError::UnknownKey(connection)) = &verified
            && self.keys.fetch(connection)
        {
            verified = verify();
        }
        verified.map_err(|error| error.reason())
    }

    fn organization(&self, id: &str) -> Result<Arc<Organization>> {
        self.policy.organization(id).cloned().with_context(|| format!("no organization {id}"))
    }
}

impl Stage for Native {
    fn now(&self) -> u64 {
        NOW
    }

    fn policy(&self) -> &Policy {
        &self.policy
    }

    fn begin(&mut self, memberships: Memberships) -> Result<()> {
        if memberships.with_directory {
            self.directory.begin(&self.policy, &memberships.members);
        }
        self.world.begin(memberships);
        Ok(())
    }

    fn request(&mut self, ask: &Ask) -> Result<Seen> {
        self.told.clear();
        Ok(match (self.decide(ask), self.policy.enforcement) {
            (Ok(seen), _) => seen,
            (Err(_), Enforcement::Shadow) => Seen::Pass,
            (Err(reason), Enforcement::Enforce) => Seen::Deny(reason),
        })
    }

    fn told(&self) -> Vec<String> {
        self.told.clone()
    }

    fn by_hand(&mut self, organization: &str, deed: &Deed, email: &str) -> Result<Result<(), String>> {
        let organization = self.organization(organization)?;
        let status = |status| Edit { status: Some(status), ..Edit::default() };
        let edit = match deed {
            Deed::Add { role, seat_tier, .. } => {
                let (role, seat_tier) = (role.clone(), seat_tier.clone());
                let addition = Addition { email: email.to_owned(), name: None, role, seat_tier };
                return Ok(self.world.add(&organization, &addition).map_err(|refusal| refusal.code().to_owned()));
            }
            Deed::Remove(_) => {
                let removed = self.world.remove(&organization, email);
                return Ok(removed.map_or(nobody(), |removed| removed.map_err(|refusal| refusal.code().to_owned())));
            }
            Deed::Activate(_) => status(Status::Active),
            Deed::Suspend(_) => status(Status::Suspended),
            Deed::Unlink(_) => Edit { unlink: true, ..Edit::default() },
            Deed::Change { role, seat_tier, .. } => {
                Edit { role: role.clone(), seat_tier: seat_tier.clone(), ..Edit::default() }
            }
        };
        let mapped_tier = |member: &Member| self.directory.mapped_tier(&organization, member);
        let edited = self.world.edit(&organization, email, &edit, mapped_tier);
        self.directory.pass_seats_on(&mut self.world, &organization);
        Ok(edited.map_or(nobody(), |edited| edited.map_err(|refusal| refusal.code().to_owned())))
    }

    fn directory(&mut self, organization: &str, word: &DirectoryWord, email: &dyn Fn(&str) -> String) -> Result<()> {
        let organization = self.organization(organization)?;
        self.directory.hear(&mut self.world, &self.policy, &organization, word, email);
        Ok(())
    }

    fn members(&mut self, organization: &str) -> Result<Vec<Value>> {
        Ok(self.world.members(&*self.organization(organization)?))
    }

    fn seats(&mut self, organization: &str) -> Result<Value> {
        Ok(self.world.seats(&*self.organization(organization)?))
    }

    fn neighbours(&mut self, neighbours: &Neighbours) -> Result<()> {
        if let Some(store) = neighbours.store {
            self.store_is_up = store == StoreHealth::Up;
        }
        if let Some(keys) = neighbours.keys {
            self.keys.serves = match keys {
                KeyHealth::Down => None,
                KeyHealth::Rotated => Some(KeyRing::Next),
                KeyHealth::Up => Some(KeyRing::Main),
            };
        }
        Ok(())
    }
}

/// What a key server serves, and what was fetched from it.
struct KeyServer {
    serves: Option<KeyRing>,
    fetched: RefCell<HashMap<ConnectionId, Rc<KeySet>>>,
}

impl KeyServer {
    /// Whether there are newer keys now.
    fn fetch(&self, connection: &Connection) -> bool {
        let served = self.serves.and_then(|ring| KeySet::parse(ring.jwks().ok()?.to_string().as_bytes()).ok());
        match served {
            Some(keys) => {
                self.fetched.borrow_mut().insert(connection.id.clone(), Rc::new(keys));
                true
            }
            None => false,
        }
    }
}

impl KeySource for KeyServer {
    fn keys(&self, connection: &Connection) -> Option<Rc<KeySet>> {
        self.fetched.borrow().get(&connection.id).cloned()
    }
}

/// A value in the words of the file.
fn written(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).map_or_else(|_| String::new(), |value| yaml::flow(&value))
}

/// What the store's API says of a member that it does not have.
fn nobody() -> Result<(), String> {
    Err(NOBODY.to_owned())
}

/// The token, if it stands where the policy looks first among the places that are filled.
fn credential<'a>(policy: &Policy, ask: &'a Ask) -> Option<&'a str> {
    let header = |wanted: &str| {
        let found = ask.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        found.map(|(_, value)| value.as_str())
    };
    policy.credentials.sources.iter().find_map(|source| match source {
        CredentialSource::Authorization => header("authorization").map(|value| value.strip_prefix("Bearer ")),
        CredentialSource::Header(name) => header(name).map(Some),
        CredentialSource::Cookie(name) => {
            let cookies = header("cookie")?.split("; ");
            cookies.filter_map(|cookie| cookie.split_once('=')).find(|(known, _)| known == name).map(|(_, v)| Some(v))
        }
    })?
}

fn tagged(permit: &Permit) -> Seen {
    Seen::Allow {
        organization: permit.organization().to_string(),
        tags: Tags {
            role: permit.role().to_string(),
            seat_tier: permit.seat_tier().map(ToString::to_string),
            email: permit.email().to_string(),
            subject: permit.subject().to_string(),
        },
    }
}
