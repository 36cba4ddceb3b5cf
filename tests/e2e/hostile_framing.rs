//! Requests that two parsers would cut in different places (request smuggling): never two, and never for somebody else.

use anyhow::{Context, Result, ensure};
use usher_tests::policy;
use usher_tests::stage::envoy::RealEnvoy;

use crate::attack::{GUARDED, HOST, raw, unharmed};

/// What no two parsers cut alike: none of it may arrive, not even the part that all of them read.
const AMBIGUOUS: [&str; 15] = [
    "CL.TE",
    "TE.CL",
    "TE.TE",
    "two lengths",
    "a list of lengths",
    "a signed length",
    "chunked in other words",
    "a space before the colon",
    "a NUL in a value",
    "a NUL in a name",
    "no name",
    "a chunk extension with a line",
    "an upgrade to something, and more",
    "HTTP/1.0",
    "HTTP/1.0, kept alive",
];

/// Bytes that hold one request to `path`, and what some would take for a second one, which goes where owners go. `more` are lines of
/// both.
fn framings(path: &str, more: &str) -> Vec<(&'static str, String)> {
    let smuggled =
        format!("GET /admin/ HTTP/1.1\r\nhost: {HOST}\r\n{more}x-usher-role: owner\r\nx-smuggled: yes\r\n\r\n");
    let head = format!("POST {path} HTTP/1.1\r\nhost: {HOST}\r\n{more}");
    let get = format!("GET {path} HTTP/1.1\r\nhost: {HOST}\r\n{more}");
    vec![
        (
            "CL.TE",
            format!(
                "{head}content-length: {}\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n{smuggled}",
                smuggled.len() + 5
            ),
        ),
        (
            "TE.CL",
            format!(
                "{head}transfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n{:x}\r\n{smuggled}\r\n0\r\n\r\n",
                smuggled.len()
            ),
        ),
        (
            "TE.TE",
            format!("{head}transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n0\r\n\r\n{smuggled}"),
        ),
        ("two lengths", format!("{head}content-length: 0\r\ncontent-length: {}\r\n\r\n{smuggled}", smuggled.len())),
        ("a list of lengths", format!("{head}content-length: 0, {}\r\n\r\n{smuggled}", smuggled.len())),
        ("a signed length", format!("{head}content-length: +0\r\n\r\n{smuggled}")),
        ("chunked in other words", format!("{head}transfer-encoding: xchunked\r\n\r\n0\r\n\r\n{smuggled}")),
        ("chunked after a tab", format!("{head}transfer-encoding:\tchunked\r\n\r\n0\r\n\r\n")),
        ("a folded line", format!("{head}x: y\r\n transfer-encoding: chunked\r\ncontent-length: 0\r\n\r\n")),
        ("a space before the colon", format!("{head}x-usher-role : owner\r\ncontent-length: 0\r\n\r\n")),
        ("a bare line feed", format!("{head}x: y\nx-usher-role: owner\r\ncontent-length: 0\r\n\r\n")),
        ("a bare carriage return", format!("{head}x: y\rx-usher-role: owner\r\ncontent-length: 0\r\n\r\n")),
        ("a NUL in a value", format!("{head}x: y\0x-usher-role: owner\r\ncontent-length: 0\r\n\r\n")),
        ("a NUL in a name", format!("{head}x-usher-\0role: owner\r\ncontent-length: 0\r\n\r\n")),
        ("no name", format!("{head}: owner\r\ncontent-length: 0\r\n\r\n")),
        ("a chunk extension with a line", format!("{head}transfer-encoding: chunked\r\n\r\n0;x\n\r\n\r\n{smuggled}")),
        (
            "a chunk size too large",
            format!("{head}transfer-encoding: chunked\r\n\r\n10000000000000000\r\n\r\n{smuggled}"),
        ),
        ("an upgrade to something, and more", format!("{get}connection: upgrade\r\nupgrade: admin\r\n\r\n{smuggled}")),
        (
            "an upgrade to h2c, and more",
            format!(
                "{get}connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n\r\n{smuggled}"
            ),
        ),
        (
            "a websocket that nobody opens, and more",
            format!(
                "{get}connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
                 sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n{smuggled}"
            ),
        ),
        ("one after the other", format!("{get}\r\n{smuggled}")),
        ("a body that looks like one", format!("{head}content-length: {}\r\n\r\n{smuggled}", smuggled.len())),
        (
            "a body that is waited for",
            format!("{head}expect: 100-continue\r\ncontent-length: {}\r\n\r\n{smuggled}", smuggled.len()),
        ),
        ("something else that is expected", format!("{head}expect: admin\r\ncontent-length: 0\r\n\r\n")),
        (
            "chunk extensions",
            format!(
                "{head}transfer-encoding: chunked\r\n\r\n{:x};a=b;c=\"d\"\r\n{smuggled}\r\n0;x\r\n\r\n",
                smuggled.len()
            ),
        ),
        ("HTTP/1.0", format!("{get}\r\n").replace("HTTP/1.1", "HTTP/1.0")),
        (
            "HTTP/1.0, kept alive",
            format!("{get}connection: keep-alive\r\n\r\n{smuggled}").replace("HTTP/1.1", "HTTP/1.0"),
        ),
    ]
}

