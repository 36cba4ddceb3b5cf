//! Requests that no well-behaved client sends: a denial, never a pass, and the filter lives.

use anyhow::{Result, ensure};
use serde_json::json;
use usher_tests::http::{Request, Response};
use usher_tests::http2;
use usher_tests::stage::denied;
use usher_tests::stage::envoy::RealEnvoy;
use usher_tests::system::{Setup, upstream};
use usher_tests::{policy, wait};

const HOST: &str = "chat.acme.example";

#[test]
fn no_bytes_in_a_credential_pass_or_kill_the_filter() -> Result<()> {
    let mut stage = RealEnvoy::start(&policy::changed(
        "claude",
        "options: {credentials: {sources: [authorization, {cookie: IdToken}, {header: x-id-token}]}}",
    )?)?;
    let good = stage.request_of("{login: ada, pass: true}")?;
    let token = token_of(&good)?;
    let credentials: Vec<Vec<u8>> = vec![
        b"\xff\xfe\xfd".to_vec(),
        b"\xc3\x28.\xa0\xa1.\xe2\x28\xa1".to_vec(),
        [token.as_bytes(), b"\xff"].concat(),
        [b"\x80", token.as_bytes()].concat(),
        b"..".to_vec(),
        b"....".to_vec(),
        b".".repeat(10_000),
        b"A".repeat(60_000),
        [b"A".repeat(20_000), b"A".repeat(20_000), b"A".repeat(20_000)].join(&b'.'),
        token.replace('.', " ").into_bytes(),
        token.to_uppercase().into_bytes(),
        b"eyJhbGciOiJFZERTQSJ9.bm90IGpzb24.AAAA".to_vec(),
        // Nested deeper than any parser should follow: `[[[[…`.
        format!("eyJhbGciOiJFZERTQSJ9.{}.AAAA", "W1tb".repeat(10_000)).into_bytes(),
    ];
    let mut connection = stage.system.envoy.connect()?;
    for credential in &credentials {
        let shown = String::from_utf8_lossy(credential.get(..40).unwrap_or(credential)).into_owned();
        for (name, value) in [
            ("authorization", [b"Bearer ", credential.as_slice()].concat()),
            ("cookie", [b"IdToken=", credential.as_slice()].concat()),
            ("x-id-token", credential.clone()),
        ] {
            let response = connection.send(&Request::new("GET", HOST, "/").header(name, value))?;
            let reason = denied(&response)?;
            ensure!(response.status == 401, "{name}: {shown}: {}", reason.code());
        }
    }
    ensure!(connection.send(&good)?.status == 200, "the same worker still lets ada in");
    stage.no_filter_died()
}

#[test]
fn no_header_of_any_bytes_passes_for_a_tag_or_kills_the_filter() -> Result<()> {
    let mut stage = RealEnvoy::start(&policy::base("claude")?)?;
    let good = stage.request_of("{login: ada, pass: true}")?;
    let mut connection = stage.system.envoy.connect()?;
    for (name, value) in [
        (&b"x-usher-role"[..], &b"owner\xff"[..]),
        (b"X-USHER-EMAIL", b"\xff\xfe"),
        (b"x-anything", b"\x80\x81\x82"),
        (b"accept", b"\xff/\xff;q=\xff"),
        (b"x-request-id", b"\xff\xff\xff"),
        (b"cookie", b"\xff=\xff; =;;=;"),
        (b"accept", b"text/html;q=0.9;q=2;q=-1,,,;;=,*/*;q=nan"),
    ] {
        let response = connection.send(&good.clone().header(name, value))?;
        let Some(headers) = upstream::saw(&response)? else { anyhow::bail!("{name:?}: {}", response.status) };
        let mut roles = headers.iter().filter(|(known, _)| known == "x-usher-role").map(|(_, value)| value.as_str());
        ensure!((roles.next(), roles.next()) == (Some("user"), None), "{name:?}: {headers:?}");
        let response = connection.send(&Request::new("GET", HOST, "/").header(name, value))?;
        ensure!(upstream::saw(&response)?.is_none(), "{name:?} passes without a token");
    }
    for target in [&b"/\xff\xfe"[..], b"/%ff%fe", b"/?\xff", b"/\xc3\xa4"] {
        let mut request = good.clone();
        request.target = target.to_vec();
        // Envoy may refuse such a target itself; what counts is that nothing dies and nothing untagged passes.
        if let Ok(response) = stage.system.envoy.send(&request)
            && let Some(headers) = upstream::saw(&response)?
        {
            ensure!(headers.iter().any(|(name, _)| name == "x-usher-role"), "{target:?} passes untagged");
        }
    }
    ensure!(connection.send(&good)?.status == 200, "the same worker still lets ada in");
    stage.no_filter_died()
}

