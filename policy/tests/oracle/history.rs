//! What happens to an organization: steps, how they are drawn, and how they read in a report.

use std::fmt;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::policy::{CATALOGS, Catalog, GROUPS, Policy, policies};

/// The clock at the start, seconds.
pub(crate) const START: u64 = 10_000;

/// A policy, and what happens under it.
#[derive(Clone)]
pub(crate) struct History {
    pub(crate) policy: Policy,
    pub(crate) steps: Vec<Step>,
}

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Add {
        email: &'static str,
        role: Option<&'static str>,
        tier: Option<&'static str>,
    },
    /// The directory speaks of one of its users.
    Directory(DirectoryUser),
    Edit {
        email: &'static str,
        edit: Edit,
    },
    Login(Login),
    Policy(Box<Policy>),
    /// A record of a directory's stands in the list: no rule decides here, both sides take it as it is.
    Provision {
        email: &'static str,
        external_id: Option<&'static str>,
    },
    Remove {
        email: &'static str,
    },
    Wait(u64),
}

/// A user as the directory knows them from now on.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct DirectoryUser {
    pub(crate) id: &'static str,
    pub(crate) email: &'static str,
    pub(crate) external_id: Option<&'static str>,
    pub(crate) active: bool,
    pub(crate) groups: Vec<&'static str>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Edit {
    pub(crate) role: Option<&'static str>,
    /// `Some(None)` takes the seat away.
    pub(crate) tier: Option<Option<&'static str>>,
    pub(crate) status: Option<&'static str>,
    pub(crate) unlink: bool,
}

/// A verified assertion with the request that brought it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Login {
    pub(crate) connection: usize,
    pub(crate) subject: &'static str,
    pub(crate) email: &'static str,
    pub(crate) external_id: Option<&'static str>,
    pub(crate) assigned: bool,
    pub(crate) groups: Groups,
    /// The `iat`, seconds from now.
    pub(crate) iat: i64,
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Groups {
    Listed(Vec<&'static str>),
    Missing,
    Overage,
}

/// What both sides say of a login: who came in, or the reason why not.
pub(crate) type Verdict = Result<Entry, String>;

/// Who came in, as the upstream is told.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) member: String,
    pub(crate) email: String,
    pub(crate) role: String,
    pub(crate) tier: Option<String>,
}

/// A member in the list.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) email: String,
    pub(crate) role: String,
    pub(crate) tier: Option<String>,
    pub(crate) status: String,
    pub(crate) source: String,
    /// Issuer and subject.
    pub(crate) identity: Option<(String, String)>,
    pub(crate) primary_owner: bool,
}

/// Seats held of each tier, highest first, and how many wait.
#[derive(Debug, PartialEq)]
pub(crate) struct SeatsHeld {
    pub(crate) taken: Vec<u32>,
    pub(crate) pending: u32,
}

pub(crate) const EMAILS: [&str; 5] =
    ["ada@acme.example", "bob@acme.example", "cy@acme.example", "Ada@ACME.example", "dan@acme.example"];
const SUBJECTS: [&str; 4] = ["ada", "bob", "cy", "dan"];
const IDS: [&str; 4] = ["e-ada", "e-bob", "e-cy", "e-dan"];

/// Histories of every product.
pub(crate) fn histories(steps: std::ops::Range<usize>) -> impl Strategy<Value = History> {
    let of = |product: &'static Catalog| {
        (policies(product), vec(step(product), steps.clone()))
            .prop_map(|(policy, steps)| History { policy, steps })
            .boxed()
    };
    proptest::strategy::Union::new(CATALOGS.iter().map(of))
}

fn step(product: &'static Catalog) -> impl Strategy<Value = Step> + Clone {
    let roles: Vec<_> = product.roles.iter().copied().chain(["king"]).collect();
    let tiers: Vec<_> = product.tiers.iter().copied().chain(["gold"]).collect();
    let email = || select(&EMAILS[..]);
    let addressee = prop_oneof![9 => email(), 1 => select(vec!["eve@other.example", "eve"])];
    let add = (addressee, option::weighted(0.3, select(roles.clone())), option::weighted(0.3, select(tiers.clone())))
        .prop_map(|(email, role, tier)| Step::Add { email, role, tier });
    let edit = prop_oneof![
        select(roles.clone()).prop_map(|role| Edit { role: Some(role), ..Edit::default() }),
        option::weighted(0.8, select(tiers.clone())).prop_map(|tier| Edit { tier: Some(tier), ..Edit::default() }),
        select(vec!["active", "suspended"]).prop_map(|status| Edit { status: Some(status), ..Edit::default() }),
        Just(Edit { unlink: true, ..Edit::default() }),
        several(roles, tiers),
    ];
    // Steps shrink towards the first: waiting.
    prop_oneof![
        4 => prop_oneof![4 => 1..4u64, 1 => 1_000..4_000u64].prop_map(Step::Wait),
        20 => login().prop_map(Step::Login),
        3 => add,
        6 => (email(), edit).prop_map(|(email, edit)| Step::Edit { email, edit }),
        2 => email().prop_map(|email| Step::Remove { email }),
        3 => (email(), option::of(select(&IDS[..])))
            .prop_map(|(email, external_id)| Step::Provision { email, external_id }),
        8 => directory_user().prop_map(Step::Directory),
        2 => policies(product).prop_map(|policy| Step::Policy(Box::new(policy))),
    ]
}

