//! `connections`: the identity providers that a parent trusts.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use usher_policy::id::{ConnectionId, Issuer};
use usher_policy::model::{Algorithm, ClaimNames, Connection, EmailTrust, Requirement, ScimMatch};

use super::field_path::quoted;
use super::reader::{Fields, Node, Recorded, listed};
use super::registry::{Once, Registry};
use super::trust::{Conflict, Tenant};
use super::{claims, duration, hosts, jwks, shared_issuers};

/// How many connections a parent may have.
pub(super) const COUNT: RangeInclusive<usize> = 1..=64;

/// A connection of the file, be it without fault or not: organizations name it by its id.
pub(super) struct Known {
    /// Its id, where that can be read.
    pub(super) id: Option<ConnectionId>,
    /// The connection, where nothing is wrong with it.
    pub(super) connection: Result<Arc<Connection>, Recorded>,
}

impl Known {
    /// Whether it has this id.
    pub(super) fn is(&self, id: &str) -> bool {
        self.id.as_ref().is_some_and(|known| known.as_str() == id)
    }
}

/// What a connection's fields are checked against.
pub(super) struct Around<'a, 'd> {
    /// The number of its parent in the file.
    pub(super) parent: usize,
    /// The parent's domains.
    pub(super) domains: Result<&'a [String], Recorded>,
    /// The ids of the parent's connections so far.
    pub(super) ids: &'a mut Once<'d>,
    /// The file's names so far.
    pub(super) registry: &'a mut Registry<'d>,
}

/// Reads one connection.
pub(super) fn read<'d>(node: &Node<'d>, around: &mut Around<'_, 'd>) -> Known {
    let mut known = None;
    let connection = node.object(|fields| {
        let id = fields.required("id", "okta", |node| around.ids.id(node)).map(ConnectionId::new);
        known = id.clone().ok();
        connection(fields, id, around)
    });
    Known { id: known, connection: connection.map(Arc::new) }
}

fn connection<'d>(
    fields: &mut Fields<'d>,
    id: Result<ConnectionId, Recorded>,
    around: &mut Around<'_, 'd>,
) -> Result<Connection, Recorded> {
    let issuer = fields.required("issuer", "https://acme.okta.example", |node| node.text(2048));
    let audiences = fields.required("audiences", "[usher]", audiences);
    let jwks =
        fields.required("jwks", "{uri: https://acme.okta.example/oauth2/v1/keys, cluster: acme-okta}", jwks::read);
    let algorithms = fields.or("algorithms", Algorithm::ALL.to_vec(), algorithms);
    let claims = fields.or("claims", ClaimNames::default(), claims::claim_names);
    let email = fields.or("email", EmailTrust::Verified, |node| {
        node.choice("`email` value", &[("verified", EmailTrust::Verified), ("trusted", EmailTrust::Trusted)])
    });
    let require = fields.or("require", Vec::new(), claims::requirements);
    let assignment = fields.optional("assignment", claims::assignment);
    let domains = fields.optional("domains", |node| own_domains(node, around.domains));
    let scim_match = fields.or("scim_match", ScimMatch::Email, |node| {
        node.choice("`scim_match` value", &[("email", ScimMatch::Email), ("external_id", ScimMatch::ExternalId)])
    });
    let clock_skew = fields.or("clock_skew", Duration::from_secs(60), clock_skew);

    let trusted = enter_trusts(fields, issuer, &audiences, &require, around);
    if let (Ok(issuer), Ok([])) = (issuer, require.as_deref())
        && let Some(pin) = shared_issuers::pin(issuer)
    {
        return Err(fields.fault(
            "require",
            format!("missing: {} vouches for the people of many customers. Pin yours, like `{pin}`", quoted(issuer)),
        ));
    }
    let (claims, scim_match) = (claims?, scim_match?);
    if scim_match == ScimMatch::ExternalId && claims.external_id.is_none() {
        return Err(fields.fault(
            "scim_match",
            "`external_id` needs the claim that holds it. Write for example `claims: {external_id: oid}`",
        ));
    }
    trusted?;
    Ok(Connection {
        id: id?,
        issuer: Issuer::new(issuer?),
        audiences: audiences?.into_iter().map(|(audience, _)| audience.to_owned()).collect(),
        jwks: jwks?,
        algorithms: algorithms?,
        claims,
        email: email?,
        require: require?,
        assignment: assignment?,
        domains: domains?,
        scim_match,
        clock_skew: clock_skew?,
    })
}