/// By nobody, over a bypass; and by ada, who is no owner.
#[test]
fn a_request_that_two_parsers_would_cut_elsewhere_is_never_two() -> Result<()> {
    let mut stage = RealEnvoy::start(&policy::changed("claude", GUARDED)?)?;
    let good = stage.request_of("{login: ada, path: /, pass: true}")?;
    let token = String::from_utf8_lossy(good.first("authorization").unwrap_or_default()).into_owned();
    let mut arrived = 0;
    for (path, more, role) in
        [("/open/", String::new(), None), ("/", format!("authorization: {token}\r\n"), Some("user"))]
    {
        for (name, bytes) in framings(path, &more) {
            let before = stage.system.upstream.attempts();
            raw(stage.system.envoy.address(), bytes.as_bytes()).with_context(|| name.to_owned())?;
            let requests = stage.system.upstream.requests();
            for request in requests.iter().skip(before) {
                let target = String::from_utf8_lossy(&request.target).into_owned();
                ensure!(target == path, "{name}, {path}: `{target}` arrives");
                ensure!(request.first("x-smuggled").is_none(), "{name}, {path}: a second request arrives");
                ensure!(request.first("x-usher-role") == role.map(str::as_bytes), "{name}, {path}: another role");
                ensure!(!AMBIGUOUS.contains(&name), "{name}, {path}: it arrives");
                arrived += 1;
            }
        }
    }
    ensure!(arrived > 6, "those that are well-formed do arrive: {arrived}");
    unharmed(&mut stage)
}

