//! RFC 8725, 3.8 to 3.12 and OpenID Connect Core 3.1.3.7: who issued it, for whom, for when, and for what.

use serde_json::json;

use super::super::signing::seal;
use super::super::world::{
    ISSUER, NOW, SKEW, claimant, claims, connection, header, organization, signed, token, verified, with,
};
use super::{Attack, assert_refused};
use crate::Reason::{
    DomainNotVerified, EmailNotVerified, Expired, MalformedToken, MissingClaim, NotAssigned, NotYetValid,
    UnknownIssuer, WrongAudience,
};
use crate::id::Issuer;
use crate::model::Algorithm::EdDsa;
use crate::model::{ClaimPath, Connection, EmailTrust, Requirement};

#[test]
fn an_issuer_is_one_exact_text() {
    let other = |issuer: &str| token(&with(claims(), json!({"iss": issuer})));
    let mut attacks: Vec<Attack> = Vec::new();
    for issuer in [
        "https://idp.acme.example/",
        "https://idp.acme.example:443",
        "https://idp.acme.example.",
        "https://IDP.acme.example",
        "HTTPS://idp.acme.example",
        "http://idp.acme.example",
        "https://idp.acme.example?x",
        "https://idp.acme.example#x",
        "https://idp.acme.example/evil",
        "https://idp.acme.example@evil.example",
        "https://evil.example/https://idp.acme.example",
        "https://evil.example?https://idp.acme.example",
        "https://idp.acme.example.evil.example",
        "https://idp.acme.exampl\u{435}",
        "https://idp.acme.example\0",
        "https://idp.acme.example ",
        " https://idp.acme.example",
        "//idp.acme.example",
        "idp.acme.example",
        "acme",
        "",
        "*",
        "https://self-issued.me",
        "https://{tenantid}.acme.example",
    ] {
        attacks.push((format!("iss {issuer:?}"), other(issuer), UnknownIssuer));
    }
    for value in [json!(null), json!(1), json!(true), json!([ISSUER]), json!({"iss": ISSUER}), json!([[ISSUER]])] {
        let mut claims = claims();
        claims["iss"] = value.clone();
        attacks.push((format!("iss {value}"), token(&claims), MalformedToken));
    }
    // An issuer in the header (RFC 7519, 5.3) says nothing.
    let head = with(header(EdDsa), json!({"iss": ISSUER, "aud": "usher", "sub": "u-1"}));
    for name in ["iss", "aud", "sub"] {
        let bare = with(claims(), json!({name: null}));
        attacks.push((format!("{name} only in the header"), signed(&head, &bare, EdDsa), MalformedToken));
    }
    assert_refused(attacks, 33);
}

#[test]
fn an_audience_names_us_exactly() {
    let mut attacks: Vec<Attack> = Vec::new();
    for aud in [
        json!("Usher"),
        json!("usher "),
        json!(" usher"),
        json!("usher,other"),
        json!("usher other"),
        json!("ushe"),
        json!("usher\0"),
        json!("usher2"),
        json!("*"),
        json!(""),
        json!("https://usher"),
        json!("api://usher"),
        json!(["other"]),
        json!(["usher "]),
        json!(["usher,other"]),
        json!(["USHER", "other"]),
        json!(["", "*"]),
    ] {
        attacks.push((format!("aud {aud}"), token(&with(claims(), json!({"aud": aud}))), WrongAudience));
    }
    for aud in [
        json!([]),
        json!({}),
        json!({"usher": true}),
        json!(7),
        json!(true),
        json!(["usher", null]),
        json!([["usher"]]),
    ] {
        attacks.push((format!("aud {aud}"), token(&with(claims(), json!({"aud": aud}))), MalformedToken));
    }
    // 3.1.3.7, 4 and 5: whoever the token was issued to is named by `azp`, and that must be us.
    for azp in [
        json!("other"),
        json!(""),
        json!(["usher"]),
        json!({"usher": 1}),
        json!(0),
        json!(false),
        json!("usher "),
        json!("Usher"),
    ] {
        for aud in [json!("usher"), json!(["usher", "other"])] {
            let name = format!("azp {azp}, aud {aud}");
            attacks.push((name, token(&with(claims(), json!({"aud": aud, "azp": azp}))), WrongAudience));
        }
    }
    assert_refused(attacks, 40);
}

