//! One product instance of a parent: who may come in, as what, and on which seat.

use std::sync::Arc;

use super::{Connection, Parent};
use crate::id::{ConnectionId, Email, Group, OrganizationId, Role, Tier};
use crate::rules::path::NormalPath;

/// An organization with everything that its decisions need (design §3, `organizations`).
#[derive(Debug)]
pub struct Organization {
    /// Its id, unique in the file.
    pub id: OrganizationId,
    /// The customer it belongs to.
    pub parent: Arc<Parent>,
    /// The catalog of its roles and tiers.
    pub product: Arc<Product>,
    /// The connections whose assertions open it; never empty.
    pub connections: Vec<Arc<Connection>>,
    /// The hosts it is served under; never empty.
    pub hosts: Vec<HostPattern>,
    /// Only paths at or below this prefix belong to it; no trailing `/`, never empty.
    pub path_prefix: Option<String>,
    /// Who owns it whatever the mappings say.
    pub primary_owner: Option<PrimaryOwner>,
    /// How members come to be.
    pub provisioning: Provisioning,
    /// Its seats; `None` exactly where the product has no tiers.
    pub seats: Option<Seats>,
    /// Limits to what a mistake can remove.
    pub guards: Guards,
    /// What roles and tiers are asked for, by path; every rule that matches must allow.
    pub access: Vec<AccessRule>,
    /// What is passed without a look at the credential.
    pub bypass: Vec<BypassRule>,
}

impl Organization {
    /// Whether its verdict depends on the path, so that an ambiguous path must be refused (design §3, "Paths").
    pub fn depends_on_path(&self) -> bool {
        self.path_prefix.is_some() || !self.access.is_empty() || !self.bypass.is_empty()
    }

    /// The most permissive role of its product.
    pub fn top_role(&self) -> &Role {
        self.product.top_role()
    }
}

/// A catalog of roles and seat tiers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    /// Its name in the file.
    pub name: String,
    top_role: Role,
    other_roles: Vec<Role>,
    /// Highest first; empty where the product has no seats.
    pub tiers: Vec<Tier>,
    /// What a member gets where nothing else decides.
    pub default_role: Role,
}

impl Product {
    /// A product from its roles, most permissive first, and tiers, highest first; `None` without a role.
    pub fn new(name: &str, roles: Vec<Role>, tiers: Vec<Tier>, default_role: Role) -> Option<Self> {
        let mut roles = roles.into_iter();
        let top_role = roles.next()?;
        Some(Self { name: name.to_owned(), top_role, other_roles: roles.collect(), tiers, default_role })
    }

    /// The most permissive role.
    pub fn top_role(&self) -> &Role {
        &self.top_role
    }

    /// All roles, most permissive first.
    pub fn roles(&self) -> impl Iterator<Item = &Role> + Clone {
        std::iter::once(&self.top_role).chain(&self.other_roles)
    }

    /// The catalog's own copy of a role, if it has it.
    pub fn role(&self, role: &Role) -> Option<&Role> {
        self.roles().find(|known| *known == role)
    }

    /// The catalog's own copy of a tier, if it has it.
    pub fn tier(&self, tier: &Tier) -> Option<&Tier> {
        self.tiers.iter().find(|known| *known == tier)
    }

    /// Whether the catalog has this role.
    pub fn has_role(&self, role: &Role) -> bool {
        self.role(role).is_some()
    }

    /// Whether the catalog has this tier.
    pub fn has_tier(&self, tier: &Tier) -> bool {
        self.tier(tier).is_some()
    }
}

/// How members come to be: the five modes of design §2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Provisioning {
    /// By hand only.
    Manual,
    /// At login, with the default role.
    Jit,
    /// At login, with the role of their groups; removed by a login that shows none.
    JitMapped(Mappings),
    /// By the directory.
    Scim,
    /// By the directory, with the role of their groups there.
    ScimMapped(Mappings),
}

impl Provisioning {
    /// The mappings, where the mode has them.
    pub fn mappings(&self) -> Option<&Mappings> {
        match self {
            Self::JitMapped(mappings) | Self::ScimMapped(mappings) => Some(mappings),
            Self::Manual | Self::Jit | Self::Scim => None,
        }
    }

    /// Whether the directory provisions.
    pub fn is_scim(&self) -> bool {
        matches!(self, Self::Scim | Self::ScimMapped(_))
    }

    /// Whether a login provisions.
    pub fn is_jit(&self) -> bool {
        matches!(self, Self::Jit | Self::JitMapped(_))
    }

    /// The mode's name in the file.
    pub fn mode(&self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::Jit | Self::JitMapped(_) => "jit",
            Self::Scim | Self::ScimMapped(_) => "scim",
        }
    }
}