pub(crate) fn directory_user() -> impl Strategy<Value = DirectoryUser> + Clone {
    let person = (0..SUBJECTS.len(), option::weighted(0.15, select(&EMAILS[..])));
    let groups = subsequence(GROUPS.to_vec(), 0..=GROUPS.len());
    let foreign = prop_oneof![15 => Just(false), 1 => Just(true)];
    let active = prop_oneof![4 => Just(true), 1 => Just(false)];
    (person, any::<bool>(), foreign, active, groups).prop_map(|((person, email), has_id, foreign, active, groups)| {
        let own_email = [EMAILS[0], EMAILS[1], EMAILS[2], EMAILS[4]][person];
        DirectoryUser {
            id: SUBJECTS[person],
            email: if foreign { "eve@other.example" } else { email.unwrap_or(own_email) },
            external_id: has_id.then_some(IDS[person]),
            active,
            groups,
        }
    })
}

fn several(roles: Vec<&'static str>, tiers: Vec<&'static str>) -> impl Strategy<Value = Edit> + Clone {
    let status = select(vec!["active", "suspended", "pending"]);
    (option::of(select(roles)), option::of(option::of(select(tiers))), option::of(status), any::<bool>())
        .prop_map(|(role, tier, status, unlink)| Edit { role, tier, status, unlink })
}

pub(crate) fn login() -> impl Strategy<Value = Login> + Clone {
    // Mostly people come as themselves; now and then with the email or the id of another.
    let person = (
        0..SUBJECTS.len(),
        option::weighted(0.15, select(&EMAILS[..])),
        option::weighted(0.15, option::of(select(&IDS[..]))),
    );
    let groups = prop_oneof![
        12 => subsequence(GROUPS.to_vec(), 0..=GROUPS.len()).prop_shuffle().prop_map(Groups::Listed),
        1 => Just(Groups::Missing),
        1 => Just(Groups::Overage),
    ];
    let iat = prop_oneof![3 => Just(0i64), 4 => -4..3i64, 1 => Just(-2_000i64)];
    let request = (select(vec!["GET", "POST"]), select(vec!["/", "/admin", "/admin/x", "/administration"]));
    let connection = prop_oneof![4 => Just(0usize), 1 => Just(1usize)];
    let assigned = prop_oneof![9 => Just(true), 1 => Just(false)];
    (connection, person, assigned, groups, iat, request).prop_map(
        |(connection, (person, email, external_id), assigned, groups, iat, (method, path))| Login {
            connection,
            subject: SUBJECTS[person],
            email: email.unwrap_or([EMAILS[0], EMAILS[1], EMAILS[2], EMAILS[4]][person]),
            external_id: external_id.unwrap_or(Some(IDS[person])),
            assigned,
            groups,
            iat,
            method,
            path,
        },
    )
}

impl Login {
    /// The `iat` where the clock shows `now`.
    pub(crate) fn issued_at(&self, now: u64) -> u64 {
        now.saturating_add_signed(self.iat)
    }
}

/// The steps, one line each.
impl fmt::Debug for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:?}", self.policy)?;
        self.steps.iter().enumerate().try_for_each(|(number, step)| writeln!(f, "{number:>3}. {step}"))
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Add { email, role, tier } => {
                write!(f, "add {email}")?;
                option(f, "role", *role)?;
                option(f, "tier", *tier)
            }
            Self::Directory(user) => write!(f, "the directory says: {user:?}"),
            Self::Edit { email, edit } => {
                write!(f, "edit {email}")?;
                option(f, "role", edit.role)?;
                option(f, "tier", edit.tier.map(|tier| tier.unwrap_or("taken away")))?;
                option(f, "status", edit.status)?;
                option(f, "identity", edit.unlink.then_some("unlinked"))
            }
            Self::Login(login) => write!(f, "{login}"),
            Self::Policy(policy) => write!(f, "policy: {policy:?}"),
            Self::Provision { email, external_id } => {
                write!(f, "the directory provisions {email}")?;
                option(f, "external id", *external_id)
            }
            Self::Remove { email } => write!(f, "remove {email}"),
            Self::Wait(seconds) => write!(f, "wait {seconds} s"),
        }
    }
}

impl fmt::Display for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "login of `{}`, connection {}, {}", self.subject, self.connection, self.email)?;
        option(f, "external id", self.external_id)?;
        write!(f, ", groups {:?}, iat {:+}", self.groups, self.iat)?;
        option(f, "assigned", (!self.assigned).then_some("no"))?;
        write!(f, ", {} {}", self.method, self.path)
    }
}

fn option(f: &mut fmt::Formatter<'_>, name: &str, value: Option<&str>) -> fmt::Result {
    value.map_or(Ok(()), |value| write!(f, ", {name} {value}"))
}
