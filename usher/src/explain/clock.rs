//! When an assertion was issued and until when it is good, seen from `now`.

use serde_json::{Value, json};
use usher_policy::model::Connection;

use super::trace::Told;
use super::unproven::Said;
use super::words::seconds;

/// `iat`, `nbf` and `exp` against the clock.
pub(super) fn times(chosen: &Connection, said: &Said, now: u64) -> Told {
    let skew = chosen.clock_skew.as_secs();
    let mut told: Vec<_> = [("iat", "issued"), ("nbf", "not before")]
        .into_iter()
        .filter_map(|(name, words)| Some(format!("{words} {} (`{name}`)", past(date(said, name)?, now, skew))))
        .collect();
    if let Some(expires) = date(said, "exp") {
        told.push(end(expires, now, skew));
    }
    Told::with(
        format!("{}; now {now}, clock skew {}", told.join(", "), seconds(skew)),
        json!({
            "now": now,
            "clock_skew": skew,
            "iat": said.claims.get("iat"),
            "nbf": said.claims.get("nbf"),
            "exp": said.claims.get("exp"),
        }),
    )
}

/// The first whole second that is not before a date.
fn date(said: &Said, name: &str) -> Option<u64> {
    let value = said.claims.get(name)?;
    value.as_u64().or_else(|| value.as_f64().map(|date| date.ceil() as u64)).filter(|_| Value::is_number(value))
}

fn past(date: u64, now: u64, skew: u64) -> String {
    match (now.checked_sub(date), date.saturating_sub(now)) {
        (Some(ago), _) => format!("{} ago", seconds(ago)),
        (None, ahead) if ahead <= skew => format!("{} ahead, within the clock skew", seconds(ahead)),
        (None, ahead) => format!("{} ahead", seconds(ahead)),
    }
}

fn end(expires: u64, now: u64, skew: u64) -> String {
    match expires.checked_sub(now) {
        Some(left) if left > 0 => format!("expires in {} (`exp`)", seconds(left)),
        _ => {
            let ago = now.saturating_sub(expires);
            if ago < skew {
                format!("expired {} ago (`exp`), within the clock skew: each request is a login", seconds(ago))
            } else {
                format!("expired {} ago (`exp`), and the clock skew ended {} ago", seconds(ago), seconds(ago - skew))
            }
        }
    }
}
