//! From a host to the organizations it may mean, and from an id to its organization, in constant time.

use std::collections::HashMap;
use std::sync::Arc;

use super::{HostPattern, Organization};
use crate::id::OrganizationId;
use crate::rules::path::NormalPath;

/// Exact hosts before suffixes, the longest suffix first.
#[derive(Debug, Default)]
pub struct Routes {
    exact: HashMap<String, Candidates>,
    suffix: HashMap<String, Candidates>,
    by_id: HashMap<OrganizationId, Arc<Organization>>,
}

/// The organizations that share one host pattern, longest path prefix first.
#[derive(Debug, Default)]
pub struct Candidates {
    organizations: Vec<Arc<Organization>>,
}

impl Routes {
    /// Builds the maps from finished organizations.
    pub fn new(organizations: &[Arc<Organization>]) -> Self {
        let mut routes = Self::default();
        for organization in organizations {
            routes.by_id.insert(organization.id.clone(), Arc::clone(organization));
            for host in &organization.hosts {
                let candidates = match host {
                    HostPattern::Exact(name) => routes.exact.entry(name.clone()).or_default(),
                    HostPattern::Suffix(name) => routes.suffix.entry(name.clone()).or_default(),
                };
                candidates.organizations.push(Arc::clone(organization));
            }
        }
        for candidates in routes.exact.values_mut().chain(routes.suffix.values_mut()) {
            candidates.organizations.sort_by_key(|organization| {
                std::cmp::Reverse(organization.path_prefix.as_ref().map_or(0, String::len))
            });
        }
        routes
    }

    /// The organization with this id.
    pub fn organization(&self, id: &str) -> Option<&Arc<Organization>> {
        self.by_id.get(id)
    }

    /// The organizations that a lowercased host may mean; the most specific pattern alone decides.
    pub fn candidates(&self, host: &str) -> Option<&Candidates> {
        if let Some(exact) = self.exact.get(host) {
            return Some(exact);
        }
        // "One or more labels": an empty one is none.
        if host.split('.').any(str::is_empty) {
            return None;
        }
        let mut rest = host;
        while let Some((_, suffix)) = rest.split_once('.') {
            if let Some(found) = self.suffix.get(suffix) {
                return Some(found);
            }
            rest = suffix;
        }
        None
    }
}

impl Candidates {
    /// Whether the path decides which of them is meant, or what its verdict is.
    pub fn depend_on_path(&self) -> bool {
        self.organizations.iter().any(|organization| organization.depends_on_path())
    }

    /// The organization where the path plays no part.
    pub fn first(&self) -> Option<&Arc<Organization>> {
        self.organizations.first()
    }

    /// The organization with the longest prefix of this path.
    pub fn at(&self, path: &NormalPath) -> Option<&Arc<Organization>> {
        self.organizations
            .iter()
            .find(|organization| organization.path_prefix.as_ref().is_none_or(|prefix| path.is_under(prefix)))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::Routes;
    use crate::id::OrganizationId;
    use crate::model::{HostPattern, Organization, Provisioning};
    use crate::rules::testing::{organization, path};

    fn served(id: &str, host: &str, prefix: Option<&str>) -> Arc<Organization> {
        let mut organization = organization(Provisioning::Manual);
        organization.id = OrganizationId::new(id);
        organization.hosts = vec![match host.strip_prefix("*.") {
            Some(suffix) => HostPattern::Suffix(suffix.to_owned()),
            None => HostPattern::Exact(host.to_owned()),
        }];
        organization.path_prefix = prefix.map(str::to_owned);
        Arc::new(organization)
    }

    #[test]
    fn the_most_specific_host_alone_decides_then_the_longest_prefix() {
        let routes = Routes::new(&[
            served("wide", "*.example", None),
            served("acme", "*.acme.example", None),
            served("eu", "app.acme.example", Some("/eu")),
            served("eu-west", "app.acme.example", Some("/eu/west")),
        ]);
        let at = |host: &str, at: &str| {
            let found = routes.candidates(host).and_then(|candidates| candidates.at(&path(at)));
            found.map(|organization| organization.id.to_string())
        };
        assert_eq!(at("app.acme.example", "/eu/west/x").as_deref(), Some("eu-west"));
        assert_eq!(at("app.acme.example", "/eu/western").as_deref(), Some("eu"));
        assert_eq!(at("app.acme.example", "/eu").as_deref(), Some("eu"));
        assert_eq!(at("app.acme.example", "/us"), None, "an exact host does not fall back to a suffix");
        assert_eq!(at("x.y.acme.example", "/").as_deref(), Some("acme"));
        assert_eq!(at("acme.example", "/").as_deref(), Some("wide"), "a suffix needs one label before it");
        assert_eq!(at("example", "/"), None);
        assert_eq!(at(".acme.example", "/"), None, "an empty label is none");
        assert_eq!(at("a..acme.example", "/"), None);
        assert_eq!(at("elsewhere.test", "/"), None);
    }
}