#[test]
fn times_are_numbers_that_mean_something() {
    let mut attacks: Vec<Attack> = Vec::new();
    let text = claims().to_string();
    for name in ["exp", "iat", "nbf"] {
        for value in [
            "\"1800000300\"",
            "\"\"",
            "\"2026-01-01T00:00:00Z\"",
            "null",
            "true",
            "[]",
            "[1800000300]",
            "{}",
            "-1",
            "-1800000000",
            "1e400",
            "-1e400",
            "1e16",
            "9007199254740993",
            "18446744073709551616",
            "99999999999999999999999999",
            "0x6B49D200",
            "1_800_000_300",
            "+1800000300",
            "01800000300",
            "1800000300.",
            ".5",
            "NaN",
            "Infinity",
            "-Infinity",
            "1800000300f",
        ] {
            // `exp` and `iat` are in the claims already; a second one would be refused for that alone.
            let stripped = with(claims(), json!({name: null})).to_string();
            let spoilt = stripped.replacen('{', &format!("{{\"{name}\":{value},"), 1);
            attacks.push((format!("{name} {value}"), seal(&header(EdDsa).to_string(), &spoilt, EdDsa), MalformedToken));
        }
    }
    for (name, edits, expected) in [
        ("exp at the epoch", json!({"exp": 0, "iat": 0}), Expired),
        ("exp as negative zero", json!({"exp": -0.0, "iat": 0}), Expired),
        ("exp in the second of the tolerance's end", json!({"exp": NOW - SKEW}), Expired),
        ("exp before iat", json!({"exp": NOW - SKEW - 1, "iat": NOW - 10}), Expired),
        ("exp a hair too early", json!({"exp": (NOW - SKEW) as f64 - 0.1}), Expired),
        ("iat beyond the tolerance", json!({"iat": NOW + SKEW + 1}), NotYetValid),
        ("iat a hair beyond it", json!({"iat": (NOW + SKEW) as f64 + 0.1}), NotYetValid),
        ("iat in milliseconds", json!({"iat": NOW * 1000}), NotYetValid),
        ("nbf beyond the tolerance", json!({"nbf": NOW + SKEW + 1}), NotYetValid),
        ("nbf in the year 285,428,751", json!({"nbf": 9_007_199_254_740_991_u64}), NotYetValid),
    ] {
        attacks.push((name.to_owned(), token(&with(claims(), edits)), expected));
    }
    assert!(text.contains("\"exp\""));
    assert_refused(attacks, 88);
}

