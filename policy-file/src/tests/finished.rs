//! What a good file becomes: every field with its value or its default.

use std::time::Duration;

use serde_json::{Value, json};
use usher_policy::id::{Email, Group, Role, Tier};
use usher_policy::model::{
    AdminToken, Algorithm, Cap, ClaimPath, CredentialSource, Credentials, DenialPages, EmailTrust, Enforcement, Guards,
    HeaderNames, HostPattern, Jwks, Offline, PatchResponse, PathRule, PrimaryOwner, Provisioning, ScimMatch,
    SeatDefault, Sessions, StoreClient, Unmatched, WhenFull,
};
use usher_policy::{Language, Reason};

use super::{base, change, changed, connection, policy};

const O: &str = "/parents/0/organizations/0";

fn seconds(number: u64) -> Duration {
    Duration::from_secs(number)
}

#[test]
fn what_is_left_out_has_its_safe_default() {
    let mut document = base();
    change(&mut document, &format!("{O}/provisioning"), Value::Null);
    let policy = policy(&document);
    assert_eq!(policy.store, StoreClient::default());
    assert_eq!(policy.credentials, Credentials { sources: vec![CredentialSource::Authorization], forward: false });
    assert_eq!(policy.sessions, Sessions::default());
    assert_eq!(policy.headers, HeaderNames::default());
    assert_eq!(policy.enforcement, Enforcement::Enforce);
    assert_eq!(policy.unmatched, Unmatched::Deny);
    assert!(policy.admin_tokens.is_empty());
    assert_eq!(policy.denial_pages, DenialPages::default());
    assert_eq!(policy.audit_retention, seconds(400 * 86_400));

    let parent = policy.parent("acme").unwrap();
    assert!(parent.plan.scim && parent.plan.name == "enterprise");
    assert_eq!(parent.directory, None);
    let connection = &parent.connections[0];
    assert_eq!(connection.algorithms, Algorithm::ALL);
    assert_eq!(connection.claims.groups, ClaimPath::parse("groups"));
    assert_eq!(connection.claims.external_id, None);
    assert_eq!(connection.email, EmailTrust::Verified);
    assert_eq!(connection.scim_match, ScimMatch::Email);
    assert_eq!(connection.clock_skew, seconds(60));
    assert!(connection.require.is_empty() && connection.assignment.is_none() && connection.domains.is_none());
    let Jwks::Remote(remote) = &connection.jwks else { panic!("{connection:?}") };
    assert_eq!(
        (remote.timeout, remote.refresh, remote.min_interval, remote.max_stale, remote.insecure),
        (seconds(2), seconds(300), seconds(2), seconds(86_400), false)
    );

    let organization = policy.organization("acme-chat").unwrap();
    assert_eq!(organization.provisioning, Provisioning::Manual);
    assert_eq!(organization.connections.len(), 1);
    assert_eq!(organization.guards, Guards::default());
    assert_eq!((organization.path_prefix.as_deref(), &organization.primary_owner), (None, &None));
    assert!(organization.access.is_empty() && organization.bypass.is_empty());
    let seats = organization.seats.as_ref().unwrap();
    assert!(seats.tiers.iter().all(|seat| seat.cap == Cap::Unlimited));
    assert_eq!((&seats.default, seats.when_full), (&SeatDefault::HighestAvailable, WhenFull::Deny));
    assert!(policy.routes.candidates("chat.acme.example").is_some());
}

