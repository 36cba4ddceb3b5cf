//! From a host to the organizations it may mean, and from an id to its organization, in constant time.

use std::collections::HashMap;
use std::sync::Arc;

use super::{HostPattern, Organization};
use crate::rules::path::NormalPath;

/// Exact hosts before suffixes, the longest suffix first.
#[derive(Debug, Default)]
pub struct Routes {
    exact: HashMap<String, Candidates>,
    suffix: HashMap<String, Candidates>,
    by_id: HashMap<String, Arc<Organization>>,
}

/// The organizations that share one host pattern.
#[derive(Debug, Default)]
pub struct Candidates {
    /// The one that has every path that is nobody else's.
    everywhere: Option<Arc<Organization>>,
    by_prefix: HashMap<String, Arc<Organization>>,
    /// How long prefixes are, in bytes, the longest first and each length once.
    lengths: Vec<usize>,
    depend_on_path: bool,
}

impl Routes {
    /// Builds the maps from finished organizations.
    pub fn new(organizations: &[Arc<Organization>]) -> Self {
        let mut routes = Self::default();
        for organization in organizations {
            routes.by_id.insert(organization.id.as_str().to_owned(), Arc::clone(organization));
            for host in &organization.hosts {
                let candidates = match host {
                    HostPattern::Exact(name) => routes.exact.entry(name.clone()).or_default(),
                    HostPattern::Suffix(name) => routes.suffix.entry(name.clone()).or_default(),
                };
                candidates.add(organization);
            }
        }
        routes
    }

    /// The organization with this id.
    pub fn organization(&self, id: &str) -> Option<&Arc<Organization>> {
        self.by_id.get(id)
    }

    /// The organizations that a host may mean, as `route::host` gives it; the most specific pattern alone decides.
    pub fn candidates(&self, host: &str) -> Option<&Candidates> {
        if let Some(exact) = self.exact.get(host) {
            return Some(exact);
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
    fn add(&mut self, organization: &Arc<Organization>) {
        self.depend_on_path |= organization.depends_on_path();
        let Some(prefix) = &organization.path_prefix else {
            self.everywhere.get_or_insert_with(|| Arc::clone(organization));
            return;
        };
        let before = self.lengths.partition_point(|length| *length > prefix.len());
        if self.lengths.get(before) != Some(&prefix.len()) {
            self.lengths.insert(before, prefix.len());
        }
        self.by_prefix.entry(prefix.clone()).or_insert_with(|| Arc::clone(organization));
    }

    /// Whether the path decides which of them is meant, or what its verdict is.
    pub fn depend_on_path(&self) -> bool {
        self.depend_on_path
    }

    /// The organization where the path plays no part.
    pub fn everywhere(&self) -> Option<&Arc<Organization>> {
        self.everywhere.as_ref()
    }

    /// The organization with the longest prefix of this path: one look for each length that ends where a segment does,
    /// however many organizations there are.
    pub fn at(&self, path: &NormalPath) -> Option<&Arc<Organization>> {
        let prefixes = self.lengths.iter().filter_map(|length| path.prefix(*length));
        prefixes.filter_map(|prefix| self.by_prefix.get(prefix)).next().or(self.everywhere.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::Arc;

    use proptest::prelude::*;

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
        assert_eq!(at("elsewhere.test", "/"), None);
    }

    proptest! {
        #[test]
        fn of_all_prefixes_the_longest_is_found(
            prefixes in proptest::collection::hash_set("(/[ab]{1,2}){1,3}", 0..12),
            has_the_rest in any::<bool>(),
            asked in "(/[ab]{1,2}){0,4}",
        ) {
            let asked = path(if asked.is_empty() { "/" } else { &asked });
            let organizations: Vec<_> = prefixes.iter().map(|prefix| served(prefix, "x.example", Some(prefix)))
                .chain(has_the_rest.then(|| served("rest", "x.example", None))).collect();
            let routes = Routes::new(&organizations);
            let found = routes.candidates("x.example").and_then(|candidates| candidates.at(&asked));
            let of_all: HashSet<&String> = prefixes.iter().filter(|prefix| asked.is_under(prefix)).collect();
            let longest = of_all.into_iter().max_by_key(|prefix| prefix.len()).map(String::as_str);
            let expected = longest.or(has_the_rest.then_some("rest"));
            prop_assert_eq!(found.map(|organization| organization.id.as_str()), expected);
        }
    }
}
