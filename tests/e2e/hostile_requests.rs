//! Paths, headers and framings that are meant to be read in two ways, in HTTP/1.1 and HTTP/2: refused, or seen by all alike.

use anyhow::{Context, Result, ensure};
use usher_tests::http::Request;
use usher_tests::http2::{self, Answer, Field, fields};
use usher_tests::policy;
use usher_tests::stage::envoy::RealEnvoy;
use usher_tests::system::{Setup, upstream};

use crate::attack::{GUARDED, HOST, lenient, pseudo, raw, unharmed};

/// Targets that some server behind a proxy reads as `/admin/`, or as something that is not bypassed.
const TARGETS: &[&str] = &[
    "/open/../admin/",
    "/open/../../admin/",
    "/open/./../admin/",
    "/open/..",
    "/open/%2e%2e/admin/",
    "/open/%2E%2E/admin/",
    "/open/.%2e/admin/",
    "/open/%2e./admin/",
    "/open/..%2fadmin/",
    "/open/..%2Fadmin/",
    "/open%2f..%2fadmin/",
    "/open/%252e%252e/admin/",
    "/open/%252E%252E/admin/",
    "/open/%25%32%65%252%65/admin/",
    "/open/..%252fadmin/",
    "/open/..%252Fadmin/",
    "/open/..%255cadmin",
    "/open/%25252e%25252e/admin/",
    "/open/x%2500/",
    "/%2561dmin/",
    "/admin%252f",
    "/open/%c0%ae%c0%ae/admin/",
    "/open/%C0%AE%C0%AE/admin/",
    "/open/..%c0%afadmin/",
    "/open/..%c1%9cadmin",
    "/open/%e0%80%ae%e0%80%ae/admin/",
    "/open/..%e0%80%afadmin/",
    "/open/%f0%80%80%ae%f0%80%80%ae/admin/",
    "/open/%25c0%25ae%25c0%25ae/admin/",
    "/open/caf%e9",
    "/open/%ff",
    "/open/..%09/admin/",
    "/open/%0d%0ax-usher-role:%20owner",
    "/open/%0a/admin/",
    "/open/%1b%5b2J",
    "/open/%7f",
    "/admin%09",
    "/admin%0a",
    "/healthz%0d%0a",
    "/healthz%2509",
    "/open/..;/admin/",
    "/open;/admin/",
    "/open/;/../admin/",
    "/open/..\\admin\\",
    "/open\\..\\admin",
    "/open/%5c../admin/",
    "/open/%5C..%5Cadmin",
    "//admin/",
    "/open//../admin/",
    "/open//",
    "/./admin/",
    "/open/x/..%00/admin/",
    "/open/%00",
    "/open/#/../admin/",
    "/open/%",
    "/open/%2",
    "/open/%zz/admin/",
    "/open/\u{ff0f}admin/",
    "/open/%u002e%u002e/admin/",
    "/admin;x=1/",
    "/admin%2f",
    "/healthz/../admin/",
    "/healthz;x",
    "/healthz%2f",
    "*",
    "admin/",
    "?/open/",
    "",
    "open/",
];

#[test]
fn no_spelling_of_a_path_gets_around_a_rule_in_http1() -> Result<()> {
    let mut stage = RealEnvoy::start(&policy::changed("claude", GUARDED)?)?;
    let good = stage.request_of("{login: ada, path: /, pass: true}")?;
    for target in TARGETS {
        for request in [Request::new("GET", HOST, *target), with_target(&good, target)] {
            // Envoy refuses some of them itself: what counts is that nothing of the kind arrives.
            let passed = match stage.system.envoy.send(&request) {
                Ok(response) => upstream::saw(&response)?.is_some(),
                Err(_) => false,
            };
            ensure!(!passed, "`{target}` passes");
        }
    }
    ensure!(stage.system.upstream.attempts() == 0, "the upstream saw {:?}", seen_targets(&stage));
    for target in ["/open/caf%c3%a9", "/open/100%25", "/open/%e6%97%a5%20x", "/open/%3bx"] {
        stage.system.envoy.send(&Request::new("GET", HOST, target))?;
        ensure!(seen_targets(&stage).last().is_some_and(|seen| seen == target), "`{target}` is read in one way");
    }
    unharmed(&mut stage)
}