#[test]
fn every_top_level_option_is_read() {
    let mut document = base();
    for (pointer, value) in [
        ("/store", json!({"cluster": "c", "authority": "a:1", "timeout": "2s", "token_env": "T"})),
        (
            "/credentials",
            json!({"sources": [{"cookie": "IdToken"}, {"header": "X-Assertion"}, "authorization"], "forward": true}),
        ),
        ("/sessions", json!({"capacity": 5, "max_staleness": "1m", "offline": {"keep": "15m"}})),
        ("/headers", json!({"role": "X-Role"})),
        ("/enforcement", json!("shadow")),
        ("/unmatched", json!("pass")),
        (
            "/admin_tokens",
            json!([{"name": "ada", "token_env": "A"}, {"name": "bob", "token_env": "B", "parents": ["acme"]}]),
        ),
        ("/audit", json!({"retention": "30d"})),
        (
            "/denial_pages",
            json!({"contact": "it@acme.example", "texts": {"de": {"expired": "Neu anmelden."}, "en": {"expired": "Again."}}}),
        ),
        ("/parents/0/directory", json!({"scim": true, "token_env": "S", "patch_response": "no_content"})),
    ] {
        change(&mut document, pointer, value);
    }
    let policy = policy(&document);
    let store =
        StoreClient { cluster: "c".into(), authority: "a:1".into(), timeout: seconds(2), token_env: "T".into() };
    assert_eq!(policy.store, store);
    assert_eq!(policy.audit_retention, seconds(30 * 86_400));
    assert_eq!(policy.denial_pages.contact.as_deref(), Some("it@acme.example"));
    assert_eq!(policy.denial_pages.detail(Reason::Expired, Language::German), "Neu anmelden.");
    assert_eq!(policy.denial_pages.detail(Reason::Expired, Language::English), "Again.");
    assert_eq!(policy.denial_pages.detail(Reason::NotAMember, Language::English), Reason::NotAMember.detail());
    let (cookie, header) = (CredentialSource::Cookie("IdToken".into()), CredentialSource::Header("x-assertion".into()));
    let sources = vec![cookie, header, CredentialSource::Authorization];
    assert_eq!(policy.credentials, Credentials { sources, forward: true });
    let offline = Offline::Keep(seconds(900));
    assert_eq!(policy.sessions, Sessions { capacity: 5, max_staleness: seconds(60), offline });
    assert_eq!(policy.headers, HeaderNames { role: "x-role".into(), ..HeaderNames::default() });
    assert_eq!((policy.enforcement, policy.unmatched), (Enforcement::Shadow, Unmatched::Pass));
    assert_eq!(
        policy.admin_tokens,
        [
            AdminToken { name: "ada".into(), token_env: "A".into(), parents: None },
            AdminToken { name: "bob".into(), token_env: "B".into(), parents: Some(vec![policy.parents[0].id.clone()]) },
        ]
    );
    let directory = policy.parents[0].directory.as_ref().unwrap();
    assert_eq!(directory.token_env.as_deref(), Some("S"));
    assert_eq!(directory.patch_response, PatchResponse::NoContent);
}

#[test]
fn what_is_the_default_can_be_written_too() {
    let offline = policy(&changed("/sessions", json!({"offline": "deny"}))).sessions.offline;
    assert_eq!(offline, Offline::Deny);
    let directory = json!({"scim": true, "token_env": "S", "patch_response": "resource"});
    let policy = policy(&changed("/parents/0/directory", directory));
    assert_eq!(policy.parents[0].directory.as_ref().unwrap().patch_response, PatchResponse::Resource);
}