#[test]
fn names_that_an_upstream_may_take_for_a_tag_are_gone_even_where_envoy_lets_underscores_pass() -> Result<()> {
    let lenient = |bootstrap: &str| {
        ensure!(bootstrap.contains("DROP_HEADER"), "the bootstrap drops names with underscores");
        Ok(bootstrap.replace("DROP_HEADER", "ALLOW"))
    };
    let setup = Setup { edit_bootstrap: Some(lenient), ..Setup::default() };
    let mut stage =
        RealEnvoy::start_with(&policy::changed("claude", "organization: {bypass: [{path: /open}]}")?, &setup)?;
    for path in ["/", "/open"] {
        let mut request = stage.request_of(&format!("{{login: ada, path: {path}, pass: true}}"))?;
        for name in ["x_usher_role", "X_Usher-Email", "x-usher_seat_tier", "x_usher_organization", "x_usher_anything"] {
            request = request.header(name, "forged");
        }
        let response = stage.system.envoy.send(&request.header("x_of_the_client", "kept"))?;
        let Some(headers) = upstream::saw(&response)? else { anyhow::bail!("{path}: {}", response.status) };
        let forged = headers.iter().find(|(_, value)| value == "forged");
        ensure!(forged.is_none(), "{path}: the upstream saw {forged:?}");
        ensure!(headers.iter().any(|(name, _)| name == "x_of_the_client"), "{path}: other names pass: {headers:?}");
    }
    Ok(())
}

#[test]
fn many_and_large_headers_are_refused_or_served_but_never_half_checked() -> Result<()> {
    let mut stage = RealEnvoy::start(&policy::base("claude")?)?;
    let good = stage.request_of("{login: ada, pass: true}")?;
    // 96 KB and a hundred headers are taken, as rendered and as Envoy has it; what is more is refused before any filter.
    for (count, size, is_taken) in [
        (90, 10, true),
        (90, 900, true),
        (1, 90_000, true),
        (500, 10, false),
        (1, 100_000, false),
        (5, 50_000, false),
        (1, 200_000, false),
    ] {
        let flood = |request: &Request| {
            (0..count).fold(request.clone(), |request, number| {
                request.header(format!("x-usher-flood-{number}"), "x".repeat(size))
            })
        };
        let response = stage.system.envoy.send(&flood(&Request::new("GET", HOST, "/")))?;
        let expected = if is_taken { 401 } else { 431 };
        ensure!(response.status == expected, "{count} headers of {size} bytes without a token: {}", response.status);
        ensure!(upstream::saw(&response)?.is_none(), "{count} headers of {size} bytes pass without a token");
        let response = stage.system.envoy.send(&flood(&good))?;
        let expected = if is_taken { 200 } else { 431 };
        ensure!(response.status == expected, "{count} headers of {size} bytes with a token: {}", response.status);
        let headers = upstream::saw(&response)?;
        ensure!(headers.is_some() == is_taken, "{count} headers of {size} bytes");
        let flooded = headers.into_iter().flatten().any(|(name, _)| name.starts_with("x-usher-flood"));
        ensure!(!flooded, "{count} headers of {size} bytes: some came through");
        ensure!(stage.system.envoy.send(&good)?.status == 200, "ada is let in after {count} headers of {size} bytes");
    }
    stage.no_filter_died()
}

