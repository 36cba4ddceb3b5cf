//! A scenario's steps and its beginning, as data; `read` makes them of a file.

use std::collections::BTreeMap;

use usher_policy::Reason;
use usher_policy::member::{Source, Status};

use crate::expect::Expected;
use crate::token::{Forgery, KeyRing, Members};

/// One step: what happens, and what must come of it.
#[derive(Clone, Debug)]
pub struct Step {
    /// The line it begins on, from 1; 0 where it stands in no file.
    pub line: usize,
    /// What happens.
    pub action: Action,
    /// The organization that is meant, and looked at. Without it, the first.
    pub organization: Option<String>,
    /// Another organization to look at.
    pub of: Option<String>,
    /// What must come of it.
    pub expected: Expected,
}

impl Step {
    /// What happens, in a few words.
    pub fn title(&self) -> String {
        match &self.action {
            Action::ByHand(deed) => format!("{} {}", deed.verb(), deed.person()),
            Action::Directory(word) => word.title(),
            Action::Look => "look".to_owned(),
            Action::Neighbours(_) => "neighbours".to_owned(),
            Action::Request(request) => match &request.credential {
                Credential::Again(person) => format!("again {person}"),
                Credential::New(login) => format!("login {}", login.person),
                Credential::None => "request without token".to_owned(),
                Credential::Text(_) => "token".to_owned(),
            },
        }
    }

    /// The reason with which it must be denied, if it must.
    pub fn denied(&self) -> Option<Reason> {
        self.expected.denied()
    }
}

/// What happens in a step.
#[derive(Clone, Debug)]
pub enum Action {
    /// Something done by hand to a membership.
    ByHand(Deed),
    /// The parent's directory says something, or a sync is asked for.
    Directory(DirectoryWord),
    /// Nothing; a look at members and seats.
    Look,
    /// The neighbours fall ill or recover.
    Neighbours(Neighbours),
    /// A request.
    Request(Box<Request>),
}

/// A request with or without a token.
#[derive(Clone, Debug)]
pub struct Request {
    /// The credential.
    pub credential: Credential,
    /// Where and how it is sent.
    pub target: Target,
}

/// The credential of a request.
#[derive(Clone, Debug)]
pub enum Credential {
    /// `again`: the person's last token once more, a session where the worker remembers it.
    Again(String),
    /// `login`: a new token.
    New(Box<Login>),
    /// `request`: none, but what `headers` hold.
    None,
    /// `token`: this text.
    Text(String),
}

/// A new token.
#[derive(Clone, Debug, Default)]
pub struct Login {
    /// The person: `ada` has the subject `ada` and the email `ada@` the parent's first domain.
    pub person: String,
    /// The groups, in the claim that the connection names.
    pub groups: Option<Vec<String>>,
    /// Further claims, or others in place of the usual ones.
    pub claims: Members,
    /// Claims that are left out.
    pub without: Vec<String>,
    /// `iat`, in seconds from now. Without it each step's is later than the one before, and all are past.
    pub iat: Option<i64>,
    /// `exp`, in seconds from now. Without it, an hour.
    pub exp: Option<i64>,
    /// `nbf`, in seconds from now. Without it, there is none.
    pub nbf: Option<i64>,
    /// The algorithm. Without it, one that the connection allows.
    pub alg: Option<String>,
    /// Whose key signs.
    pub key: KeyRing,
    /// Another `kid`; `null` for none.
    pub kid: Option<Option<String>>,
    /// A whole header in place of the usual one; the signature is Ed25519.
    pub header: Option<Members>,
    /// The connection by which the person comes. Without it, the organization's first.
    pub connection: Option<String>,
    /// What is done to the token.
    pub forge: Option<Forgery>,
}

/// Where and how a request is sent.
#[derive(Clone, Debug, Default)]
pub struct Target {
    /// The host. Without it, the organization's first.
    pub host: Option<String>,
    /// The path. Without it, the organization's prefix, or `/`.
    pub path: Option<String>,
    /// The method. Without it, `GET`.
    pub method: Option<String>,
    /// Where the token goes. Without it, as a bearer, or where the policy looks first.
    pub via: Option<Via>,
    /// Further headers, in order.
    pub headers: Vec<(String, String)>,
}

/// Where the token goes.
#[derive(Clone, Debug)]
pub enum Via {
    /// `bearer`: `authorization: Bearer …`.
    Bearer,
    /// `cookie NAME`
    Cookie(String),
    /// `header NAME`
    Header(String),
}

/// What is done by hand, and to whom: a person, or an email.
#[derive(Clone, Debug)]
pub enum Deed {
    /// `activate`
    Activate(String),
    /// `add`, with the role and the tier that are given.
    Add {
        /// The person.
        person: String,
        /// The role, if one is given.
        role: Option<String>,
        /// The tier, if one is given.
        seat_tier: Option<String>,
    },
    /// `change`
    Change {
        /// The person.
        person: String,
        /// The new role.
        role: Option<String>,
        /// The new tier; `None` in `Some` takes the seat away.
        seat_tier: Option<Option<String>>,
    },
    /// `remove`
    Remove(String),
    /// `suspend`
    Suspend(String),
    /// `unlink`
    Unlink(String),
}