#[test]
fn every_field_of_a_connection_is_read() {
    let mut document = base();
    let mut full = connection("full");
    for (pointer, value) in [
        ("/algorithms", json!(["EdDSA", "PS512"])),
        ("/claims", json!({"groups": "/realm/roles", "email": "upn", "name": "n", "external_id": "oid"})),
        ("/email", json!("trusted")),
        ("/require", json!({"hd": "acme.example", "/a/b": ["x", "y"]})),
        ("/assignment", json!({"claim": "roles", "any_of": ["usher", "all"]})),
        ("/domains", json!(["ACME.test"])),
        ("/scim_match", json!("external_id")),
        ("/clock_skew", json!("0s")),
        (
            "/jwks",
            json!({"uri": "http://idp.example:81/k", "cluster": "idp", "insecure": true, "timeout": "1s",
                         "refresh": "1m", "min_interval": "1s", "max_stale": "1h"}),
        ),
    ] {
        change(&mut full, pointer, value);
    }
    change(&mut document, "/parents/0/connections/1", full);
    let policy = policy(&document);
    let connection = &policy.parents[0].connections[1];
    assert_eq!(connection.issuer.as_str(), "https://full.acme.example");
    assert_eq!(connection.audiences, ["usher"]);
    assert_eq!(connection.algorithms, [Algorithm::EdDsa, Algorithm::Ps512]);
    assert_eq!(connection.algorithms[0].to_string(), "EdDSA");
    let claims = &connection.claims;
    assert_eq!([claims.groups.as_str(), claims.email.as_str(), claims.name.as_str()], ["/realm/roles", "upn", "n"]);
    assert_eq!(claims.external_id, Some(ClaimPath::parse("oid")));
    assert_eq!(connection.email, EmailTrust::Trusted);
    let required: Vec<_> = connection.require.iter().map(|one| (one.claim.as_str(), one.any_of.join(" "))).collect();
    assert_eq!(required, [("/a/b", "x y".to_owned()), ("hd", "acme.example".to_owned())]);
    assert_eq!(connection.assignment.as_ref().unwrap().any_of, ["usher", "all"]);
    assert_eq!(connection.domains.as_deref(), Some(&["acme.test".to_owned()][..]));
    assert_eq!((connection.scim_match, connection.clock_skew), (ScimMatch::ExternalId, Duration::ZERO));
    let Jwks::Remote(remote) = &connection.jwks else { panic!("{connection:?}") };
    assert_eq!(
        (remote.uri.authority().as_str(), remote.cluster.as_str(), remote.insecure),
        ("idp.example:81", "idp", true)
    );
    assert_eq!(
        (remote.timeout, remote.refresh, remote.min_interval, remote.max_stale),
        (seconds(1), seconds(60), seconds(1), seconds(3600))
    );
    // All of the parent's connections open an organization that names none; else those that it names, in its order.
    assert_eq!(policy.organizations[0].connections.len(), 2);
    change(&mut document, &format!("{O}/connections"), json!(["full", "okta"]));
    let ids: Vec<_> =
        super::policy(&document).organizations[0].connections.iter().map(|one| one.id.to_string()).collect();
    assert_eq!(ids, ["full", "okta"]);
}

#[test]
fn every_field_of_an_organization_is_read() {
    let mut document = base();
    for (field, value) in [
        ("hosts", json!(["Chat.ACME.example", "*.Chat.acme.example", "[0:0:0::0001]"])),
        ("path_prefix", json!("/eu/")),
        ("primary_owner", json!({"email": "Ada@acme.example", "connection": "okta"})),
        ("seats", json!({"caps": {"premium": 3}, "default": "standard", "when_full": "next_tier"})),
        ("guards", json!({"max_removals": {"members": 5, "percent": 0}, "removals_by_login": 7})),
        ("access", json!([{"path": "/admin/", "methods": ["GET"], "roles": ["owner"], "seat_tiers": ["premium"]}])),
        ("bypass", json!([{"path": "/healthz"}])),
    ] {
        change(&mut document, &format!("{O}/{field}"), value);
    }
    let policy = policy(&document);
    let organization = &policy.organizations[0];
    assert_eq!(
        organization.hosts,
        [
            HostPattern::Exact("chat.acme.example".into()),
            HostPattern::Suffix("chat.acme.example".into()),
            HostPattern::Exact("0000:0000:0000:0000:0000:0000:0000:0001".into())
        ]
    );
    assert_eq!(organization.path_prefix.as_deref(), Some("/eu"));
    let email = Email::parse("ada@acme.example").unwrap();
    let connection = Some(policy.parents[0].connections[0].id.clone());
    assert_eq!(organization.primary_owner, Some(PrimaryOwner { email, connection }));
    let seats = organization.seats.as_ref().unwrap();
    let caps: Vec<_> = seats.tiers.iter().map(|seat| (seat.tier.as_str(), seat.cap)).collect();
    assert_eq!(caps, [("premium", Cap::Limited(3)), ("standard", Cap::Limited(0))]);
    assert_eq!((&seats.default, seats.when_full), (&SeatDefault::Tier(Tier::new("standard")), WhenFull::NextTier));
    assert_eq!(organization.guards, Guards { max_removals_members: 5, max_removals_percent: 0, removals_by_login: 7 });
    let rule = &organization.access[0];
    assert_eq!(rule.path, PathRule::Prefix("/admin/".into()));
    assert_eq!(rule.methods.as_deref(), Some(&["GET".to_owned()][..]));
    assert_eq!(rule.roles.as_deref(), Some(&[Role::new("owner")][..]));
    assert_eq!(rule.seat_tiers.as_deref(), Some(&[Tier::new("premium")][..]));
    assert_eq!(organization.bypass[0].path, PathRule::Exact("/healthz".into()));
    assert_eq!(organization.bypass[0].methods, None);
}