/// What some server might take for the organization's host, or for one of its own.
const HOSTS: &[&str] = &[
    "",
    ".",
    "..",
    "chat.acme.example..",
    ".chat.acme.example",
    "chat..acme.example",
    "127.1",
    "0x7f.0.0.1",
    "127.0.0.01",
    "2130706433",
    "chat.acme.example@evil.example",
    "evil.example@chat.acme.example",
    "chat.acme.example, chat.acme.example",
    "chat.acme.example evil.example",
    "chat.acme.example/open",
    "chat.acme.example#",
    "chat.acme.example?",
    "chat.acme.example\\",
    "*.acme.example",
    "[chat.acme.example]",
    "%63hat.acme.example",
    "chat.acme.example:abc",
    "chat.acme.example:",
    "chat.acme.example:-1",
    "chat.acme.example:80:80",
    "\u{ff43}hat.acme.example",
    "chat\u{3002}acme.example",
    "[::1",
    "::1",
    "[::1]x",
    "[::ffff:127.0.0.1%25lo]",
];

/// The same where other hosts pass.
#[test]
fn a_hostile_host_is_nobodys_and_does_not_pass_for_one_that_is() -> Result<()> {
    let mut stage = RealEnvoy::start(&policy::changed("claude", "options: {unmatched: pass}")?)?;
    let good = stage.request_of("{login: ada, pass: true}")?;
    for other in ["evil.example", "evil.example:8080", "127.0.0.1", "[::1]", "[2001:db8::1]:443"] {
        let response = stage.system.envoy.send(&Request::new("GET", other, "/").header("x-usher-role", "owner"))?;
        let Some(headers) = upstream::saw(&response)? else {
            anyhow::bail!("`{other}` is some other host: {}", response.status)
        };
        ensure!(!headers.iter().any(|(name, _)| name.starts_with("x-usher-")), "`{other}`: {headers:?}");
    }
    // A port says nothing of whose host it is, not even one that there cannot be.
    let response = stage.system.envoy.send(&Request::new("GET", "chat.acme.example:99999", "/"))?;
    ensure!(denied(&response)?.code() == "no_credentials", "{}", denied(&response)?.code());
    for host in HOSTS {
        for credential in [false, true] {
            let mut request = Request::new("GET", host, "/");
            let own = good.headers.iter().filter(|(name, _)| credential && name == b"authorization").cloned();
            request.headers.extend(own);
            if let Ok(response) = stage.system.envoy.send(&request) {
                ensure!(upstream::saw(&response)?.is_none(), "`{host}` passes");
            }
            let head = [
                http2::fields(&[(":method", "GET"), (":scheme", "http"), (":authority", host), (":path", "/")]),
                request.headers.iter().filter(|(name, _)| name != b"host").cloned().collect(),
            ];
            let before = stage.system.upstream.attempts();
            http2::exchange(stage.system.envoy.address(), &head.concat(), None, &[])?;
            ensure!(stage.system.upstream.attempts() == before, "`{host}` passes in HTTP/2");
        }
    }
    ensure!(stage.system.envoy.send(&good)?.status == 200, "ada is let in");
    stage.no_filter_died()
}

#[test]
fn a_hostile_host_or_method_is_no_way_in() -> Result<()> {
    let mut stage = RealEnvoy::start(&policy::base("claude")?)?;
    let good = stage.request_of("{login: ada, pass: true}")?;
    for host in HOSTS {
        let mut request = Request::new("GET", host, "/");
        request.headers.extend(good.headers.iter().filter(|(name, _)| name == b"authorization").cloned());
        if let Ok(response) = stage.system.envoy.send(&request) {
            ensure!(upstream::saw(&response)?.is_none(), "`{host}` is let in");
        }
    }
    for method in ["get", "BREW", "CONNECT", "TRACE", "OPTIONS", "HEAD"] {
        let request = Request::new(method, HOST, "/");
        if let Ok(response) = stage.system.envoy.send(&request) {
            ensure!(upstream::saw(&response)?.is_none(), "`{method}` passes without a token");
        }
    }
    ensure!(stage.system.envoy.send(&good)?.status == 200, "ada is let in");
    stage.no_filter_died()
}

