//! What the product gets of the credentials that a request carries: none, where the request was let in by one of them.

use anyhow::{Context, Result, ensure};
use usher_tests::http::Request;
use usher_tests::policy;
use usher_tests::stage::envoy::RealEnvoy;
use usher_tests::system::upstream;

use crate::attack::{GUARDED, unharmed};

const SOURCES: &str = "sources: [authorization, {cookie: IdToken}, {cookie: Older}, {header: x-id-token}]";

/// What stands in a place that was not looked at may be as good as the one that decided.
#[test]
fn no_credential_arrives_behind_us_whichever_of_them_decided() -> Result<()> {
    let mut stage = stage(&format!("{{{SOURCES}}}"), "enforce")?;
    let (ada, bob) = (token(&mut stage, "ada")?, token(&mut stage, "bob")?);
    for (path, are_withheld) in [("/", true), ("/open/", false)] {
        for request in carrying(path, &ada, &bob) {
            // As a login, then as a session.
            for _ in 0..2 {
                let headers = arrived(&stage, &request)?;
                let carried = headers.iter().filter(|(_, value)| value.contains(&ada) || value.contains(&bob)).count();
                ensure!((carried == 0) == are_withheld, "{path}: the upstream saw {carried} of {request:?}");
                let cookies = cookies(&headers);
                let kept = ["first=1", "IdTokens=2", "last=3"].iter().all(|cookie| cookies.contains(cookie));
                ensure!(kept, "{path}: what is no credential stays: {cookies}");
                ensure!(!are_withheld || cookies == "first=1; IdTokens=2; last=3", "nothing else: {cookies}");
            }
        }
    }
    // Where there is nothing to take away, nothing is touched.
    let alone = Request::new("GET", "chat.acme.example", "/").bearer(&ada).header("cookie", "first=1;;last");
    let headers = arrived(&stage, &alone)?;
    ensure!(cookies(&headers) == "first=1;;last", "{headers:?}");
    unharmed(&mut stage)
}

#[test]
fn credentials_arrive_where_the_policy_says_so() -> Result<()> {
    for (credentials, enforcement) in
        [(format!("{{{SOURCES}, forward: true}}"), "enforce"), (format!("{{{SOURCES}}}"), "shadow")]
    {
        let mut stage = stage(&credentials, enforcement)?;
        let (ada, bob) = (token(&mut stage, "ada")?, token(&mut stage, "bob")?);
        for request in carrying("/", &ada, &bob) {
            let headers = arrived(&stage, &request)?;
            let carried = headers.iter().filter(|(_, value)| value.contains(&ada) || value.contains(&bob)).count();
            ensure!(carried > 2, "{enforcement}: {headers:?}");
        }
    }
    Ok(())
}

/// What is kept of an assertion is compared by instructions that only the filter in Envoy has.
#[test]
fn a_session_is_that_of_its_assertion_to_the_letter() -> Result<()> {
    let mut stage = stage("{}", "enforce")?;
    let tokens = [token(&mut stage, "ada")?, token(&mut stage, "bob")?];
    let mut connection = stage.system.envoy.connect()?;
    let mut status = |token: &str| -> Result<u16> {
        Ok(connection.send(&Request::new("GET", "chat.acme.example", "/").bearer(token))?.status)
    };
    for token in &tokens {
        ensure!(status(token)? == 200, "a login");
    }
    let logins = stage.system.logins();
    for token in &tokens {
        for (at, letter) in token.char_indices() {
            let other = if letter == 'A' { "B" } else { "A" };
            let changed =
                [token.get(..at).unwrap_or_default(), other, token.get(at + 1..).unwrap_or_default()].concat();
            ensure!(status(&changed)? == 401, "letter {at}");
        }
        ensure!(status(token)? == 200 && stage.system.logins() == logins, "a session");
    }
    unharmed(&mut stage)
}

fn stage(credentials: &str, enforcement: &str) -> Result<RealEnvoy> {
    let options = format!("options: {{credentials: {credentials}, enforcement: {enforcement}}}");
    RealEnvoy::start(&policy::changed("claude", &format!("{GUARDED}\n{options}"))?)
}

fn token(stage: &mut RealEnvoy, name: &str) -> Result<String> {
    let request = stage.request_of(&format!("{{login: {name}, pass: true}}"))?;
    let bearer = String::from_utf8_lossy(request.first("authorization").context("a bearer token")?).into_owned();
    Ok(bearer.trim_start_matches("Bearer ").to_owned())
}

/// Requests that are ada's by one source after the other, with a token of bob's wherever nobody looks any more.
fn carrying(path: &str, ada: &str, bob: &str) -> [Request; 3] {
    let request = || Request::new("GET", "chat.acme.example", path).header("x-id-token", bob).header("X-Id-Token", ada);
    let twice = |name: &str, more: &str| format!("{name}={bob}; {more};{name}={ada}");
    let with_older = |request: Request| request.header("cookie", twice("Older", "IdTokens=2") + "; last=3");
    [
        with_older(request().bearer(ada).header("cookie", twice("IdToken", "first=1"))),
        with_older(request().header("cookie", format!("first=1; IdToken={ada}"))),
        request().header("cookie", format!("first=1; Older={ada}; IdTokens=2; last=3")),
    ]
}

fn arrived(stage: &RealEnvoy, request: &Request) -> Result<Vec<(String, String)>> {
    let response = stage.system.envoy.send(request)?;
    upstream::saw(&response)?.with_context(|| format!("{}: {request:?}", response.status))
}

fn cookies(headers: &[(String, String)]) -> String {
    let cookies = headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("cookie"));
    cookies.map(|(_, value)| value.as_str()).collect::<Vec<_>>().join("; ")
}