#[test]
fn the_five_modes_are_told_apart() {
    let mapped = json!({"roles": [{"group": "g", "role": "user", "label": "All"}]});
    for (provisioning, mode, has_mappings) in [
        (json!({}), "manual", false),
        (json!({"mode": "manual"}), "manual", false),
        (json!({"mode": "jit"}), "jit", false),
        (json!({"mode": "jit", "group_mappings": mapped}), "jit", true),
        (json!({"mode": "scim"}), "scim", false),
        (json!({"mode": "scim", "group_mappings": mapped}), "scim", true),
    ] {
        let policy = policy(&changed(&format!("{O}/provisioning"), provisioning));
        let provisioning = &policy.organizations[0].provisioning;
        assert_eq!((provisioning.mode(), provisioning.mappings().is_some()), (mode, has_mappings));
        if let Some(mappings) = provisioning.mappings() {
            assert_eq!(mappings.roles[0].group, Group::new("g"));
            assert_eq!(mappings.roles[0].label.as_deref(), Some("All"));
            assert!(mappings.seat_tiers.is_empty());
        }
    }
}

#[test]
fn seat_defaults_are_words_or_tiers() {
    for (word, expected) in [
        ("highest_available", SeatDefault::HighestAvailable),
        ("lowest_available", SeatDefault::LowestAvailable),
        ("none", SeatDefault::Nothing),
        ("remove", SeatDefault::Remove),
        ("premium", SeatDefault::Tier(Tier::new("premium"))),
    ] {
        let policy = policy(&changed(&format!("{O}/seats"), json!({"default": word})));
        let seats = policy.organizations[0].seats.as_ref().unwrap();
        assert_eq!(seats.default, expected);
        assert!(seats.tiers.iter().all(|seat| seat.cap == Cap::Unlimited), "no caps, no limit");
    }
}

#[test]
fn products_are_added_and_replaced() {
    let built_in = policy(&changed(&format!("{O}/provisioning"), Value::Null));
    let product = &built_in.organizations[0].product;
    assert_eq!((product.top_role().as_str(), product.default_role.as_str()), ("owner", "user"));

    let mut document = changed(
        "/products",
        json!({
            "claude": {"roles": ["chief", "user", "guest"], "seat_tiers": ["premium"]},
            "desk": {"roles": ["boss", "hand"], "default_role": "boss"}
        }),
    );
    let replaced = policy(&document);
    let product = &replaced.organizations[0].product;
    assert_eq!((product.top_role().as_str(), product.default_role.as_str()), ("chief", "guest"));
    assert_eq!(product.tiers, [Tier::new("premium")]);

    change(&mut document, &format!("{O}/product"), json!("desk"));
    change(&mut document, &format!("{O}/provisioning"), Value::Null);
    let added = policy(&document);
    assert_eq!(added.organizations[0].product.default_role.as_str(), "boss");
    assert_eq!(added.organizations[0].seats, None);

    change(&mut document, &format!("{O}/product"), json!("console"));
    let roles: Vec<_> = policy(&document).organizations[0].product.roles().map(Role::to_string).collect();
    assert_eq!(roles, ["admin", "developer", "billing", "claude_code_user", "user"]);
}
