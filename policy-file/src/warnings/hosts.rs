//! Hosts that shadow one another: where another organization answers instead (the order is that of `model::Routes`).

use std::collections::{HashMap, HashSet};

use usher_policy::model::{HostPattern, Organization};

use super::place::Place;
use super::{Findings, WarningCode};
use crate::field_path::quoted;

/// How many of the others are named in one warning.
const NAMED: usize = 3;

type Served<'d> = HashMap<&'d HostPattern, Vec<&'d Organization>>;

/// Warns at a host under which another organization answers for some requests: once for narrower hosts and once for path
/// prefixes, however many there are. A host is compared with the next wider one, a prefix with the next shorter one.
pub(super) fn shadowed<'d>(organizations: &[(&'d Organization, Place<'d>)], findings: &mut Findings<'d>) {
    let mut served: Served<'d> = HashMap::new();
    let mut patterns = Vec::new();
    for (organization, _) in organizations {
        for host in &organization.hosts {
            let all = served.entry(host).or_default();
            if all.is_empty() {
                patterns.push(host);
            }
            all.push(organization);
        }
    }
    let narrower = narrower(&patterns, &served);
    let deeper = deeper(&patterns, &served);
    for (organization, place) in organizations {
        for (number, host) in organization.hosts.iter().enumerate() {
            let place = place.member("hosts").item(number);
            if let Some(message) = by_hosts(organization, host, &narrower, &served) {
                findings.add(WarningCode::ShadowedHost, &place, message);
            }
            if let Some(others) = deeper.get(&(host, organization.id.as_str())) {
                findings.add(WarningCode::ShadowedHost, &place, by_paths(host, others));
            }
        }
    }
}

/// The patterns next below each pattern.
fn narrower<'d>(patterns: &[&'d HostPattern], served: &Served<'d>) -> HashMap<&'d HostPattern, Vec<&'d HostPattern>> {
    let suffixes: HashMap<&str, &HostPattern> =
        served.keys().filter_map(|host| Some((suffix_of(host)?, *host))).collect();
    let mut narrower: HashMap<_, Vec<_>> = HashMap::new();
    for host in patterns {
        let mut rest = name(host);
        while let Some((_, suffix)) = rest.split_once('.') {
            if let Some(wider) = suffixes.get(suffix) {
                narrower.entry(*wider).or_default().push(*host);
                break;
            }
            rest = suffix;
        }
    }
    narrower
}

fn by_hosts(
    organization: &Organization,
    host: &HostPattern,
    narrower: &HashMap<&HostPattern, Vec<&HostPattern>>,
    served: &Served<'_>,
) -> Option<String> {
    let owners = |host: &HostPattern| served.get(host).map(Vec::as_slice).unwrap_or_default();
    let of_others = |host: &&&HostPattern| owners(host).iter().all(|owner| owner.id != organization.id);
    let mut shadows = narrower.get(host)?.iter().filter(of_others);
    let named: Vec<_> = shadows
        .by_ref()
        .take(NAMED)
        .map(|narrow| {
            let ids: Vec<_> = owners(narrow).iter().take(NAMED).map(|owner| quoted(owner.id.as_str())).collect();
            let partly = owners(narrow).iter().all(|owner| owner.path_prefix.is_some());
            let outside = if partly { ", and nobody outside its `path_prefix`" } else { "" };
            format!("at {}, organization {} answers{outside}", quoted(&written(narrow)), ids.join(" or "))
        })
        .collect();
    let more = if shadows.next().is_some() { "; and so for more hosts" } else { "" };
    (!named.is_empty()).then(|| {
        format!(
            "{} does not apply everywhere: {}{more}. Only the most specific host decides, whatever the path. \
             If that is not intended, give this organization the same host with a `path_prefix`, or remove the other",
            quoted(&written(host)),
            named.join("; ")
        )
    })
}

/// For each pattern and organization, the organizations whose path prefixes are next below its own.
fn deeper<'d>(
    patterns: &[&'d HostPattern],
    served: &Served<'d>,
) -> HashMap<(&'d HostPattern, &'d str), Vec<&'d Organization>> {
    let mut deeper: HashMap<_, Vec<_>> = HashMap::new();
    for host in patterns {
        let organizations = served.get(host).map(Vec::as_slice).unwrap_or_default();
        let by_prefix: HashMap<&str, &Organization> =
            organizations.iter().map(|organization| (prefix(organization), *organization)).collect();
        for organization in organizations {
            let mut rest = prefix(organization);
            while let Some((shorter, _)) = rest.rsplit_once('/') {
                if let Some(outer) = by_prefix.get(shorter) {
                    deeper.entry((*host, outer.id.as_str())).or_default().push(*organization);
                    break;
                }
                rest = shorter;
            }
        }
    }
    deeper
}

fn by_paths(host: &HostPattern, others: &[&Organization]) -> String {
    let mut seen = HashSet::new();
    let named: Vec<_> = others
        .iter()
        .filter(|other| seen.insert(other.id.as_str()))
        .take(NAMED)
        .map(|other| format!("below {}, organization {} answers", quoted(prefix(other)), quoted(other.id.as_str())))
        .collect();
    let more = if others.len() > NAMED { "; and so for more prefixes" } else { "" };
    format!(
        "this organization does not have all of {}: {}{more}. The longest `path_prefix` wins. \
         If that is not intended, give one of them another host or another prefix",
        quoted(&written(host)),
        named.join("; ")
    )
}

fn prefix(organization: &Organization) -> &str {
    organization.path_prefix.as_deref().unwrap_or_default()
}

fn name(host: &HostPattern) -> &str {
    match host {
        HostPattern::Exact(name) | HostPattern::Suffix(name) => name,
    }
}

fn suffix_of(host: &HostPattern) -> Option<&str> {
    match host {
        HostPattern::Exact(_) => None,
        HostPattern::Suffix(suffix) => Some(suffix),
    }
}

/// The pattern as the file writes it.
fn written(host: &HostPattern) -> String {
    match host {
        HostPattern::Exact(name) => name.clone(),
        HostPattern::Suffix(suffix) => format!("*.{suffix}"),
    }
}
