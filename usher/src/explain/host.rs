//! Which organization a request is for, and by which host pattern and path prefix.

use serde_json::json;
use usher_policy::Reason;
use usher_policy::model::{HostPattern, Organization, Policy};
use usher_policy::rules::path::NormalPath;
use usher_policy::rules::route;

use super::trace::Told;
use super::words::{listed, quoted};

/// The organization that answers, and why it is this one.
pub(super) fn served(authority: &str, organization: &Organization, path: Option<&NormalPath>) -> Told {
    let (id, parent, product) = (&organization.id, &organization.parent.id, &organization.product.name);
    let mode = organization.provisioning.mode();
    let mappings = if organization.provisioning.mappings().is_some() { " with group mappings" } else { "" };
    let pattern = route::host(authority.as_bytes()).and_then(|host| matching(organization, &host));
    let by = match pattern {
        Some(HostPattern::Exact(name)) => format!("the host {}", quoted(name)),
        Some(HostPattern::Suffix(suffix)) => format!("the hosts {}", quoted(&format!("*.{suffix}"))),
        None => "its hosts".to_owned(),
    };
    let below = match (&organization.path_prefix, path) {
        (Some(prefix), Some(path)) => {
            format!(", and its `path_prefix` {} holds {}", quoted(prefix), quoted(path.as_str()))
        }
        _ => String::new(),
    };
    Told::with(
        format!(
            "{} is organization `{id}` of parent `{parent}`: it has {by}{below}; product {product}, provisioning {mode}{mappings}",
            quoted(authority)
        ),
        json!({
            "host": pattern.map(written),
            "path_prefix": organization.path_prefix,
            "parent": parent,
            "product": product,
            "mode": mode,
        }),
    )
}

/// Why no organization answers.
pub(super) fn refused(policy: &Policy, authority: &str, path: &str, reason: Reason) -> Told {
    let host = route::host(authority.as_bytes());
    let known = policy.organizations.iter().flat_map(|organization| &organization.hosts).map(written);
    Told::plain(match (reason, host) {
        (Reason::AmbiguousRequest, _) => format!(
            "what answers at {} depends on the path, and {} can be read in more than one way (dot segments, `//`, `;`, `#`, \
             encoded separators or control characters, double encoding, a bad `%`, neither ASCII nor encoded UTF-8)",
            quoted(authority),
            quoted(path)
        ),
        (_, None) => format!("{} is not a host", quoted(authority)),
        (_, Some(_)) if route::is_unmatched(policy, authority.as_bytes()) => {
            let known: Vec<_> = known.collect();
            format!(
                "no organization has the host {}; the policy has {}",
                quoted(authority),
                listed(known.iter().map(String::as_str))
            )
        }
        (_, Some(host)) => {
            let prefixes: Vec<_> = policy
                .organizations
                .iter()
                .filter(|organization| matching(organization, &host).is_some())
                .filter_map(|organization| organization.path_prefix.as_deref())
                .collect();
            format!(
                "the host {} is known, but no `path_prefix` of its organizations ({}) holds {}",
                quoted(&host),
                listed(prefixes),
                quoted(path)
            )
        }
    })
}

/// The most specific of an organization's patterns that a host matches.
fn matching<'a>(organization: &'a Organization, host: &str) -> Option<&'a HostPattern> {
    let specific = |pattern: &&HostPattern| match pattern {
        HostPattern::Exact(_) => usize::MAX,
        HostPattern::Suffix(suffix) => suffix.len(),
    };
    let matches = |pattern: &&HostPattern| match pattern {
        HostPattern::Exact(name) => name == host,
        HostPattern::Suffix(suffix) => host.strip_suffix(suffix.as_str()).is_some_and(|labels| labels.ends_with('.')),
    };
    organization.hosts.iter().filter(matches).max_by_key(specific)
}

fn written(pattern: &HostPattern) -> String {
    match pattern {
        HostPattern::Exact(name) => name.clone(),
        HostPattern::Suffix(suffix) => format!("*.{suffix}"),
    }
}