/// RFC 8725, 3.11 and 3.12: what was signed for another purpose, by the same provider with the same key.
#[test]
fn a_token_of_another_kind_is_no_assertion() {
    let mut attacks: Vec<Attack> = Vec::new();
    for typ in [
        "at+jwt",
        "application/at+jwt",
        "AT+JWT",
        "logout+jwt",
        "secevent+jwt",
        "dpop+jwt",
        "oauth-authz-req+jwt",
        "entity-statement+jwt",
        "token-introspection+jwt",
        "statuslist+jwt",
        "vc+sd-jwt",
        "kb+jwt",
        "JOSE",
        "JOSE+JSON",
        "JWE",
        "JWT+",
        "application/jwt",
        " JWT",
        "JWT\0",
        "jwt;x",
        "",
    ] {
        attacks.push((
            format!("typ {typ:?}"),
            signed(&with(header(EdDsa), json!({"typ": typ})), &claims(), EdDsa),
            MalformedToken,
        ));
    }
    let event = json!({"http://schemas.openid.net/event/backchannel-logout": {}});
    for (name, edits) in [
        ("a logout token without a typ", json!({"events": event, "sid": "s"})),
        (
            "a security event",
            json!({"events": {"https://schemas.openid.net/secevent/risc/event-type/account-disabled": {}}}),
        ),
        ("an access token without a subject", json!({"sub": null, "scope": "openid"})),
        ("a client assertion without a time", json!({"iat": null, "iss": ISSUER, "jti": "1"})),
        ("one that never ends", json!({"exp": null})),
        ("one for nobody", json!({"aud": null})),
        ("one by nobody", json!({"iss": null})),
    ] {
        let bare = with(header(EdDsa), json!({"typ": null}));
        attacks.push((name.to_owned(), signed(&bare, &with(claims(), edits), EdDsa), MalformedToken));
    }
    for (name, edits) in [
        ("crit that we might know", json!({"crit": ["exp"], "exp": NOW + 300})),
        ("crit of nothing", json!({"crit": []})),
        ("crit twice the same", json!({"crit": ["x", "x"], "x": 1})),
        ("crit of a registered name", json!({"crit": ["alg"]})),
        ("crit as text", json!({"crit": "b64"})),
        ("b64 false (RFC 7797)", json!({"crit": ["b64"], "b64": false})),
        ("b64 false without crit", json!({"b64": false})),
        ("b64 true", json!({"b64": true})),
    ] {
        attacks.push((name.to_owned(), signed(&with(header(EdDsa), edits), &claims(), EdDsa), MalformedToken));
    }
    assert_refused(attacks, 36);
}

