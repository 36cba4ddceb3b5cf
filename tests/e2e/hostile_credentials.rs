//! Credentials where they are not looked for, twice, or in odd clothes: cookies in every form, `Bearer` in every spelling, trailers.

use anyhow::{Context, Result, ensure};
use usher_tests::http::Request;
use usher_tests::http2::{self, Answer, Field, fields};
use usher_tests::policy;
use usher_tests::stage::envoy::RealEnvoy;
use usher_tests::system::upstream;

use crate::attack::{HOST, pseudo, raw, unharmed};

const WITH_COOKIE: &str = "options: {credentials: {sources: [authorization, {cookie: IdToken}]}}";

/// The token with which ada would be let in.
fn token(stage: &mut RealEnvoy) -> Result<String> {
    let good = stage.request_of("{login: ada, path: /, pass: true}")?;
    let value = String::from_utf8_lossy(good.first("authorization").unwrap_or_default()).into_owned();
    value.strip_prefix("Bearer ").map(str::to_owned).context("a bearer")
}

/// What became of a request: the role as which it passed, or the reason why it did not.
fn outcome(stage: &RealEnvoy, request: &Request) -> Result<String> {
    let response = stage.system.envoy.send(request)?;
    let Some(headers) = upstream::saw(&response)? else {
        return Ok(response.first("x-usher-reason").unwrap_or_else(|| response.status.to_string()));
    };
    let role = headers.into_iter().find(|(name, _)| name == "x-usher-role");
    Ok(role.context("passes without a role")?.1)
}

#[test]
fn a_cookie_that_comes_twice_is_no_credential_and_many_others_hide_none() -> Result<()> {
    let mut stage = RealEnvoy::start(&policy::changed("claude", WITH_COOKIE)?)?;
    let token = token(&mut stage)?;
    let own = format!("IdToken={token}");
    let many = |count: usize| (0..count).map(|number| format!("c{number}=x; ")).collect::<String>();
    for (name, cookies, expected) in [
        ("one", vec![own.clone()], "user"),
        ("among others", vec![format!("a=b; {own}; IdTokens=x; idtoken=x; xIdToken=x")], "user"),
        ("in a header of its own", vec!["a=b".to_owned(), own.clone(), "c=d".to_owned()], "user"),
        ("twice", vec![format!("{own}; {own}")], "ambiguous_request"),
        ("twice, in two headers", vec![own.clone(), own.clone()], "ambiguous_request"),
        ("and another", vec![format!("{own}; IdToken=a.b.c")], "ambiguous_request"),
        ("and another before it", vec![format!("IdToken=a.b.c; {own}")], "ambiguous_request"),
        ("and another far away", vec![own.clone(), "a=b".to_owned(), "IdToken=a.b.c".to_owned()], "ambiguous_request"),
        ("and an empty one", vec![format!("IdToken=; {own}")], "ambiguous_request"),
        ("with spaces", vec![format!("IdToken =x; {own}")], "ambiguous_request"),
        ("a flood, and it at the end", vec![format!("{}{own}", many(8000))], "user"),
        ("a flood, and it twice", vec![format!("{own}; {}{own}", many(8000))], "ambiguous_request"),
        ("a flood of it", vec!["IdToken=x; ".repeat(7000)], "ambiguous_request"),
        ("a flood of names without a value", vec!["IdToken; ".repeat(9000)], "no_credentials"),
        ("a flood of nothing", vec![";".repeat(90_000)], "no_credentials"),
        ("a flood of headers", (0..90).map(|number| format!("c{number}=x")).chain([own.clone()]).collect(), "user"),
        ("more than Envoy takes", vec![format!("{}{own}", many(12_000))], "431"),
        ("a comma", vec![format!("a=b, {own}")], "no_credentials"),
        ("in quotes", vec![format!("IdToken=\"{token}\"")], "malformed_token"),
    ] {
        let request = cookies
            .iter()
            .fold(Request::new("GET", HOST, "/"), |request, value| request.header("cookie", value.as_bytes()));
        let seen = outcome(&stage, &request)?;
        ensure!(seen == expected, "{name}: {seen}");
        // HTTP/2 may have each in a field of its own (RFC 9113, 8.2.3).
        let crumbs: Vec<&str> = cookies.iter().flat_map(|value| value.split("; ")).collect();
        if crumbs.len() < 90 {
            let head =
                [fields(&pseudo("GET", "/")), crumbs.iter().map(|crumb| field("cookie", crumb)).collect()].concat();
            let before = stage.system.upstream.attempts();
            let answer = http2::exchange(stage.system.envoy.address(), &head, None, &[])?;
            let has_passed = stage.system.upstream.attempts() > before;
            ensure!(has_passed == (expected == "user"), "{name}, in crumbs: {answer:?}");
        }
    }
    unharmed(&mut stage)
}