#[test]
fn a_request_line_or_a_host_in_another_form_opens_no_other_door() -> Result<()> {
    let mut stage = RealEnvoy::start(&policy::changed("claude", GUARDED)?)?;
    let smuggled = format!("GET /admin/ HTTP/1.1\r\nhost: {HOST}\r\nx-usher-role: owner\r\nx-smuggled: yes\r\n\r\n");
    for (name, bytes) in [
        ("HTTP/0.9", "GET /admin/\r\n\r\n".to_owned()),
        ("HTTP/1.0 without a host", "GET /admin/ HTTP/1.0\r\n\r\n".to_owned()),
        ("HTTP/9.9", format!("GET /admin/ HTTP/9.9\r\nhost: {HOST}\r\n\r\n")),
        ("two hosts", format!("GET /open/ HTTP/1.1\r\nhost: {HOST}\r\nhost: evil.example\r\n\r\n")),
        ("no host", "GET /open/ HTTP/1.1\r\n\r\n".to_owned()),
        ("an empty host", "GET /open/ HTTP/1.1\r\nhost:\r\n\r\n".to_owned()),
        ("absolute form, another host", format!("GET http://evil.example/open/ HTTP/1.1\r\nhost: {HOST}\r\n\r\n")),
        ("absolute form with a user", format!("GET http://{HOST}@evil.example/open/ HTTP/1.1\r\nhost: {HOST}\r\n\r\n")),
        ("absolute form, guarded path", format!("GET http://{HOST}/admin/ HTTP/1.1\r\nhost: {HOST}\r\n\r\n")),
        ("absolute form, dots", format!("GET http://{HOST}/open/../admin/ HTTP/1.1\r\nhost: {HOST}\r\n\r\n")),
        ("absolute form, a scheme that is none", format!("GET admin://{HOST}/open/ HTTP/1.1\r\nhost: {HOST}\r\n\r\n")),
        ("authority form", format!("GET {HOST}:80 HTTP/1.1\r\nhost: {HOST}\r\n\r\n")),
        ("CONNECT", format!("CONNECT {HOST}:443 HTTP/1.1\r\nhost: {HOST}\r\n\r\n{smuggled}")),
        ("CONNECT to a path", format!("CONNECT /admin/ HTTP/1.1\r\nhost: {HOST}\r\n\r\n{smuggled}")),
        ("asterisk form", format!("OPTIONS * HTTP/1.1\r\nhost: {HOST}\r\n\r\n")),
        (
            "an upgrade to h2c",
            format!(
                "GET /admin/ HTTP/1.1\r\nhost: {HOST}\r\nconnection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n\r\n"
            ),
        ),
        (
            "an upgrade to something",
            format!("GET /admin/ HTTP/1.1\r\nhost: {HOST}\r\nconnection: upgrade\r\nupgrade: admin\r\n\r\n"),
        ),
        (
            "connection names our header",
            format!(
                "GET /open/ HTTP/1.1\r\nhost: {HOST}\r\nconnection: x-usher-role, authorization\r\nx-usher-role: owner\r\n\r\n"
            ),
        ),
        ("a verb override", format!("GET /admin/ HTTP/1.1\r\nhost: {HOST}\r\nx-http-method-override: POST\r\n\r\n")),
        ("HTTP/1.0 with a host", format!("GET /admin/ HTTP/1.0\r\nhost: {HOST}\r\n\r\n")),
    ] {
        let before = stage.system.upstream.attempts();
        raw(stage.system.envoy.address(), bytes.as_bytes()).with_context(|| name.to_owned())?;
        for request in stage.system.upstream.requests().iter().skip(before) {
            let target = String::from_utf8_lossy(&request.target).into_owned();
            ensure!(target == "/open/", "{name}: `{target}` arrives");
            ensure!(request.first("x-smuggled").is_none(), "{name}: a second request arrives");
            let forged = request.headers.iter().find(|(known, _)| known.to_ascii_lowercase().starts_with(b"x-usher-"));
            ensure!(forged.is_none(), "{name}: the upstream saw {forged:?}");
            let host = request.first("host").unwrap_or_default();
            ensure!(host == HOST.as_bytes(), "{name}: for {:?}", String::from_utf8_lossy(host));
        }
    }
    unharmed(&mut stage)
}

/// Whoever is asked to take our own names away (RFC 9110, 7.6.1) is behind us: with an upgrade, Envoy hands the list on.
#[test]
fn no_client_has_the_tags_taken_away_behind_us() -> Result<()> {
    let mut stage = RealEnvoy::start(&policy::changed("claude", GUARDED)?)?;
    let ada = stage.request_of("{login: ada, path: /, pass: true}")?;
    for (connection, upgrade, status) in [
        ("x-usher-role", None, 200),
        ("keep-alive, x-usher-role, X-Usher-Seat-Tier", None, 200),
        ("upgrade", Some("websocket"), 200),
        ("upgrade, keep-alive", Some("websocket"), 200),
        ("Upgrade, x-usher-role", Some("websocket"), 400),
        ("X_Usher_Seat_Tier , upgrade", Some("websocket"), 400),
        ("upgrade,\tx-usher-anything", Some("websocket"), 400),
        ("upgrade, x-usher-role", Some("h2c"), 0),
    ] {
        let before = stage.system.upstream.attempts();
        let mut request = ada.clone().header("connection", connection);
        if let Some(upgrade) = upgrade {
            request = request.header("upgrade", upgrade).header("sec-websocket-version", "13");
        }
        let answer = stage.system.envoy.send(&request).with_context(|| connection.to_owned())?;
        ensure!(status == 0 || answer.status == status, "{connection}: {}", answer.status);
        if status == 400 {
            ensure!(answer.first("x-usher-reason").as_deref() == Some("ambiguous_request"), "{connection}: {answer:?}");
        }
        let arrived = stage.system.upstream.requests();
        let arrived: Vec<_> = arrived.iter().skip(before).collect();
        ensure!(status != 200 || arrived.len() == 1, "{connection}: it does not arrive");
        for request in arrived {
            ensure!(request.first("x-usher-role") == Some(b"user"), "{connection}: the role does not arrive");
            let nominated = request.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case(b"connection"));
            let nominated: Vec<_> = nominated.map(|(_, value)| String::from_utf8_lossy(value).to_lowercase()).collect();
            ensure!(!nominated.iter().any(|value| value.contains("usher")), "{connection}: {nominated:?} arrives");
        }
    }
    unharmed(&mut stage)
}
