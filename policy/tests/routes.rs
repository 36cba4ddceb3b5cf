//! From a policy file to the organization of a request: what a host decides alone, and where the path has a say.

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use usher_policy::rules::route::{host, is_unmatched, route};
    use usher_policy::{Policy, Reason};
    use usher_policy_file::from_json;

    fn policy() -> Policy {
        let organization = |id: &str, host: &str, more: Value| {
            let mut organization = json!({"id": id, "product": "console", "hosts": [host]});
            organization.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            organization
        };
        let file = json!({
            "version": 1,
            "parents": [{
                "id": "acme",
                "plan": "team",
                "domains": ["acme.example"],
                "connections": [{
                    "id": "okta",
                    "issuer": "https://okta.example",
                    "audiences": ["usher"],
                    "jwks": {"uri": "https://okta.example/keys", "cluster": "okta"}
                }],
                "organizations": [
                    organization("plain", "plain.acme.example", json!({})),
                    organization("eu", "app.acme.example", json!({"path_prefix": "/eu"})),
                    organization("guarded", "guarded.acme.example", json!({"access": [{"path": "/admin/", "roles": ["admin"]}]})),
                ],
            }],
        });
        from_json(&serde_json::to_vec(&file).unwrap()).unwrap()
    }

    #[test]
    fn the_path_is_read_only_where_the_verdict_depends_on_it() {
        let policy = policy();
        for (host, path, expected) in [
            ("plain.acme.example", "/a/../b", Ok(("plain", None))),
            ("Plain.acme.example.:443", "/", Ok(("plain", None))),
            ("app.acme.example", "/eu/x?y=..", Ok(("eu", Some("/eu/x")))),
            ("app.acme.example", "/us", Err(Reason::UnknownOrganization)),
            ("app.acme.example", "/eu/../us", Err(Reason::AmbiguousRequest)),
            ("guarded.acme.example", "/%61dmin/", Ok(("guarded", Some("/admin/")))),
            ("guarded.acme.example", "/admin%2f", Err(Reason::AmbiguousRequest)),
            ("elsewhere.example", "/%2f", Err(Reason::UnknownOrganization)),
            ("no host", "/", Err(Reason::UnknownOrganization)),
        ] {
            let routed = route(&policy, host.as_bytes(), path.as_bytes());
            let seen = routed
                .as_ref()
                .map(|routed| (routed.organization.id.as_str(), routed.path.as_ref().map(|path| path.as_str())));
            assert_eq!(seen.map_err(|reason| *reason), expected, "{host} {path}");
        }
    }

    #[test]
    fn unmatched_is_a_host_that_nobody_has_not_what_is_no_host() {
        let policy = policy();
        for (host, expected) in [
            ("elsewhere.example", true),
            ("ELSEWHERE.example:80", true),
            ("plain.acme.example", false),
            ("app.acme.example", false),
            ("no host", false),
            ("", false),
        ] {
            assert_eq!(is_unmatched(&policy, host.as_bytes()), expected, "{host}");
        }
    }

    #[test]
    fn an_authority_has_at_most_512_bytes() {
        let long = "a".repeat(512);
        assert_eq!(host(long.as_bytes()).as_deref(), Some(long.as_str()));
        assert_eq!(host(format!("{long}a").as_bytes()), None);
        assert_eq!(host(format!("{long}:80").as_bytes()), None);
    }
}
