//! What every denial must look like (design §4), whatever its reason.

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use usher_policy::Reason;

use crate::http::Response;
use crate::system::upstream;

/// The status of each reason, as the design's table has it.
const STATUS: [(u16, &[&str]); 5] = [
    (400, &["ambiguous_request"]),
    (
        401,
        &[
            "no_credentials",
            "malformed_token",
            "unknown_issuer",
            "unsupported_algorithm",
            "unknown_key",
            "bad_signature",
            "wrong_audience",
            "expired",
            "not_yet_valid",
            "replayed",
            "session_revoked",
        ],
    ),
    (
        403,
        &[
            "missing_claim",
            "groups_overage",
            "email_not_verified",
            "domain_not_verified",
            "not_assigned",
            "identity_conflict",
            "member_suspended",
            "not_a_member",
            "not_provisioned",
            "no_mapped_group",
            "no_seat_available",
            "seat_unassigned",
            "role_not_allowed",
            "seat_tier_not_allowed",
        ],
    ),
    (404, &["unknown_organization"]),
    (503, &["store_unavailable", "keys_unavailable"]),
];

/// The role with which a request came through, or the reason for which it did not.
///
/// # Errors
/// It is neither as it must be.
pub fn said(response: &Response) -> Result<String> {
    match upstream::saw(response)? {
        Some(headers) => {
            let role = headers.into_iter().find(|(name, _)| name == "x-usher-role");
            Ok(role.context("passed without tags")?.1)
        }
        None => Ok(denied(response)?.code().to_owned()),
    }
}

/// The reason of a denial that has all that a denial must have.
///
/// # Errors
/// It lacks something.
pub fn denied(response: &Response) -> Result<Reason> {
    let text = String::from_utf8_lossy(&response.body).into_owned();
    let code = response.first("x-usher-reason").with_context(|| format!("no reason: {} {text}", response.status))?;
    let expected = STATUS.iter().find(|(_, codes)| codes.contains(&code.as_str())).map(|(status, _)| *status);
    ensure!(expected == Some(response.status), "`{code}` with status {}", response.status);
    ensure!(response.first("cache-control").as_deref() == Some("no-store"), "`{code}` may be cached");
    check_challenge(&code, response)?;
    ensure!(
        (response.status == 503) == response.first("retry-after").is_some(),
        "`{code}`: retry-after goes with 503 alone"
    );
    match response.first("content-type").unwrap_or_default().split(';').next() {
        Some("application/problem+json") => check_problem(&code, response)?,
        Some("text/html") => ensure!(text.starts_with("<!doctype html>") || text.starts_with("<!DOCTYPE html>")),
        other => anyhow::bail!("`{code}` as {other:?}"),
    }
    Ok(serde_json::from_value(Value::String(code))?)
}

/// RFC 6750, 3: nothing but the scheme where no credential came.
fn check_challenge(code: &str, response: &Response) -> Result<()> {
    let challenge = response.first("www-authenticate");
    match (response.status, challenge.as_deref()) {
        (401, Some("Bearer")) if code == "no_credentials" => Ok(()),
        (401, Some(text)) if code != "no_credentials" => {
            ensure!(text.starts_with("Bearer ") && text.contains("error=\"invalid_token\""), "challenge: {text}");
            Ok(())
        }
        (401, other) => anyhow::bail!("`{code}` with challenge {other:?}"),
        (_, None) => Ok(()),
        (_, Some(text)) => anyhow::bail!("`{code}` with challenge {text}"),
    }
}

/// RFC 9457, 3.
fn check_problem(code: &str, response: &Response) -> Result<()> {
    let body = response.body_json()?;
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    ensure!(text("reason") == code, "the body's reason is `{}`", text("reason"));
    ensure!(body.get("status").and_then(Value::as_u64) == Some(u64::from(response.status)), "status in {body}");
    for name in ["type", "title", "detail", "request_id"] {
        ensure!(!text(name).is_empty(), "no `{name}` in {body}");
    }
    Ok(())
}
