//! What is written to Envoy's log: one JSON line for each login and each denial, and what operators must know. No secrets.

mod denial;
mod line;

use usher_policy::rules::conclude::Permit;
use usher_policy_file::Fault;

use crate::host::{self, Level};
use crate::tags::{self, Fact};

pub(crate) use denial::Denial;
use line::Line;

/// Whether the log shows lines of logins and denials. Else none should be written: each costs its request something.
pub(crate) fn shows_verdicts() -> bool {
    host::shows(Level::Info)
}

/// Somebody was let in by a login.
pub(crate) fn login(permit: &Permit, request_id: Option<&str>, is_shadow: bool) {
    let tag = |fact| tags::value(permit, fact);
    let line = Line::of("login")
        .text("verdict", Some("allow"))
        .text("organization", tag(Fact::Organization).as_deref())
        .text("member", tag(Fact::Member).as_deref())
        .text("role", tag(Fact::Role).as_deref())
        .text("seat_tier", tag(Fact::SeatTier).as_deref())
        .text("request_id", request_id)
        .flag("shadow", is_shadow);
    host::log(Level::Info, &line.end());
}

/// Somebody was turned away, or would have been.
pub(crate) fn denial(denial: &Denial<'_>) {
    host::log(Level::Info, &denial.line());
}

/// The store gave no answer.
pub(crate) fn store_failed(organization: &str, why: &str, request_id: Option<&str>) {
    let line = Line::of("store_failed").text("organization", Some(organization)).text("why", Some(why));
    host::log(Level::Warn, &line.text("request_id", request_id).end());
}

/// Keys could not be fetched.
pub(crate) fn keys_failed(source: &str, why: &str) {
    host::log(Level::Warn, &Line::of("keys_failed").text("source", Some(source)).text("why", Some(why)).end());
}

/// The change feed could not be followed.
pub(crate) fn feed_failed(why: &str) {
    host::log(Level::Warn, &Line::of("feed_failed").text("why", Some(why)).end());
}

/// A call to the host failed where none should.
pub(crate) fn host_failed(what: &str, why: &str) {
    host::log(Level::Error, &Line::of("host_failed").text("what", Some(what)).text("why", Some(why)).end());
}

/// The worker is ready.
pub(crate) fn configured(organizations: usize, signatures_by_host: bool) {
    let signatures = if signatures_by_host { "host" } else { "wasm" };
    let line = Line::of("configured").number("organizations", u64::try_from(organizations).ok());
    host::log(Level::Info, &line.text("signatures", Some(signatures)).end());
}

/// The configuration cannot be used, for one reason that is not a field's.
pub(crate) fn refused(why: &str) {
    host::log(Level::Error, &Line::of("refused").text("why", Some(why)).end());
}

/// One fault of the policy.
pub(crate) fn fault(fault: &Fault) {
    let line = Line::of("refused").text("path", Some(&fault.path)).text("why", Some(&fault.message));
    host::log(Level::Error, &line.end());
}

/// The VM ends.
#[cfg(target_family = "wasm")]
pub(crate) fn panicked(why: &str) {
    host::log(Level::Critical, why);
}