#[test]
fn a_member_that_comes_twice_is_refused_however_it_is_spelt() {
    let (good_header, good_claims) = (header(EdDsa).to_string(), claims().to_string());
    let twice = |document: &str, member: &str, first: bool| match first {
        true => document.replacen('{', &format!("{{{member},"), 1),
        false => format!("{},{member}}}", document.strip_suffix('}').unwrap()),
    };
    let mut attacks: Vec<Attack> = Vec::new();
    for first in [true, false] {
        for member in [
            r#""sub":"u-1""#,
            r#""sub":"admin""#,
            r#""s\u0075b":"admin""#,
            r#""iss":"https://evil.example""#,
            r#""aud":"usher""#,
            r#""exp":9999999999"#,
            r#""iat":1"#,
            r#""email":"eve@acme.example""#,
            r#""\u0065mail":"eve@acme.example""#,
            r#""email_verified":true"#,
            r#""groups":["admins"]"#,
            r#""x":{"a":1,"a":2}"#,
            r#""x":[[{"a":1,"\u0061":2}]]"#,
        ] {
            let spoilt = twice(&good_claims, member, first);
            attacks.push((
                format!("claims {member} first: {first}"),
                seal(&good_header, &spoilt, EdDsa),
                MalformedToken,
            ));
        }
        for member in
            [r#""alg":"none""#, r#""alg":"EdDSA""#, r#""a\u006cg":"none""#, r#""kid":"rsa""#, r#""typ":"at+jwt""#]
        {
            let spoilt = twice(&good_header, member, first);
            attacks.push((
                format!("header {member} first: {first}"),
                seal(&spoilt, &good_claims, EdDsa),
                MalformedToken,
            ));
        }
    }
    assert_refused(attacks, 36);
}

/// One key set and one issuer for all tenants (Google, Entra's `common`): the tenant is in the claims, and must be pinned there.
#[test]
fn a_shared_issuer_lets_in_only_the_tenants_that_are_named() {
    let pinned = organization(vec![Connection {
        email: EmailTrust::Trusted,
        require: vec![Requirement { claim: ClaimPath::parse("tid"), any_of: vec!["tenant-of-acme".to_owned()] }],
        ..connection("entra")
    }]);
    assert!(claimant(&pinned, json!({"tid": "tenant-of-acme"})).is_ok());
    // Whatever is required must hold, all of it.
    let requirement = |claim: &str| Requirement { claim: ClaimPath::parse(claim), any_of: vec!["acme".to_owned()] };
    let require = vec![requirement("tid"), requirement("hd")];
    let twice = organization(vec![Connection { email: EmailTrust::Trusted, require, ..connection("entra") }]);
    assert!(claimant(&twice, json!({"tid": "acme", "hd": "acme"})).is_ok());
    for half in [json!({"tid": "acme"}), json!({"hd": "acme"}), json!({"tid": "acme", "hd": "eve"})] {
        assert_eq!(claimant(&twice, half.clone()).err(), Some(NotAssigned), "{half}");
    }
    // nOAuth: another tenant's administrator gives a user of theirs our email.
    for tenant in [
        json!("tenant-of-eve"),
        json!(null),
        json!(""),
        json!("TENANT-OF-ACME"),
        json!("tenant-of-acme "),
        json!(["x"]),
        json!({"tenant-of-acme": 1}),
        json!(1),
        json!(true),
        json!("tenant-of-acme,tenant-of-eve"),
        json!("*"),
    ] {
        let found = claimant(&pinned, json!({"tid": tenant, "email": "ada@acme.example"})).err();
        assert_eq!(found, Some(NotAssigned), "{tenant}");
    }
    // Issuers that are templates elsewhere are plain text here.
    let of_tenant = |tenant: &str| Issuer::new(format!("https://login.example/{tenant}/v2.0"));
    for own in ["acme", "common", "{tenantid}", "organizations"] {
        let organization = organization(vec![Connection { issuer: of_tenant(own), ..connection("entra") }]);
        for presented in ["acme", "eve", "common", "{tenantid}", "organizations", ""] {
            let token = token(&with(claims(), json!({"iss": of_tenant(presented).as_str(), "tid": own})));
            let expected = (own != presented).then_some(UnknownIssuer);
            assert_eq!(verified(&organization, &token).err(), expected, "{own} {presented}");
        }
    }
}

/// nOAuth again: what a claim says about an email counts only where the provider vouches for it.
#[test]
fn an_email_is_believed_only_as_far_as_it_is_vouched_for() {
    let plain = super::plain();
    for (name, edits, expected) in [
        ("unverified", json!({"email_verified": false}), EmailNotVerified),
        ("nothing said", json!({"email_verified": null}), EmailNotVerified),
        ("verified elsewhere", json!({"email_verified": null, "xms_edov": true, "verified": true}), EmailNotVerified),
        (
            "in another claim",
            json!({"email": null, "preferred_username": "ada@acme.example", "upn": "ada@acme.example"}),
            MissingClaim,
        ),
        ("in an array", json!({"email": ["ada@acme.example"]}), MissingClaim),
        ("two addresses", json!({"email": "eve@evil.example,ada@acme.example"}), DomainNotVerified),
        ("with a display name", json!({"email": "Ada <ada@acme.example>"}), DomainNotVerified),
        ("with a comment", json!({"email": "ada@acme.example(evil.example)"}), DomainNotVerified),
        ("quoted at", json!({"email": "\"ada@acme.example\"@evil.example"}), DomainNotVerified),
        ("a subdomain", json!({"email": "ada@evil.acme.example"}), DomainNotVerified),
        ("a homograph", json!({"email": "ada@\u{430}cme.example"}), DomainNotVerified),
        ("punycode of one", json!({"email": "ada@xn--cme-7cd.example"}), DomainNotVerified),
        ("a full-width at", json!({"email": "ada\u{ff20}acme.example"}), DomainNotVerified),
        ("a trailing dot", json!({"email": "ada@acme.example."}), DomainNotVerified),
        ("a null byte", json!({"email": "ada@evil.example\u{0}@acme.example"}), DomainNotVerified),
        ("percent-encoded", json!({"email": "ada%40acme.example"}), DomainNotVerified),
    ] {
        assert_eq!(claimant(&plain, edits).err(), Some(expected), "{name}");
    }
}
