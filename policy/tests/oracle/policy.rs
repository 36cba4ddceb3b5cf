//! A drawn policy: plain data for the oracle, and the file that the real parser reads.

use std::fmt;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};

/// A product's roles, most permissive first, and tiers, highest first.
#[derive(Debug, PartialEq)]
pub(crate) struct Catalog {
    pub(crate) name: &'static str,
    pub(crate) roles: &'static [&'static str],
    pub(crate) default_role: &'static str,
    pub(crate) tiers: &'static [&'static str],
    pub(crate) built_in: bool,
}

pub(crate) static CATALOGS: [Catalog; 4] = [
    Catalog {
        name: "claude",
        roles: &["owner", "admin", "user"],
        default_role: "user",
        tiers: &["premium", "standard"],
        built_in: true,
    },
    Catalog {
        name: "console",
        roles: &["admin", "developer", "billing", "claude_code_user", "user"],
        default_role: "user",
        tiers: &[],
        built_in: true,
    },
    Catalog {
        name: "grid",
        roles: &["dispatcher", "operator", "viewer"],
        default_role: "operator",
        tiers: &["control", "observer", "guest"],
        built_in: false,
    },
    // Whoever comes gets the top role.
    Catalog { name: "club", roles: &["keeper", "guest"], default_role: "keeper", tiers: &["chair"], built_in: false },
];

pub(crate) const GROUPS: [&str; 4] = ["staff", "leads", "Staff", "/a/b"];

#[derive(Clone, PartialEq)]
pub(crate) struct Policy {
    pub(crate) product: &'static Catalog,
    pub(crate) plan: &'static str,
    /// Ids with `scim_match`: one or two connections, with an issuer each.
    pub(crate) connections: Vec<(&'static str, &'static str)>,
    /// An email, and the number of the connection.
    pub(crate) primary_owner: Option<(&'static str, usize)>,
    pub(crate) mode: &'static str,
    /// Group and role; `None` where mappings are off.
    pub(crate) role_groups: Option<Vec<(&'static str, &'static str)>>,
    /// Group and tier.
    pub(crate) tier_groups: Vec<(&'static str, &'static str)>,
    pub(crate) seats: Option<Seats>,
    pub(crate) removals_by_login: u32,
    pub(crate) access: Vec<Access>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Seats {
    pub(crate) caps: Option<Vec<(&'static str, u32)>>,
    pub(crate) default: &'static str,
    pub(crate) when_full: &'static str,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Access {
    pub(crate) path: &'static str,
    pub(crate) methods: Option<Vec<&'static str>>,
    pub(crate) roles: Option<Vec<&'static str>>,
    pub(crate) tiers: Option<Vec<&'static str>>,
}

impl Policy {
    /// The policy file.
    pub(crate) fn file(&self) -> Value {
        let connection = |(id, scim_match): &(&str, &str)| {
            json!({
                "id": id,
                "issuer": issuer(id),
                "audiences": ["usher"],
                "jwks": {"uri": "https://idp.example/keys", "cluster": "idp"},
                "claims": {"external_id": "oid"},
                "scim_match": scim_match,
            })
        };
        let mut file = json!({
            "version": 1,
            "parents": [{
                "id": "acme",
                "plan": self.plan,
                "domains": ["acme.example"],
                "connections": self.connections.iter().map(connection).collect::<Vec<_>>(),
                "organizations": [self.organization()],
            }],
        });
        let product = self.product;
        if !product.built_in {
            file["products"][product.name] =
                json!({"roles": product.roles, "default_role": product.default_role, "seat_tiers": product.tiers});
        }
        file
    }

    fn organization(&self) -> Value {
        let mut organization = json!({
            "id": "acme-hall",
            "product": self.product.name,
            "hosts": ["hall.acme.example"],
            "provisioning": {"mode": self.mode},
            "guards": {"removals_by_login": self.removals_by_login},
            "access": self.access.iter().map(Access::file).collect::<Vec<_>>(),
        });
        if let Some((email, connection)) = self.primary_owner {
            organization["primary_owner"] = match self.connections.len() {
                1 => json!(email),
                _ => json!({"email": email, "connection": self.connections[connection].0}),
            };
        }
        if let Some(role_groups) = &self.role_groups {
            let pairs = |key: &str, pairs: &[(&str, &str)]| {
                pairs.iter().map(|(group, value)| json!({"group": group, key: value})).collect::<Vec<_>>()
            };
            let mappings = &mut organization["provisioning"]["group_mappings"];
            mappings["roles"] = pairs("role", role_groups).into();
            if !self.tier_groups.is_empty() {
                mappings["seat_tiers"] = pairs("tier", &self.tier_groups).into();
            }
        }
        if let Some(seats) = &self.seats {
            organization["seats"] = json!({"default": seats.default, "when_full": seats.when_full});
            if let Some(caps) = &seats.caps {
                organization["seats"]["caps"] =
                    caps.iter().map(|(tier, cap)| ((*tier).to_owned(), json!(cap))).collect();
            }
        }
        organization
    }

    /// Turns what may not be had together (design §2) into what may.
    fn repaired(mut self) -> Self {
        if self.mode == "manual" {
            self.role_groups = None;
        }
        if self.mode == "scim" && self.plan == "team" {
            self.plan = "enterprise";
        }
        if let Some(roles) = &mut self.role_groups
            && roles.is_empty()
        {
            roles.push((GROUPS[0], self.product.roles[0]));
        }
        if self.role_groups.is_none() {
            self.tier_groups.clear();
        }
        if self.product.tiers.is_empty() {
            self.seats = None;
        }
        if let Some(seats) = &mut self.seats
            && seats.default == "remove"
            && self.tier_groups.is_empty()
        {
            seats.default = "highest_available";
        }
        self
    }
}

impl Access {
    fn file(&self) -> Value {
        let mut rule = json!({"path": self.path});
        for (name, list) in [("methods", &self.methods), ("roles", &self.roles), ("seat_tiers", &self.tiers)] {
            if let Some(list) = list {
                rule[name] = json!(list);
            }
        }
        rule
    }
}

/// One line: what the file says of this organization and its connections.
impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} plan, connections {:?}, {}", self.plan, self.connections, self.organization())
    }
}

