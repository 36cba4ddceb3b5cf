//! What is written to Envoy's log: one JSON line for each login and each denial, and what operators must know. No secrets.

use serde_json::json;
use usher_policy::file::Fault;

use crate::flow::Deny;
use crate::tags::Tags;

/// Somebody was let in by a login.
pub(crate) fn login(tags: &Tags, request_id: Option<&str>, is_shadow: bool) {
    let line = json!({
        "event": "login",
        "verdict": "allow",
        "organization": tags.value("usher.organization"),
        "member": tags.value("usher.member"),
        "role": tags.value("usher.role"),
        "seat_tier": tags.value("usher.seat_tier"),
        "request_id": request_id,
        "shadow": is_shadow,
    });
    log::info!("{line}");
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
    log::info!("{line}");
}

/// The store gave no answer.
pub(crate) fn store_failed(organization: &str, why: &str, request_id: Option<&str>) {
    let line = json!({ "event": "store_failed", "organization": organization, "why": why, "request_id": request_id });
    log::warn!("{line}");
}

/// Keys could not be fetched.
pub(crate) fn keys_failed(source: &str, why: &str) {
    log::warn!("{}", json!({ "event": "keys_failed", "source": source, "why": why }));
}

/// The change feed could not be followed.
pub(crate) fn feed_failed(why: &str) {
    log::warn!("{}", json!({ "event": "feed_failed", "why": why }));
}

/// A call to the host failed where none should.
pub(crate) fn host_failed(what: &str, why: &str) {
    log::error!("{}", json!({ "event": "host_failed", "what": what, "why": why }));
}

/// The worker is ready.
pub(crate) fn configured(organizations: usize, signatures_by_host: bool) {
    let signatures = if signatures_by_host { "host" } else { "wasm" };
    log::info!("{}", json!({ "event": "configured", "organizations": organizations, "signatures": signatures }));
}

/// The configuration cannot be used, for one reason that is not a field's.
pub(crate) fn refused(why: &str) {
    log::error!("{}", json!({ "event": "refused", "why": why }));
}

/// One fault of the policy.
pub(crate) fn fault(fault: &Fault) {
    log::error!("{}", json!({ "event": "refused", "path": fault.path, "why": fault.message }));
}