#[test]
fn a_bearer_has_one_scheme_and_one_token_whatever_is_between() -> Result<()> {
    let mut stage = RealEnvoy::start(&policy::changed("claude", WITH_COOKIE)?)?;
    let token = token(&mut stage)?;
    for (value, expected) in [
        (format!("Bearer {token}"), "user"),
        (format!("bearer {token}"), "user"),
        (format!("BEARER {token}"), "user"),
        (format!("Bearer     {token}"), "user"),
        (format!("Bearer\t{token}"), "user"),
        (format!("Bearer \t {token} \t"), "user"),
        (format!("Bearer{token}"), "no_credentials"),
        (token.clone(), "no_credentials"),
        (format!("Bearer: {token}"), "no_credentials"),
        (format!("Bearer={token}"), "no_credentials"),
        (format!("Basic {token}"), "no_credentials"),
        (format!("DPoP {token}"), "no_credentials"),
        (format!("Basic eDp5 Bearer {token}"), "no_credentials"),
        (format!("Bearer Bearer {token}"), "malformed_token"),
        (format!("Bearer {token} {token}"), "malformed_token"),
        (format!("Bearer \"{token}\""), "malformed_token"),
        (format!("Bearer token={token}"), "malformed_token"),
        (format!("Bearer {token};"), "malformed_token"),
        (format!("Bearer {token},"), "ambiguous_request"),
        (format!("Bearer\u{a0}{token}"), "no_credentials"),
        ("Bearer".to_owned(), "no_credentials"),
        ("Bearer ".to_owned(), "no_credentials"),
    ] {
        let shown = value.replace(&token, "TOKEN");
        // A good cookie beside it stands in for nothing: the first source that is there decides.
        for cookie in [false, true] {
            let request = Request::new("GET", HOST, "/").header("authorization", value.as_bytes());
            let cookies = cookie.then(|| format!("IdToken={token}"));
            let request = cookies.iter().fold(request, |request, value| request.header("cookie", value.as_bytes()));
            let seen = outcome(&stage, &request)?;
            ensure!(seen == expected, "`{shown}`, {cookie}: {seen}");
            let mut head = [fields(&pseudo("GET", "/")), vec![field("authorization", &value)]].concat();
            head.extend(cookies.iter().map(|value| field("cookie", value)));
            let before = stage.system.upstream.attempts();
            http2::exchange(stage.system.envoy.address(), &head, None, &[])?;
            let has_passed = stage.system.upstream.attempts() > before;
            // Without a value between blanks HTTP/2 has no field (RFC 9113, 8.2.1).
            let may_pass = expected == "user";
            ensure!(!has_passed || may_pass, "`{shown}`, {cookie}: passes in HTTP/2");
        }
    }
    unharmed(&mut stage)
}

#[test]
fn a_credential_in_trailers_comes_too_late_and_brings_nobody_in() -> Result<()> {
    let mut stage = RealEnvoy::start_with(
        &policy::changed("claude", WITH_COOKIE)?,
        &usher_tests::system::Setup { edit_bootstrap: Some(crate::attack::lenient), ..Default::default() },
    )?;
    let token = token(&mut stage)?;
    for trailer in [format!("authorization: Bearer {token}"), format!("cookie: IdToken={token}")] {
        let bytes = format!(
            "POST / HTTP/1.1\r\nhost: {HOST}\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\
             trailer: authorization, cookie\r\n\r\n1\r\nx\r\n0\r\n{trailer}\r\n\r\n"
        );
        let answer = raw(stage.system.envoy.address(), bytes.as_bytes())?;
        ensure!(answer.contains("no_credentials"), "{answer}");
        let (name, value) = trailer.split_once(": ").context("a field")?;
        let head = fields(&pseudo("POST", "/"));
        let answer = http2::exchange(stage.system.envoy.address(), &head, Some(b"x"), &[field(name, value)])?;
        ensure!(!matches!(&answer, Answer::Whole(body) if body.starts_with(b"{\"method\"")), "{answer:?}");
    }
    ensure!(stage.system.upstream.attempts() == 0 && stage.system.logins() == 0, "somebody was asked");
    unharmed(&mut stage)
}

fn field(name: &str, value: &str) -> Field {
    (name.as_bytes().to_vec(), value.as_bytes().to_vec())
}