/// Which groups give which role and which tier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mappings {
    /// Groups that give a role; never empty.
    pub roles: Vec<GroupRole>,
    /// Groups that give a tier; empty where tiers are not mapped.
    pub seat_tiers: Vec<GroupTier>,
}

/// A group that gives a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupRole {
    /// The group's value.
    pub group: Group,
    /// The role, one of the product's.
    pub role: Role,
    /// What people call the group.
    pub label: Option<String>,
}

/// A group that gives a tier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupTier {
    /// The group's value.
    pub group: Group,
    /// The tier, one of the product's.
    pub tier: Tier,
    /// What people call the group.
    pub label: Option<String>,
}

/// Who owns an organization whatever mappings and syncs say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrimaryOwner {
    /// Their email at the first login.
    pub email: Email,
    /// The connection they come through; `None` only where the organization has one.
    pub connection: Option<ConnectionId>,
}

/// The seats of an organization whose product has tiers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seats {
    /// Every tier of the product, highest first, with its cap.
    pub tiers: Vec<SeatTier>,
    /// What one without a mapped tier gets.
    pub default: SeatDefault,
    /// What happens when a mapped tier is full.
    pub when_full: WhenFull,
}

/// A tier and how many may hold it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeatTier {
    /// The tier.
    pub tier: Tier,
    /// How many seats there are.
    pub cap: Cap,
}

/// How many seats a tier has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cap {
    /// This many.
    Limited(u32),
    /// Without a limit: no `seats` in the file, or none of `caps`.
    Unlimited,
}

impl Cap {
    /// Whether one more fits where `used` are taken.
    pub fn has_room(self, used: u32) -> bool {
        match self {
            Self::Limited(cap) => used < cap,
            Self::Unlimited => true,
        }
    }
}

/// `seats.default`: what one without a mapped tier gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SeatDefault {
    /// The highest tier with a free seat.
    HighestAvailable,
    /// The lowest tier with a free seat.
    LowestAvailable,
    /// No seat: active, but denied `seat_unassigned` until someone gives one.
    Nothing,
    /// Counts as being in no mapped group.
    Remove,
    /// This tier.
    Tier(Tier),
}

/// `seats.when_full`: what happens when a mapped tier is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenFull {
    /// The member waits.
    Deny,
    /// One who holds no seat falls to the next lower tier that has room.
    NextTier,
}

/// Limits to what a mistake can remove (design §2, "Guards").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guards {
    /// A sync that would remove more members than this, and more than `max_removals_percent`, waits; default 10.
    pub max_removals_members: u32,
    /// The same in percent of the members; default 10.
    pub max_removals_percent: u32,
    /// After this many removals by logins in an hour, denied logins no longer remove; default 100.
    pub removals_by_login: u32,
}

impl Default for Guards {
    fn default() -> Self {
        Self { max_removals_members: 10, max_removals_percent: 10, removals_by_login: 100 }
    }
}

/// `hosts`: an exact name, or `*.suffix` for one or more labels before the suffix.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum HostPattern {
    /// This host, lowercased.
    Exact(String),
    /// Every host below this suffix, lowercased, without the `*.`.
    Suffix(String),
}

/// What roles and tiers are asked for under a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessRule {
    /// Where it applies.
    pub path: PathRule,
    /// The methods it applies to, uppercase; `None` is all.
    pub methods: Option<Vec<String>>,
    /// The roles it allows; `None` is all.
    pub roles: Option<Vec<Role>>,
    /// The tiers it allows; `None` is all, and none at all.
    pub seat_tiers: Option<Vec<Tier>>,
}

/// What is passed without a look at the credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BypassRule {
    /// Where it applies.
    pub path: PathRule,
    /// The methods it applies to, uppercase; `None` is all.
    pub methods: Option<Vec<String>>,
}

/// A rule's path: exact, or a prefix on a segment boundary when it ends in `/` (design §3, "Paths").
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathRule {
    /// This path only.
    Exact(String),
    /// Everything below, and the path itself without its trailing slash; kept with the slash.
    Prefix(String),
}

impl PathRule {
    /// Reads a path as the file writes it.
    pub fn parse(path: &str) -> Self {
        if path.ends_with('/') { Self::Prefix(path.to_owned()) } else { Self::Exact(path.to_owned()) }
    }

    /// Whether a path falls under the rule.
    pub fn matches(&self, path: &NormalPath) -> bool {
        let path = path.as_str();
        match self {
            Self::Exact(rule) => path == rule,
            Self::Prefix(rule) => path.starts_with(rule.as_str()) || rule.strip_suffix('/') == Some(path),
        }
    }
}
