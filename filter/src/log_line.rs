//! What is written to Envoy's log: one JSON line for each login and each denial, and what operators must know. No secrets.

use serde_json::json;
use usher_policy::file::Fault;

use crate::flow::Deny;
use crate::host::{self, Level};
use crate::tags::{Fact, Tags};

/// Somebody was let in by a login.
pub(crate) fn login(tags: &Tags, request_id: Option<&str>, is_shadow: bool) {
    let line = json!({
        "event": "login",
        "verdict": "allow",
        "organization": tags.value(Fact::Organization),
        "member": tags.value(Fact::Member),
        "role": tags.value(Fact::Role),
        "seat_tier": tags.value(Fact::SeatTier),
        "request_id": request_id,
        "shadow": is_shadow,
    });
    host::log(Level::Info, &line.to_string());
}

/// Somebody was turned away, or would have been.
pub(crate) fn denial(deny: &Deny, request_id: Option<&str>, is_shadow: bool) {
    let line = json!({
        "event": "denial",
        "verdict": "deny",
        "reason": deny.reason.code(),
        "organization": deny.organization.as_ref().map(usher_policy::id::OrganizationId::as_str),
        "request_id": request_id,
        "shadow": is_shadow,
    });
    host::log(Level::Info, &line.to_string());
}

/// The store gave no answer.
pub(crate) fn store_failed(organization: &str, why: &str, request_id: Option<&str>) {
    let line = json!({ "event": "store_failed", "organization": organization, "why": why, "request_id": request_id });
    host::log(Level::Warn, &line.to_string());
}

/// Keys could not be fetched.
pub(crate) fn keys_failed(source: &str, why: &str) {
    host::log(Level::Warn, &json!({ "event": "keys_failed", "source": source, "why": why }).to_string());
}

/// The change feed could not be followed.
pub(crate) fn feed_failed(why: &str) {
    host::log(Level::Warn, &json!({ "event": "feed_failed", "why": why }).to_string());
}

/// A call to the host failed where none should.
pub(crate) fn host_failed(what: &str, why: &str) {
    host::log(Level::Error, &json!({ "event": "host_failed", "what": what, "why": why }).to_string());
}

/// The worker is ready.
pub(crate) fn configured(organizations: usize, signatures_by_host: bool) {
    let signatures = if signatures_by_host { "host" } else { "wasm" };
    host::log(
        Level::Info,
        &json!({ "event": "configured", "organizations": organizations, "signatures": signatures }).to_string(),
    );
}

/// The configuration cannot be used, for one reason that is not a field's.
pub(crate) fn refused(why: &str) {
    host::log(Level::Error, &json!({ "event": "refused", "why": why }).to_string());
}

/// One fault of the policy.
pub(crate) fn fault(fault: &Fault) {
    host::log(Level::Error, &json!({ "event": "refused", "path": fault.path, "why": fault.message }).to_string());
}

/// The VM ends.
#[cfg(target_family = "wasm")]
pub(crate) fn panicked(why: &str) {
    host::log(Level::Critical, why);
}
