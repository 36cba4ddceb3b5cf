//! Issuers that vouch for the people of many customers; `require` must pin the one that is meant.

/// What a `require` for this issuer looks like; `None` where the issuer is one customer's own.
pub fn pin(issuer: &str) -> Option<&'static str> {
    let lowercase = issuer.to_ascii_lowercase();
    let bare = lowercase.strip_prefix("https://").or(lowercase.strip_prefix("http://")).unwrap_or(&lowercase);
    let bare = bare.trim_end_matches('/');
    let host = bare.split('/').next().unwrap_or(bare);
    if ENTRA.contains(&host) {
        let shared = bare.split('/').nth(1).is_none_or(|tenant| SHARED_TENANTS.contains(&tenant));
        return shared.then_some("require: {tid: [00000000-0000-0000-0000-000000000000]}");
    }
    OTHERS.iter().find(|(known, _)| *known == bare).map(|(_, pin)| *pin)
}

/// Hosts of Microsoft Entra, whose first path segment is the tenant.
const ENTRA: &[&str] =
    &["login.microsoftonline.com", "login.microsoftonline.us", "login.partner.microsoftonline.cn", "sts.windows.net"];

/// Tenants of Entra that are everybody's; the last is what personal accounts are in.
const SHARED_TENANTS: &[&str] =
    &["common", "organizations", "consumers", "{tenantid}", "9188040d-6c67-4c5b-b112-36a304b66dad"];

const OTHERS: &[(&str, &str)] = &[
    ("accounts.google.com", "require: {hd: [acme.example]}"),
    ("appleid.apple.com", "require: {sub: [the people who are meant]}"),
    ("gitlab.com", "require: {groups_direct: [acme]}"),
    ("login.salesforce.com", "require: {organization_id: [00D000000000000EAA]}"),
    ("slack.com", "require: {\"https://slack.com/team_id\": [T00000000]}"),
    ("token.actions.githubusercontent.com", "require: {repository_owner: [acme]}"),
    ("www.facebook.com", "require: {sub: [the people who are meant]}"),
    ("www.linkedin.com/oauth", "require: {sub: [the people who are meant]}"),
];

#[cfg(test)]
mod tests {
    use super::pin;

    #[test]
    fn shared_issuers_are_known_and_single_tenants_are_not() {
        for shared in [
            "https://accounts.google.com",
            "accounts.google.com",
            "https://Accounts.Google.com/",
            "https://login.microsoftonline.com/common/v2.0",
            "https://login.microsoftonline.com/organizations/v2.0",
            "https://login.microsoftonline.com/consumers/v2.0/",
            "https://login.microsoftonline.com/{tenantid}/v2.0",
            "https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0",
            "https://sts.windows.net/common/",
            "https://gitlab.com",
        ] {
            assert!(pin(shared).is_some(), "{shared}");
        }
        for own in [
            "https://acme.okta.example",
            "https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0",
            "https://sts.windows.net/72f988bf-86f1-41af-91ab-2d7cd011db47/",
            "https://accounts.google.com.acme.example",
        ] {
            assert_eq!(pin(own), None, "{own}");
        }
    }
}
