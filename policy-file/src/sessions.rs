//! `sessions`: the filter's session cache.

use std::time::Duration;

use usher_policy::model::{Offline, Sessions};

use super::duration;
use super::reader::{Node, Recorded};

/// Reads the session options.
pub(super) fn read(node: &Node<'_>) -> Result<Sessions, Recorded> {
    node.object(|fields| {
        let default = Sessions::default();
        let capacity = fields.optional("capacity", |node| node.whole(1..=1_000_000));
        let max_staleness =
            fields.or("max_staleness", default.max_staleness, |node| duration::within(node, TENTH..=HOUR));
        let offline = fields.or("offline", default.offline, offline);
        let capacity = capacity?.and_then(|capacity| usize::try_from(capacity).ok()).unwrap_or(default.capacity);
        Ok(Sessions { capacity, max_staleness: max_staleness?, offline: offline? })
    })
}

/// `deny`, or `{keep: 15m}`.
fn offline(node: &Node<'_>) -> Result<Offline, Recorded> {
    if node.is_object() {
        return node.object(|fields| {
            fields.required("keep", "15m", |node| duration::within(node, TENTH..=24 * HOUR)).map(Offline::Keep)
        });
    }
    match node.is_text().then(|| node.text(32)).transpose()? {
        Some("deny") => Ok(Offline::Deny),
        _ => Err(node.fault("write `deny`, or `{keep: 15m}`")),
    }
}

const TENTH: Duration = Duration::from_millis(100);
const HOUR: Duration = Duration::from_secs(3_600);