#[test]
fn no_spelling_of_a_path_gets_around_a_rule_in_http2() -> Result<()> {
    let mut stage = RealEnvoy::start(&policy::changed("claude", GUARDED)?)?;
    let good = stage.request_of("{login: ada, path: /, pass: true}")?;
    let token = String::from_utf8_lossy(good.first("authorization").unwrap_or_default()).into_owned();
    let envoy = stage.system.envoy.address();
    for target in TARGETS {
        for credential in ["", token.as_str()] {
            let mut head = fields(&pseudo("GET", target));
            if !credential.is_empty() {
                head.extend(fields(&[("authorization", credential)]));
            }
            http2::exchange(envoy, &head, None, &[]).with_context(|| format!("`{target}`"))?;
        }
    }
    ensure!(stage.system.upstream.attempts() == 0, "the upstream saw {:?}", seen_targets(&stage));
    // Without `:path`, with two of it, with one after the fields, or with a field that HTTP/2 does not have.
    let [method, scheme, authority, path] = pseudo("GET", "/open/");
    let (guarded, token) = ((":path", "/admin/"), ("authorization", token.as_str()));
    for (name, head) in [
        ("no :path", vec![method, scheme, authority]),
        ("no :path, with a token", vec![method, scheme, authority, token]),
        ("two :path", vec![method, scheme, authority, path, guarded]),
        ("two :path, the other way round", vec![method, scheme, authority, guarded, path]),
        (":path after a field", vec![method, scheme, authority, ("x", "y"), guarded]),
        ("two :authority", vec![method, scheme, authority, (":authority", "evil.example"), path]),
        ("two :method", vec![method, (":method", "POST"), scheme, authority, path]),
        ("a pseudo-header that is none", vec![method, scheme, authority, path, (":admin", "1")]),
        ("an upper-case name", vec![method, scheme, authority, path, ("X-Usher-Role", "owner")]),
        ("a name with a colon", vec![method, scheme, authority, path, ("x-usher-role:", "owner")]),
        ("a name with a line end", vec![method, scheme, authority, path, ("x\r\nx-usher-role", "owner")]),
        ("a value with a line end", vec![method, scheme, authority, path, ("x", "y\r\nx-usher-role: owner")]),
        ("a value with a NUL", vec![method, scheme, authority, path, ("x", "y\0x-usher-role: owner")]),
        ("connection", vec![method, scheme, authority, path, ("connection", "x-usher-role")]),
        ("transfer-encoding", vec![method, scheme, authority, path, ("transfer-encoding", "chunked")]),
        ("a host that is another", vec![method, scheme, authority, guarded, ("host", "evil.example")]),
        ("CONNECT", vec![(":method", "CONNECT"), authority]),
        ("CONNECT with a path", vec![(":method", "CONNECT"), scheme, authority, path]),
        ("extended CONNECT", vec![(":method", "CONNECT"), (":protocol", "websocket"), scheme, authority, guarded]),
        ("an empty method", vec![(":method", ""), scheme, authority, path]),
        ("a method in two", vec![(":method", "GET /admin/ HTTP/1.1\r\nx:"), scheme, authority, path]),
        ("a path with a space", vec![method, scheme, authority, (":path", "/open/ HTTP/1.1\r\nx: y")]),
    ] {
        let before = stage.system.upstream.attempts();
        http2::exchange(envoy, &fields(&head), None, &[]).with_context(|| name.to_owned())?;
        for request in stage.system.upstream.requests().iter().skip(before) {
            let target = String::from_utf8_lossy(&request.target).into_owned();
            ensure!(target == "/open/", "{name}: `{target}` passes");
            let forged = request.headers.iter().find(|(known, _)| known.to_ascii_lowercase().starts_with(b"x-usher-"));
            ensure!(forged.is_none(), "{name}: the upstream saw {forged:?}");
        }
    }
    unharmed(&mut stage)
}

