//! `store`, `credentials`, `headers`, `audit` and `admin_tokens`.

use std::collections::HashSet;
use std::time::Duration;

use usher_policy::id::ParentId;
use usher_policy::model::{AdminToken, CredentialSource, Credentials, HeaderNames, StoreClient};

use super::field_path::quoted;
use super::reader::{Node, Recorded};
use super::registry::{Once, Registry};
use super::{duration, names};

/// `store`: how the filter reaches the membership store.
pub(super) fn store<'d>(node: &Node<'d>, registry: &mut Registry<'d>) -> Result<StoreClient, Recorded> {
    node.object(|fields| {
        let default = StoreClient::default();
        let cluster = fields.or("cluster", default.cluster, names::cluster);
        let authority = fields.or("authority", default.authority, names::authority);
        let timeout = fields.or("timeout", default.timeout, |node| {
            duration::within(node, Duration::from_millis(1)..=Duration::from_secs(60))
        });
        let token_env = fields.or("token_env", default.token_env, |node| registry.secret(node));
        Ok(StoreClient { cluster: cluster?, authority: authority?, timeout: timeout?, token_env: token_env? })
    })
}

/// `credentials`: where the credential is looked for.
pub(super) fn credentials(node: &Node<'_>) -> Result<Credentials, Recorded> {
    node.object(|fields| {
        let default = Credentials::default();
        let sources = fields.or("sources", default.sources, |node| node.distinct(1..=8, source));
        let forward = fields.or("forward", default.forward, Node::flag);
        Ok(Credentials { sources: sources?, forward: forward? })
    })
}

/// `authorization`, `{cookie: NAME}` or `{header: NAME}`.
fn source(node: &Node<'_>) -> Result<CredentialSource, Recorded> {
    const FORMS: &str = "`authorization`, `{cookie: NAME}` or `{header: NAME}`";
    if !node.is_object() {
        return match node.is_text().then(|| node.text(256)).transpose()? {
            Some("authorization") => Ok(CredentialSource::Authorization),
            Some(other) => Err(node.fault(format!("unknown source {}. Write {FORMS}", quoted(other)))),
            None => Err(node.fault(format!("no source. Write {FORMS}"))),
        };
    }
    node.object(|fields| {
        let cookie = fields.optional("cookie", names::cookie);
        let header = fields.optional("header", |node| {
            let name = names::header(node)?;
            if name == "authorization" {
                return Err(node.fault("write `authorization`, without `header`: its value has a scheme"));
            }
            if name.replace('_', "-").starts_with("x-usher-") {
                return Err(node.fault("inbound `x-usher-…` headers are dropped. Write another header"));
            }
            refuse_reserved(node, &name)?;
            Ok(name)
        });
        match (cookie?, header?) {
            (Some(cookie), None) => Ok(CredentialSource::Cookie(cookie)),
            (None, Some(header)) => Ok(CredentialSource::Header(header)),
            _ => Err(node.fault(format!("one source per entry. Write {FORMS}"))),
        }
    })
}

/// `headers`: the names of the identity headers.
pub(super) fn headers(node: &Node<'_>, credentials: &Result<Credentials, Recorded>) -> Result<HeaderNames, Recorded> {
    let mut taken = HashSet::new();
    let mut name = |node: &Node<'_>| {
        let name = names::header(node)?;
        refuse_reserved(node, &name)?;
        if name.replace('_', "-") == "x-usher-reason" {
            return Err(node.fault("`x-usher-reason` is reserved for the reason. Write another name"));
        }
        if let Ok(credentials) = credentials
            && credentials.sources.contains(&CredentialSource::Header(name.clone()))
        {
            return Err(node.fault(format!("{} holds the credential. Write another name", quoted(&name))));
        }
        if name.contains('_') {
            // Many servers take `_` and `-` for the same, so a client could send the twin.
            return Err(node.fault(format!("write `{}`, with `-` instead of `_`", name.replace('_', "-"))));
        }
        if !taken.insert(name.clone()) {
            return Err(node.fault(format!("{} is repeated", quoted(&name))));
        }
        Ok(name)
    };
    node.object(|fields| {
        let default = HeaderNames::default();
        let organization = fields.or("organization", default.organization, &mut name);
        let member = fields.or("member", default.member, &mut name);
        let subject = fields.or("subject", default.subject, &mut name);
        let email = fields.or("email", default.email, &mut name);
        let role = fields.or("role", default.role, &mut name);
        let seat_tier = fields.or("seat_tier", default.seat_tier, &mut name);
        let names = HeaderNames {
            organization: organization?,
            member: member?,
            subject: subject?,
            email: email?,
            role: role?,
            seat_tier: seat_tier?,
        };
        let mut all = HashSet::new();
        if let Some(twice) = names.all().into_iter().find(|name| !all.insert(*name)) {
            return Err(fields
                .node()
                .fault(format!("two values would be in {}. Write different names", quoted(twice))));
        }
        Ok(names)
    })
}

/// `audit`: how long the store keeps who changed what.
pub(super) fn audit(node: &Node<'_>) -> Result<Duration, Recorded> {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    node.object(|fields| fields.required("retention", "400d", |node| duration::within(node, DAY..=3_660 * DAY)))
}

/// `admin_tokens`: named tokens that may administer the store.
pub(super) fn admin_tokens<'d>(node: &Node<'d>, registry: &mut Registry<'d>) -> Result<Vec<AdminToken>, Recorded> {
    let mut tokens: Once<'d> = Once::default();
    node.list(0..=1_000, |item| {
        item.object(|fields| {
            let name = fields.required("name", "ada", |node| tokens.id(node));
            let token_env = fields.required("token_env", "USHER_ADMIN_TOKEN_ADA", |node| registry.secret(node));
            let parents = fields.optional("parents", |node| {
                node.list(1..=1_000, |item| {
                    let id = item.text(256)?;
                    if !registry.parents.contains(id) {
                        return Err(item.fault(format!("unknown parent {}", quoted(id))));
                    }
                    Ok(ParentId::new(id))
                })
            });
            Ok(AdminToken { name: name?, token_env: token_env?, parents: parents? })
        })
    })
}

/// Headers that mean something to HTTP, to Envoy or to the filter itself.
fn refuse_reserved(node: &Node<'_>, name: &str) -> Result<(), Recorded> {
    let folded = name.replace('_', "-");
    if RESERVED.contains(&folded.as_str()) {
        return Err(node.fault(format!("{} has a meaning in HTTP. Write another, like `x-assertion`", quoted(name))));
    }
    match RESERVED_PREFIXES.iter().find(|prefix| folded.starts_with(**prefix)) {
        Some(prefix) => Err(node.fault(format!(
            "{} is one of the proxy's own (`{prefix}…`). Write another, like `x-assertion`",
            quoted(name)
        ))),
        None => Ok(()),
    }
}

const RESERVED_PREFIXES: &[&str] = &["x-envoy-", "x-forwarded-", "x-original-"];

const RESERVED: &[&str] = &[
    "accept",
    "accept-encoding",
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "date",
    "expect",
    "forwarded",
    "host",
    "keep-alive",
    "origin",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "x-request-id",
];
