//! `jwks`: where a connection's keys come from.

use std::time::Duration;

use serde_json::Value;
use usher_policy::model::{Jwks, RemoteJwks};
use usher_policy::token::keys::KeySet;

use super::reader::{Fields, Node, Recorded};
use super::{duration, jwks_uri, names};

/// Reads `{uri, cluster, …}` or `{inline: {keys: […]}}`.
pub(super) fn read(node: &Node<'_>) -> Result<Jwks, Recorded> {
    node.object(|fields| {
        let inline = fields.field("inline");
        let uri = fields.field("uri");
        match (inline, uri) {
            (Some(inline), None) => {
                let keys = key_set(&inline);
                refuse_fetching(fields)?;
                Ok(Jwks::Inline(keys?))
            }
            (None, Some(uri)) => remote(fields, &uri).map(Jwks::Remote),
            (Some(inline), Some(uri)) => {
                let _ = remote(fields, &uri);
                Err(inline.fault("keys come from one place. Write either `uri` with `cluster`, or `inline`"))
            }
            (None, None) => {
                let _ = (fields.optional("cluster", names::cluster), fetching(fields));
                Err(fields.node().fault(
                    "names no keys. Write `{uri: https://idp.acme.example/keys, cluster: acme-idp}` or `{inline: {keys: [...]}}`",
                ))
            }
        }
    })
}

fn key_set(node: &Node<'_>) -> Result<KeySet, Recorded> {
    if has_secret(node.value()) {
        return Err(node.fault(
            "holds a private or symmetric key, and secrets are never in this file. Write only the public part",
        ));
    }
    KeySet::read(node.value()).map_err(|error| node.fault(error.to_string()))
}

/// The parameters of RFC 7518, 6.2.2, 6.3.2 and 6.4.1 that only who signs may know.
fn has_secret(set: &Value) -> bool {
    const SECRET: &[&str] = &["d", "dp", "dq", "k", "oth", "p", "q", "qi"];
    let keys = set.get("keys").and_then(Value::as_array);
    keys.into_iter().flatten().any(|key| SECRET.iter().any(|name| key.get(name).is_some()))
}

fn refuse_fetching(fields: &mut Fields<'_>) -> Result<(), Recorded> {
    let mut outcome = Ok(());
    for name in ["cluster", "insecure", "timeout", "refresh", "min_interval", "max_stale"] {
        if let Some(node) = fields.field(name) {
            outcome = Err(node.fault("only keys behind a `uri` are fetched. Omit it with `inline`"));
        }
    }
    outcome
}

fn remote(fields: &mut Fields<'_>, uri: &Node<'_>) -> Result<RemoteJwks, Recorded> {
    let parsed = jwks_uri::read(uri);
    let cluster = fields.required("cluster", "acme-idp", names::cluster);
    let fetching = fetching(fields);
    let (parsed, fetching) = (parsed?, fetching?);
    let plain_to_elsewhere = !parsed.tls && !parsed.is_loopback();
    if plain_to_elsewhere && !fetching.insecure {
        return Err(uri.fault(
            "keys over plain http can be swapped on the way. Write https, or `insecure: true` beside it for a trusted network",
        ));
    }
    Ok(RemoteJwks {
        uri: parsed,
        cluster: cluster?,
        insecure: plain_to_elsewhere,
        timeout: fetching.timeout,
        refresh: fetching.refresh,
        min_interval: fetching.min_interval,
        max_stale: fetching.max_stale,
    })
}

/// How keys are fetched, whatever the URL.
struct Fetching {
    insecure: bool,
    timeout: Duration,
    refresh: Duration,
    min_interval: Duration,
    max_stale: Duration,
}

fn fetching(fields: &mut Fields<'_>) -> Result<Fetching, Recorded> {
    const MILLISECOND: Duration = Duration::from_millis(1);
    const SECOND: Duration = Duration::from_secs(1);
    const DAY: Duration = Duration::from_secs(86_400);
    let insecure = fields.or("insecure", false, Node::flag);
    let timeout = fields.or("timeout", 2 * SECOND, |node| duration::within(node, MILLISECOND..=60 * SECOND));
    let refresh = fields.or("refresh", 300 * SECOND, |node| duration::within(node, SECOND..=7 * DAY));
    let min_interval =
        fields.or("min_interval", 2 * SECOND, |node| duration::within(node, 100 * MILLISECOND..=3600 * SECOND));
    let max_stale = fields.or("max_stale", DAY, |node| duration::within(node, SECOND..=30 * DAY));
    let (refresh, max_stale) = (refresh?, max_stale?);
    if max_stale < refresh {
        return Err(
            fields.fault("max_stale", "shorter than `refresh`: keys would be dropped before they are fetched again")
        );
    }
    Ok(Fetching { insecure: insecure?, timeout: timeout?, refresh, min_interval: min_interval?, max_stale })
}