impl Deed {
    /// Every verb, as the file writes it.
    pub const VERBS: [&'static str; 6] = ["activate", "add", "change", "remove", "suspend", "unlink"];

    /// The verb, as the file writes it.
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Activate(_) => "activate",
            Self::Add { .. } => "add",
            Self::Change { .. } => "change",
            Self::Remove(_) => "remove",
            Self::Suspend(_) => "suspend",
            Self::Unlink(_) => "unlink",
        }
    }

    /// To whom it is done.
    pub fn person(&self) -> &str {
        match self {
            Self::Activate(person) | Self::Remove(person) | Self::Suspend(person) | Self::Unlink(person) => person,
            Self::Add { person, .. } | Self::Change { person, .. } => person,
        }
    }
}

/// What the directory of the organization's parent says, and the sync.
#[derive(Clone, Debug)]
pub enum DirectoryWord {
    /// `deprovision`: a user is deleted.
    Gone(String),
    /// `group`: who is in a group from now on, in one request.
    Group {
        /// Its `displayName`.
        group: String,
        /// The people.
        has: Vec<String>,
    },
    /// `sync`: memberships are reconciled; over the guards, where that is `confirmed`.
    Sync {
        /// Whether removals go ahead however many they are.
        confirmed: bool,
    },
    /// `provision`: a user, new or changed.
    User(Box<UserWord>),
}

/// A user as the directory has them from now on; what is not said stays as it is.
#[derive(Clone, Debug)]
pub struct UserWord {
    /// The person: their `userName`.
    pub person: String,
    /// Their groups, by `displayName`: these and no others.
    pub groups: Option<Vec<String>>,
    /// Whether they are active. Without it, a new user is.
    pub active: Option<bool>,
    /// The email. Without it, a new user has the person's usual one.
    pub email: Option<String>,
    /// The `externalId`.
    pub external_id: Option<String>,
}

impl DirectoryWord {
    /// Every verb, as the file writes it.
    pub const VERBS: [&'static str; 4] = ["provision", "deprovision", "group", "sync"];

    fn title(&self) -> String {
        match self {
            Self::Gone(person) => format!("deprovision {person}"),
            Self::Group { group, .. } => format!("group {group}"),
            Self::Sync { confirmed } => format!("sync {}", if *confirmed { "confirmed" } else { "now" }),
            Self::User(user) => format!("provision {}", user.person),
        }
    }
}

/// How the neighbours are from now on.
#[derive(Clone, Copy, Debug)]
pub struct Neighbours {
    /// The membership store.
    pub store: Option<StoreHealth>,
    /// The key server.
    pub keys: Option<KeyHealth>,
}

/// How the store is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreHealth {
    /// It answers 500.
    Down,
    /// It works.
    Up,
}

/// How the key server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyHealth {
    /// It answers 500.
    Down,
    /// It serves the keys after a rotation.
    Rotated,
    /// It serves the keys that the policy trusts.
    Up,
}

/// Who is in an organization when a scenario begins.
#[derive(Clone, Debug, Default)]
pub struct Beginning {
    /// The organization. Without it, the first.
    pub of: Option<String>,
    /// Its members, by person or email.
    pub members: BTreeMap<String, MemberBefore>,
    /// What is kept about assertions, by person: members and those who went.
    pub tickets: BTreeMap<String, TicketBefore>,
    /// The `not_before` of those who were removed before they were linked, by person, in seconds from now.
    pub blocks: BTreeMap<String, i64>,
}

/// A member when a scenario begins.
#[derive(Clone, Debug)]
pub struct MemberBefore {
    /// The role. Without it, the product's default.
    pub role: Option<String>,
    /// The tier. Without it, there is none.
    pub seat_tier: Option<String>,
    /// The status; `active`.
    pub status: Status,
    /// How they came; `manual`.
    pub source: Source,
    /// The subject they are linked to. Without it, the person's name; `None` in `Some` for not linked.
    pub subject: Option<Option<String>>,
    /// The connection they are linked through. Without it, the organization's first.
    pub connection: Option<String>,
    /// What the directory calls them.
    pub external_id: Option<String>,
    /// Whether they answered to the policy's `primary_owner`.
    pub primary_owner: bool,
}

/// What is kept about an identity's assertions when a scenario begins, in seconds from now.
#[derive(Clone, Debug)]
pub struct TicketBefore {
    /// The newest `iat` that any login showed.
    pub last_iat: i64,
    /// Assertions with an `iat` up to here are revoked.
    pub not_before: Option<i64>,
    /// The subject. Without it, the person's name.
    pub subject: Option<String>,
    /// The connection. Without it, the organization's first.
    pub connection: Option<String>,
}