pub(crate) fn issuer(connection: &str) -> String {
    format!("https://{connection}.example")
}

/// Policies of a product that the parser must take.
pub(crate) fn policies(product: &'static Catalog) -> impl Strategy<Value = Policy> + Clone {
    any_policies(product).prop_map(Policy::repaired)
}

/// Policies of a product, also such as may not be had.
pub(crate) fn any_policies(product: &'static Catalog) -> impl Strategy<Value = Policy> + Clone {
    let connections =
        (select(vec!["email", "external_id"]), option::weighted(0.3, select(vec!["email", "external_id"]))).prop_map(
            |(first, second)| {
                std::iter::once(("okta", first)).chain(second.map(|second| ("entra", second))).collect::<Vec<_>>()
            },
        );
    let role_groups = vec((select(&GROUPS[..]), select(product.roles)), 0..4);
    let provisioning = (
        select(vec!["team", "enterprise", "console"]),
        prop_oneof![1 => Just("manual"), 4 => Just("jit"), 2 => Just("scim")],
        option::weighted(0.6, role_groups),
        if product.tiers.is_empty() {
            Just(vec![]).boxed()
        } else {
            prop_oneof![Just(vec![]), vec((select(&GROUPS[..]), select(product.tiers)), 1..4)].boxed()
        },
    );
    let owner = option::weighted(0.4, (select(vec!["ada@acme.example", "BOB@acme.example"]), 0..2usize));
    let guards = prop_oneof![3 => Just(100u32), 1 => 0..3u32];
    let access = prop_oneof![3 => Just(vec![]), 1 => vec(accesses(product), 1..3)];
    (connections, owner, provisioning, option::weighted(0.7, seats(product)), guards, access).prop_map(
        move |(
            connections,
            primary_owner,
            (plan, mode, role_groups, tier_groups),
            seats,
            removals_by_login,
            access,
        )| {
            let primary_owner = primary_owner.map(|(email, number)| (email, number % connections.len()));
            Policy {
                product,
                plan,
                connections,
                primary_owner,
                mode,
                role_groups,
                tier_groups,
                seats,
                removals_by_login,
                access,
            }
        },
    )
}

fn seats(product: &'static Catalog) -> impl Strategy<Value = Seats> + Clone {
    let caps = subsequence(product.tiers, 0..=product.tiers.len())
        .prop_flat_map(|tiers| tiers.into_iter().map(|tier| (Just(tier), 0..3u32)).collect::<Vec<_>>());
    let words = ["highest_available", "lowest_available", "none", "remove"];
    let defaults: Vec<_> = words.into_iter().chain(product.tiers.iter().copied()).collect();
    (option::weighted(0.9, caps), select(defaults), select(vec!["deny", "next_tier"]))
        .prop_map(|(caps, default, when_full)| Seats { caps, default, when_full })
}

fn accesses(product: &'static Catalog) -> impl Strategy<Value = Access> + Clone {
    let roles = subsequence(product.roles, 1..=product.roles.len());
    let tiers = subsequence(product.tiers, product.tiers.len().min(1)..=product.tiers.len());
    (
        select(vec!["/", "/admin/", "/admin"]),
        option::weighted(0.3, Just(vec!["POST"])),
        roles,
        tiers,
        any::<(bool, bool)>(),
    )
        .prop_map(|(path, methods, roles, tiers, (by_role, by_tier))| {
            let tiers = (by_tier && !tiers.is_empty()).then_some(tiers);
            let roles = (by_role || tiers.is_none()).then_some(roles);
            Access { path, methods, roles, tiers }
        })
}