#[test]
fn a_person_gets_a_page_and_a_program_a_document_and_neither_learns_more() -> Result<()> {
    let mapped = "organization: {provisioning: {group_mappings: {roles: [{group: the-secret-group, role: user}]}}}";
    let mut stage = RealEnvoy::start(&policy::changed("claude", mapped)?)?;
    let denied_login = stage.request_of("{login: ada, groups: [others], deny: no_mapped_group}")?;
    let accepted =
        |accept: &str| -> Result<Response> { stage.system.envoy.send(&denied_login.clone().header("accept", accept)) };
    for (accept, expected) in [
        ("text/html,application/xhtml+xml,*/*;q=0.8", "text/html"),
        ("application/json", "application/problem+json"),
        ("application/problem+json, text/html;q=0.5", "application/problem+json"),
        ("*/*", "application/problem+json"),
    ] {
        let response = accepted(accept)?;
        ensure!(denied(&response)?.code() == "no_mapped_group", "{accept}: {:?}", denied(&response)?);
        let kind = response.first("content-type").unwrap_or_default();
        ensure!(kind.starts_with(expected), "{accept}: {kind}");
        let body = String::from_utf8_lossy(&response.body);
        ensure!(!body.contains("the-secret-group") && !body.contains("main-ed25519"), "{accept}: {body}");
    }
    let page = accepted("text/html")?;
    let body = String::from_utf8_lossy(&page.body).into_owned();
    ensure!(body.contains("<html lang=\"en\"") && body.contains("<title>") && body.contains("<h1"), "{body}");
    Ok(())
}

#[test]
fn what_is_logged_is_enough_to_search_by_and_holds_no_secret() -> Result<()> {
    let mut stage = RealEnvoy::start(&policy::base("claude")?)?;
    stage.play(
        "
        - {login: ada, path: '/x?secret=in-the-query', allow: {role: user, seat_tier: premium}}
        - {again: ada, allow: {role: user, seat_tier: premium}}
        - {login: ada, forge: flipped_signature, deny: bad_signature}
        - {login: ada, exp: -4000, deny: expired}
        - {login: ada, without: [email], deny: missing_claim}
        - {login: ada, forge: two_parts, deny: malformed_token}
        ",
    )?;
    let request = stage
        .request_of("{login: ada, exp: -4000, pass: true}")?
        .header("x-request-id", "7b4d0f0e-0000-4000-8000-000000000001");
    stage.system.envoy.send(&request)?;
    // Envoy writes its access log in batches.
    let access = usher_tests::wait::until("the access log is written", || {
        let log = stage.system.envoy.log();
        let lines: Vec<serde_json::Value> = log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        Ok((lines.len() >= 7).then_some(lines))
    })?;
    let let_in =
        access.iter().filter(|line| line["role"] == json!("user") && line["organization"] == json!("acme-chat"));
    ensure!(let_in.count() == 2, "{access:#?}");
    for reason in ["bad_signature", "expired", "missing_claim", "malformed_token"] {
        ensure!(access.iter().any(|line| line["reason"] == json!(reason)), "no line for {reason}: {access:#?}");
    }
    ensure!(!stage.log().contains("in-the-query"), "a query was logged");
    stage.no_token_was_logged()
}

#[test]
fn requests_are_counted_by_verdict_and_reason() -> Result<()> {
    let mut stage = RealEnvoy::start(&policy::base("claude")?)?;
    stage.play("- {login: ada, allow: {role: user, seat_tier: premium}}\n- {login: ada, exp: -4000, deny: expired}")?;
    // A worker counts by itself and tells the host on its next tick.
    wait::until("both are counted", || {
        let stats = stage.system.envoy.stats()?;
        let counted = |words: &[&str]| {
            stats.lines().any(|line| words.iter().all(|word| line.contains(word)) && !line.ends_with(": 0"))
        };
        Ok((counted(&["usher", "allow"]) && counted(&["usher", "expired"])).then_some(()))
    })
}

fn token_of(request: &Request) -> Result<String> {
    let value = String::from_utf8_lossy(request.first("authorization").unwrap_or_default()).into_owned();
    match value.strip_prefix("Bearer ") {
        Some(token) => Ok(token.to_owned()),
        None => anyhow::bail!("no token: {value}"),
    }
}
