//! What no route does by itself: panic, take too long, or keep a connection that somebody else needs.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use usher_policy::Policy;
use usher_policy::id::ParentId;
use usher_policy_file::from_yaml;

use super::{App, Fresh, Limits, REQUEST_TIMEOUT, RateLimits, layered, router, serve};
use crate::clock::SystemClock;
use crate::database;
use crate::feed::Feed;
use crate::in_force::PolicyInForce;
use crate::membership::Membership;
use crate::metrics::Metrics;
use crate::scim::Turns;
use crate::secrets::Secrets;
use crate::tls::Tls;
use crate::token_use::TokenUse;

const POLICY: &str = r"
version: 1
parents:
- id: acme
  plan: enterprise
  domains: [acme.example]
  directory: {scim: true, token_env: ACME_SCIM_TOKEN}
  connections:
  - {id: okta, issuer: https://acme.okta.example, audiences: [usher], jwks: {uri: https://acme.okta.example/keys, cluster: okta}}
  organizations:
  - {id: chat, product: claude, hosts: [chat.acme.example]}
";

fn secrets(policy: &Policy) -> Secrets {
    Secrets::from_env(policy, |name| Some(format!("{name}-0123456789abcdef"))).unwrap()
}

async fn app(folder: &tempfile::TempDir, request_timeout: Duration) -> Arc<App> {
    let policy = from_yaml(POLICY).unwrap();
    let secrets = secrets(&policy);
    let metrics = Arc::new(Metrics::new().unwrap());
    let address = format!("sqlite://{}", folder.path().join("usher.db").display());
    let address = database::Address::parse(&address).unwrap();
    let database = database::open(&address, Arc::clone(&metrics)).await.unwrap();
    let clock = Arc::new(SystemClock);
    let feed = Feed::new(Arc::clone(&database));
    let memberships = Membership::new(database, clock.clone(), Arc::clone(&metrics));
    let in_force = PolicyInForce::new(Arc::new(policy), String::new(), secrets, Arc::clone(&metrics));
    let (rate_limits, tokens) = (RateLimits::new(None), TokenUse::default());
    Arc::new(App {
        in_force,
        memberships,
        feed,
        metrics,
        tokens,
        clock,
        request_timeout,
        rate_limits,
        directories: Turns::default(),
        readiness: Fresh::new(Duration::ZERO),
        seats_counted: Fresh::new(Duration::ZERO),
    })
}

async fn exchange(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    // Far longer than anything here takes: who waits for ever is told that it never came.
    let read = timeout(Duration::from_secs(60), stream.read_to_string(&mut answer)).await;
    read.expect("an answer within a minute").unwrap();
    answer
}

#[tokio::test]
async fn a_panic_is_answered_500_and_counted_and_the_store_goes_on() {
    let folder = tempfile::TempDir::new().unwrap();
    let app = app(&folder, REQUEST_TIMEOUT).await;
    let routes = Router::new()
        .route("/panic", get(async || -> &'static str { panic!("secret inside") }))
        .route("/fine", get(async || "fine"));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(serve(listener, None, layered(routes, Arc::clone(&app)), Limits::default(), async {
        drop(stopped.await)
    }));

    let answer = exchange(address, "GET /panic HTTP/1.1\r\nhost: store\r\nconnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 500 "), "{answer}");
    assert!(answer.contains(r#""code":"internal_error""#) && !answer.contains("secret inside"), "{answer}");
    let answer = exchange(address, "GET /fine HTTP/1.1\r\nhost: store\r\nconnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("fine"), "{answer}");
    assert!(app.metrics.render().contains("usher_store_panics_total 1"));
    drop(stop);
    serving.await.unwrap();
}

#[tokio::test]
async fn a_request_that_hangs_is_answered_503() {
    let folder = tempfile::TempDir::new().unwrap();
    let app = app(&folder, Duration::from_millis(1)).await;
    let routes = Router::new().route("/hang", get(async || -> &'static str { std::future::pending().await }));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(serve(listener, None, layered(routes, app), Limits::default(), std::future::pending()));
    let answer = exchange(address, "GET /hang HTTP/1.1\r\nhost: store\r\nconnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains(r#""code":"timed_out""#), "{answer}");
    serving.abort();
}

#[tokio::test]
async fn a_directorys_turn_begins_with_a_whole_request_and_by_the_policy_in_force() {
    let folder = tempfile::TempDir::new().unwrap();
    let app = app(&folder, REQUEST_TIMEOUT).await;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let routes = router(Arc::clone(&app));
    let serving = tokio::spawn(serve(listener, None, routes, Limits::default(), std::future::pending()));
    let push = |name: &str| {
        let body = format!(r#"{{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"{name}"}}"#);
        format!(
            "POST /scim/v2/acme/Users HTTP/1.1\r\nhost: store\r\nauthorization: Bearer ACME_SCIM_TOKEN-0123456789abcdef\r\n\
             content-type: application/scim+json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        )
    };
    let mut half = TcpStream::connect(address).await.unwrap();
    half.write_all(&push("ada").as_bytes()[..200]).await.unwrap();
    assert!(exchange(address, &push("bea")).await.starts_with("HTTP/1.1 201 "), "nobody waits for half a request");

    let busy = app.directories.writes.take(&ParentId::new("acme")).await.unwrap();
    let (patient, late) = (push("cyd"), push("dee"));
    let waiting = tokio::spawn(async move { exchange(address, &patient).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!waiting.is_finished(), "one at a time");
    let policy = from_yaml(POLICY).unwrap();
    let secrets = secrets(&policy);
    app.in_force.replace(Arc::new(policy), "another".to_owned(), secrets);
    drop(busy);
    let answer = waiting.await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("another policy came in force"), "{answer}");
    assert!(exchange(address, &late).await.starts_with("HTTP/1.1 201 "));
    serving.abort();
}

#[tokio::test]
async fn shutdown_lets_a_request_under_way_finish() {
    let folder = tempfile::TempDir::new().unwrap();
    let app = app(&folder, REQUEST_TIMEOUT).await;
    let (begun, mut has_begun) = mpsc::channel::<()>(1);
    let release = Arc::new(Notify::new());
    let released = Arc::clone(&release);
    let routes = Router::new().route(
        "/slow",
        get(async move || {
            begun.send(()).await.unwrap();
            released.notified().await;
            "done"
        }),
    );
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let serving =
        tokio::spawn(serve(listener, None, layered(routes, app), Limits::default(), async { drop(stopped.await) }));
    let asking = tokio::spawn(async move { exchange(address, "GET /slow HTTP/1.1\r\nhost: store\r\n\r\n").await });
    has_begun.recv().await.unwrap();
    drop(stop);
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    release.notify_one();
    let answer = asking.await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("done"), "{answer}");
    serving.await.unwrap();
}

/// A store that has one place, and shows strangers out soon.
async fn narrow(folder: &tempfile::TempDir, tls: Option<Tls>) -> (SocketAddr, JoinHandle<()>) {
    let app = app(folder, REQUEST_TIMEOUT).await;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let limits = Limits { connections: 1, patience: Duration::from_millis(50) };
    (address, tokio::spawn(serve(listener, tls, router(app), limits, std::future::pending())))
}

const PROBE: &str = "GET /healthz HTTP/1.1\r\nhost: store\r\nconnection: close\r\n\r\n";

#[tokio::test]
async fn a_connection_that_asks_nothing_is_closed_and_gives_its_place_to_the_next() {
    let folder = tempfile::TempDir::new().unwrap();
    let (address, serving) = narrow(&folder, None).await;
    for half in ["", "G", "GET /healthz HTTP/1.1\r\nhost: st", "PRI * HTTP/2.0\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"]
    {
        let mut silent = TcpStream::connect(address).await.unwrap();
        silent.write_all(half.as_bytes()).await.unwrap();
        let answer = exchange(address, PROBE).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{half:?}: {answer}");
        // Closed with a half-read head, the kernel may say so with a reset.
        drop(silent.read_to_end(&mut Vec::new()).await);
    }
    serving.abort();
}

#[tokio::test]
async fn a_stranger_does_not_keep_a_place_by_having_asked_once() {
    let folder = tempfile::TempDir::new().unwrap();
    let (address, serving) = narrow(&folder, None).await;
    let kept = "GET /healthz HTTP/1.1\r\nhost: store\r\n\r\n";
    let wrong = "GET /v1/parents HTTP/1.1\r\nhost: store\r\nauthorization: Bearer 0123456789abcdef\r\n\r\n";
    // Preface, SETTINGS, and `GET /` in stream 1 (RFC 9113, RFC 7541).
    let http2 = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0\0\0\x03\x01\x05\0\0\0\x01\x82\x84\x86";
    for (said, then) in [
        (kept.as_bytes(), &b""[..]),
        (wrong.as_bytes(), b""),
        (kept.as_bytes(), b"GET /healthz HTTP/1.1\r\nhost: st"),
        (http2, b""),
        (http2, b"\0\0\x05\x01"),
    ] {
        let mut stranger = TcpStream::connect(address).await.unwrap();
        stranger.write_all(said).await.unwrap();
        assert!(stranger.read(&mut [0; 4096]).await.unwrap() > 0, "the first request is answered");
        stranger.write_all(then).await.unwrap();
        let answer = exchange(address, PROBE).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{said:?}, {then:?}: {answer}");
    }
    serving.abort();
}

#[tokio::test]
async fn who_has_shown_a_token_keeps_the_connection() {
    let folder = tempfile::TempDir::new().unwrap();
    let (address, serving) = narrow(&folder, None).await;
    let asked =
        "GET /v1/parents HTTP/1.1\r\nhost: store\r\nauthorization: Bearer USHER_ADMIN_TOKEN-0123456789abcdef\r\n\r\n";
    let mut known = TcpStream::connect(address).await.unwrap();
    let mut buffer = [0; 4096];
    for _ in 0..3 {
        known.write_all(asked.as_bytes()).await.unwrap();
        let length = known.read(&mut buffer).await.unwrap();
        assert!(buffer[..length].starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&buffer[..length]));
        // The only place is taken: nobody else is heard, however long that takes.
        let mut other = TcpStream::connect(address).await.unwrap();
        other.write_all(PROBE.as_bytes()).await.unwrap();
        assert!(timeout(Duration::from_millis(200), other.read(&mut buffer)).await.is_err());
    }
    drop(known);
    let answer = exchange(address, PROBE).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    serving.abort();
}

#[tokio::test]
async fn a_handshake_that_stalls_is_ended_and_gives_its_place_to_the_next() {
    let folder = tempfile::TempDir::new().unwrap();
    let own = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let [certificate, key] =
        [("cert.pem", own.cert.pem()), ("key.pem", own.signing_key.serialize_pem())].map(|(name, text)| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        });
    let (address, serving) = narrow(&folder, Some(Tls::read(&certificate, &key, None).unwrap())).await;
    let connector = {
        let mut roots = RootCertStore::empty();
        roots.add(own.cert.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        TlsConnector::from(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
    };
    // Nothing, a record's beginning, and a handshake that promises more than comes (RFC 8446, 5.1).
    for half in [&b""[..], b"\x16\x03\x01", b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03"] {
        let mut stalled = TcpStream::connect(address).await.unwrap();
        stalled.write_all(half).await.unwrap();
        let next = TcpStream::connect(address).await.unwrap();
        let mut next = connector.connect("localhost".try_into().unwrap(), next).await.unwrap();
        next.write_all(PROBE.as_bytes()).await.unwrap();
        let mut answer = String::new();
        next.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{half:?}: {answer}");
    }
    serving.abort();
}