/// Each audience with where it stands.
fn audiences<'d>(node: &Node<'d>) -> Result<Vec<(&'d str, Node<'d>)>, Recorded> {
    node.list(1..=32, |item| Ok((item.text(2048)?, item.clone())))
}

fn enter_trusts<'d>(
    fields: &Fields<'d>,
    issuer: Result<&'d str, Recorded>,
    audiences: &Result<Vec<(&'d str, Node<'d>)>, Recorded>,
    require: &Result<Vec<Requirement>, Recorded>,
    around: &mut Around<'_, 'd>,
) -> Result<(), Recorded> {
    let (issuer, Ok(audiences), Ok(require)) = (issuer?, audiences, require) else {
        return Ok(());
    };
    let mut outcome = Ok(());
    for (audience, node) in audiences {
        let place = fields.node().path().clone();
        let tenant = Tenant { parent: around.parent, place, require: require.clone() };
        let Err(conflict) = around.registry.trusts.enter(issuer, audience, tenant) else {
            continue;
        };
        let both = format!("issuer {} with audience {}", quoted(issuer), quoted(audience));
        outcome = Err(node.fault(match conflict {
            Conflict::Parents(earlier) => format!(
                "{both} is trusted by `{earlier}` too, and an assertion could be for either parent. \
                 Write another audience, or separate them in both, like `require: {{hd: [acme.example]}}`"
            ),
            Conflict::Twice(earlier) => {
                format!("{both} is already in `{earlier}`. Within a parent the two choose one connection")
            }
        }));
    }
    outcome
}

fn algorithms(node: &Node<'_>) -> Result<Vec<Algorithm>, Recorded> {
    node.distinct(1..=Algorithm::ALL.len(), |item| {
        let name = item.text(64)?;
        Algorithm::named(name).ok_or_else(|| item.fault(refused_algorithm(name)))
    })
}

fn refused_algorithm(name: &str) -> String {
    let known = listed(Algorithm::ALL.iter().map(|algorithm| algorithm.name()));
    let upper = name.to_ascii_uppercase();
    if upper == "NONE" {
        return format!("`none` is refused: an assertion without a signature proves nothing. Write some of {known}");
    }
    if upper.starts_with("HS") {
        let why = "whoever can check an HMAC can also forge it, and published keys are no secret";
        return format!("{} is refused: {why}. Write some of {known}", quoted(name));
    }
    format!("unknown algorithm {}. Write some of {known}", quoted(name))
}

/// The domains that a connection speaks for: some of the parent's.
fn own_domains(node: &Node<'_>, parents: Result<&[String], Recorded>) -> Result<Vec<String>, Recorded> {
    node.distinct(1..=1_000, |item| {
        let domain = hosts::mail_domain(item)?;
        match parents {
            Ok(parents) if !parents.contains(&domain) => {
                let known = listed(parents.iter().map(String::as_str));
                Err(item.fault(format!("{} is not in the parent's `domains`, which are {known}", quoted(&domain))))
            }
            _ => Ok(domain),
        }
    })
}

fn clock_skew(node: &Node<'_>) -> Result<Duration, Recorded> {
    let skew = duration::within(node, Duration::ZERO..=Duration::from_secs(600))?;
    if skew.subsec_nanos() != 0 {
        return Err(
            node.fault("a fraction of a second: times in assertions are whole seconds. Write for example `60s`")
        );
    }
    Ok(skew)
}
