//! The calls to try, as data: what is printed for people is what `--check` runs.

/// One request through Envoy, and what should come of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    /// What it shows.
    pub(super) title: &'static str,
    /// The credential.
    pub(super) ticket: Ticket,
    /// The host that is asked for.
    pub(super) host: &'static str,
    /// The path.
    pub(super) path: &'static str,
    /// A header of the client's own.
    pub(super) header: Option<(&'static str, &'static str)>,
    /// Status and role with seat tier when let in, or status and reason when turned away: as [`super::check`] sees it.
    pub(super) expected: &'static str,
}

/// The credential of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ticket {
    /// A token that somebody else signed, with this person's claims.
    Forged(&'static str),
    /// None.
    None,
    /// A fresh token of this person.
    Of(&'static str),
}

/// The organization where people are removed.
pub(super) const CHAT: &str = "acme-chat";
/// Its host.
pub(super) const CHAT_HOST: &str = "chat.acme.example";
/// Who is removed.
pub(super) const REMOVED: &str = "eve";
/// What they get before.
pub(super) const BEFORE_REMOVAL: &str = "200 user standard";
/// What the same ticket gets after.
pub(super) const AFTER_REMOVAL: &str = "401 session_revoked";
/// The one premium seat is ada's before anyone calls, so that the order of calls does not matter.
pub(super) const FIRST: Call = chat("an admin", Ticket::Of("ada"), "/", "200 admin premium");

/// Every call but those around the removal; they may be made in any order, and again.
pub(super) const CALLS: &[Call] = &[
    FIRST,
    chat("a user, with a token signed by another kind of key", Ticket::Of("ben"), "/", "200 user standard"),
    chat("someone in no mapped group", Ticket::Of("cleo"), "/", "403 no_mapped_group"),
    chat(
        "someone for whom no seat is left: ada holds the only premium one",
        Ticket::Of("dan"),
        "/",
        "403 no_seat_available",
    ),
    chat("a forged token: ada's claims, another key", Ticket::Forged("ada"), "/", "401 bad_signature"),
    chat("no token", Ticket::None, "/", "401 no_credentials"),
    chat("an admin's page, asked for by an admin", Ticket::Of("ada"), "/admin/", "200 admin premium"),
    chat("an admin's page, asked for by a user", Ticket::Of("ben"), "/admin/", "403 role_not_allowed"),
    chat("a path that can be read in two ways", Ticket::Of("ben"), "/%2e%2e/admin/", "400 ambiguous_request"),
    Call {
        header: Some(("X-Usher-Role", "owner")),
        ..chat("a user who claims to be the owner", Ticket::Of("ben"), "/", "200 user standard")
    },
    chat("a health check, which needs no token", Ticket::None, "/healthz", "200"),
    console("the console's primary owner, made a member by name", Ticket::Of("ada"), "200 admin"),
    console("someone whom nobody added to the console", Ticket::Of("ben"), "403 not_a_member"),
    Call {
        host: "shop.acme.example",
        ..chat("a host that no organization has", Ticket::Of("ada"), "/", "404 unknown_organization")
    },
];

/// How the store lists people in [`CHAT`] after all calls and the removal: role, seat tier, status.
pub(super) const LISTED_AFTER: &[(&str, &str)] = &[
    ("ada", "admin premium active"),
    ("ben", "user standard active"),
    ("cleo", "not listed"),
    ("dan", "user - pending"),
    ("eve", "not listed"),
];
/// Its seats by then.
pub(super) const SEATS_AFTER: &str = "premium 1/1, standard 1/20, pending 1";

const fn chat(title: &'static str, ticket: Ticket, path: &'static str, expected: &'static str) -> Call {
    Call { title, ticket, host: CHAT_HOST, path, header: None, expected }
}

const fn console(title: &'static str, ticket: Ticket, expected: &'static str) -> Call {
    Call { title, ticket, host: "console.acme.example", path: "/", header: None, expected }
}