#[test]
fn headers_that_claim_to_say_where_or_who_decide_nothing() -> Result<()> {
    let mut stage = RealEnvoy::start(&policy::changed("claude", GUARDED)?)?;
    let good = stage.request_of("{login: ada, path: /, pass: true}")?;
    for (name, value) in [
        ("x-forwarded-host", HOST),
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-path", "/open/"),
        ("x-forwarded-prefix", "/open"),
        ("x-forwarded-uri", "/open/"),
        ("x-forwarded-method", "OPTIONS"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-user", "owner@acme.example"),
        ("x-forwarded-email", "owner@acme.example"),
        ("x-forwarded-groups", "owners"),
        ("x-forwarded-access-token", "x"),
        ("x-original-url", "/open/"),
        ("x-original-uri", "/open/"),
        ("x-original-host", HOST),
        ("x-original-path", "/open/"),
        ("x-rewrite-url", "/open/"),
        ("x-envoy-original-path", "/open/"),
        ("x-envoy-original-host", HOST),
        ("x-envoy-internal", "true"),
        ("x-envoy-decorator-operation", "x"),
        ("x-envoy-external-address", "127.0.0.1"),
        ("x-real-ip", "127.0.0.1"),
        ("forwarded", "for=127.0.0.1;host=chat.acme.example;proto=https"),
        ("x-host", HOST),
        ("x-http-host-override", HOST),
        ("x-http-method", "OPTIONS"),
        ("x-http-method-override", "OPTIONS"),
        ("x-method-override", "OPTIONS"),
        ("x-client-cert", "x"),
        ("x-forwarded-client-cert", "By=spiffe://x;Subject=\"CN=owner\""),
        ("x-remote-user", "owner"),
        ("remote-user", "owner"),
        ("x-user", "owner"),
        ("x-auth-request-email", "owner@acme.example"),
        ("x-goog-authenticated-user-email", "owner@acme.example"),
        ("x-ms-client-principal", "e30="),
        ("proxy-authorization", "Bearer x"),
        ("x-access-token", "x"),
        ("access_token", "x"),
        ("x-wasm-usher-role", "owner"),
        ("x-request-id", "owner"),
    ] {
        let bare = Request::new("GET", HOST, "/admin/").header(name, value);
        ensure!(upstream::saw(&stage.system.envoy.send(&bare)?)?.is_none(), "{name}: {value} opens the door");
        let elsewhere = Request::new("GET", "evil.example", "/").header(name, value);
        ensure!(upstream::saw(&stage.system.envoy.send(&elsewhere)?)?.is_none(), "{name}: {value} is a host");
        let mut as_ada = with_target(&good, "/admin/").header(name, value);
        as_ada.headers.retain(|(known, _)| known != b"host");
        let response = stage.system.envoy.send(&as_ada.header("host", HOST))?;
        ensure!(
            response.first("x-usher-reason").as_deref() == Some("role_not_allowed"),
            "{name}: {value}: {}",
            response.status
        );
        let response = stage.system.envoy.send(&with_target(&good, "/").header(name, value))?;
        let Some(headers) = upstream::saw(&response)? else { anyhow::bail!("{name}: {}", response.status) };
        let role = headers.iter().find(|(known, _)| known == "x-usher-role").map(|(_, value)| value.as_str());
        ensure!(role == Some("user"), "{name}: {value}: {role:?}");
    }
    unharmed(&mut stage)
}

/// In trailers, too, and where nobody is asked who they are.
#[test]
fn identity_headers_of_a_client_arrive_nowhere_and_in_no_fold() -> Result<()> {
    let setup = Setup { edit_bootstrap: Some(lenient), ..Setup::default() };
    let mut stage = RealEnvoy::start_with(&policy::changed("claude", GUARDED)?, &setup)?;
    let good = stage.request_of("{login: ada, path: /, pass: true}")?;
    let token = String::from_utf8_lossy(good.first("authorization").unwrap_or_default()).into_owned();
    let names = [
        "x-usher-role",
        "X-USHER-ROLE",
        "x_usher_role",
        "X_Usher-Role",
        "x-usher_role",
        "x-usher-email",
        "x-usher-subject",
        "x-usher-member",
        "x-usher-organization",
        "x-usher-seat-tier",
        "x-usher-seat_tier",
        "x-usher-anything",
        "x-usher-",
        "X-uShEr-role",
    ];
    for target in ["/open/", "/"] {
        let credential = format!("authorization: {token}\r\n");
        let credential = if target == "/" { credential.as_str() } else { "" };
        let forged: String = names.iter().map(|name| format!("{name}: forged\r\n{name}: forged too\r\n")).collect();
        let bytes = format!(
            "POST {target} HTTP/1.1\r\nhost: {HOST}\r\nconnection: close\r\n{credential}{forged}transfer-encoding: chunked\r\n\r\n\
             1\r\nx\r\n0\r\n{forged}x-of-the-client: kept\r\n\r\n"
        );
        let before = stage.system.upstream.attempts();
        let answer = raw(stage.system.envoy.address(), bytes.as_bytes())?;
        ensure!(stage.system.upstream.attempts() > before, "{target} arrives: {answer}");
        let lower: Vec<String> = names
            .iter()
            .filter(|name| !name.bytes().any(|byte| byte.is_ascii_uppercase()))
            .map(|name| (*name).to_owned())
            .collect();
        let mut head = fields(&pseudo("POST", target));
        if target == "/" {
            head.extend(fields(&[("authorization", token.as_str())]));
        }
        let forged: Vec<Field> = lower.iter().map(|name| (name.clone().into_bytes(), b"forged".to_vec())).collect();
        head.extend(forged.clone());
        let answer = http2::exchange(stage.system.envoy.address(), &head, Some(b"x"), &forged)?;
        ensure!(matches!(answer, Answer::Whole(_)), "{target}: {answer:?}");
    }
    let mut kept = 0;
    for request in stage.system.upstream.requests() {
        let fields = request.headers.iter().chain(&request.trailers);
        let forged = fields.clone().find(|(_, value)| value.starts_with(b"forged"));
        ensure!(
            forged.is_none(),
            "the upstream got {:?}",
            forged.map(|(name, _)| String::from_utf8_lossy(name).into_owned())
        );
        kept += request.trailers.iter().filter(|(name, _)| name.eq_ignore_ascii_case(b"x-of-the-client")).count();
    }
    ensure!(kept == 2, "trailers do arrive: {kept}");
    unharmed(&mut stage)
}

/// A framework behind usher that took another path or method for the one that was asked for would serve what no rule was asked about.
#[test]
fn no_header_makes_another_request_of_it_behind_us() -> Result<()> {
    let setup = Setup { edit_bootstrap: Some(lenient), ..Setup::default() };
    let mut stage = RealEnvoy::start_with(&policy::changed("claude", GUARDED)?, &setup)?;
    let good = stage.request_of("{login: ada, path: /, pass: true}")?;
    let names = [
        "x-original-url",
        "x-original-uri",
        "x-rewrite-url",
        "x-http-method",
        "x-http-method-override",
        "x-method-override",
    ];
    for request in [Request::new("GET", HOST, "/open/"), with_target(&good, "/")] {
        let target = String::from_utf8_lossy(&request.target).into_owned();
        let kept = request.header("x-forwarded-prefix", "/of-the-way");
        let forged = names.iter().fold(kept, |request, name| {
            [*name, &name.to_uppercase(), &name.replace('-', "_"), name]
                .iter()
                .fold(request, |request, name| request.header(*name, "/admin/"))
        });
        let response = stage.system.envoy.send(&forged)?;
        let Some(headers) = upstream::saw(&response)? else { anyhow::bail!("{target}: {}", response.status) };
        let arrived: Vec<_> = headers.iter().filter(|(_, value)| value.contains("/admin/")).collect();
        ensure!(arrived.is_empty(), "{target}: the upstream saw {arrived:?}");
        ensure!(headers.iter().any(|(_, value)| value == "/of-the-way"), "{target}: what proxies set stays");
    }
    unharmed(&mut stage)
}

#[test]
fn two_credentials_are_no_credential() -> Result<()> {
    let mut stage = RealEnvoy::start(&policy::base("claude")?)?;
    let good = stage.request_of("{login: ada, pass: true}")?;
    let token = String::from_utf8_lossy(good.first("authorization").unwrap_or_default()).into_owned();
    let session = stage.system.envoy.send(&good)?;
    ensure!(session.status == 200, "ada is let in");
    for (name, second) in
        [("the same twice", token.as_str()), ("another", "Bearer a.b.c"), ("basic", "Basic YTpi"), ("a comma", ",")]
    {
        for first in [true, false] {
            let pair = if first { [token.as_str(), second] } else { [second, token.as_str()] };
            let request =
                Request::new("GET", HOST, "/").header("authorization", pair[0]).header("Authorization", pair[1]);
            let response = stage.system.envoy.send(&request)?;
            ensure!(upstream::saw(&response)?.is_none(), "{name}: passes");
            ensure!(
                response.first("x-usher-reason").as_deref() == Some("ambiguous_request"),
                "{name}: {:?}",
                response.headers
            );
            let head: Vec<Field> =
                [fields(&pseudo("GET", "/")), fields(&[("authorization", pair[0]), ("authorization", pair[1])])]
                    .concat();
            let before = stage.system.upstream.attempts();
            http2::exchange(stage.system.envoy.address(), &head, None, &[])?;
            ensure!(stage.system.upstream.attempts() == before, "{name}: passes in HTTP/2");
        }
    }
    unharmed(&mut stage)
}

fn with_target(request: &Request, target: &str) -> Request {
    let mut request = request.clone();
    request.target = target.as_bytes().to_vec();
    request
}

/// What the upstream was asked for.
fn seen_targets(stage: &RealEnvoy) -> Vec<String> {
    stage
        .system
        .upstream
        .requests()
        .iter()
        .map(|request| String::from_utf8_lossy(&request.target).into_owned())
        .collect()
}
