//! What no route does by itself: panic, or take too long.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc, oneshot};
use usher_policy::file::from_yaml;

use super::{App, Limits, REQUEST_TIMEOUT, RateLimits, layered, serve};
use crate::clock::SystemClock;
use crate::database;
use crate::feed::Feed;
use crate::in_force::PolicyInForce;
use crate::membership::Membership;
use crate::metrics::Metrics;
use crate::secrets::Secrets;
use crate::token_use::TokenUse;

const POLICY: &str = r"
version: 1
parents:
- id: acme
  plan: team
  domains: [acme.example]
  connections:
  - {id: okta, issuer: https://acme.okta.example, audiences: [usher], jwks: {uri: https://acme.okta.example/keys, cluster: okta}}
  organizations:
  - {id: chat, product: claude, hosts: [chat.acme.example]}
";

async fn app(folder: &tempfile::TempDir, request_timeout: Duration) -> Arc<App> {
    let policy = from_yaml(POLICY).unwrap();
    let secrets = Secrets::from_env(&policy, |name| Some(format!("{name}-0123456789abcdef"))).unwrap();
    let metrics = Arc::new(Metrics::new().unwrap());
    let address = format!("sqlite://{}", folder.path().join("usher.db").display());
    let address = database::Address::parse(&address).unwrap();
    let database = database::open(&address, Arc::clone(&metrics)).await.unwrap();
    let clock = Arc::new(SystemClock);
    let feed = Feed::new(Arc::clone(&database));
    let memberships = Membership::new(database, clock.clone(), Arc::clone(&metrics));
    let in_force = PolicyInForce::new(Arc::new(policy), String::new(), secrets, Arc::clone(&metrics));
    let (rate_limits, tokens) = (RateLimits::new(None), TokenUse::default());
    Arc::new(App { in_force, memberships, feed, metrics, tokens, clock, request_timeout, rate_limits })
}

async fn exchange(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
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

#[tokio::test]
async fn a_connection_that_asks_nothing_is_closed_and_gives_its_place_to_the_next() {
    let folder = tempfile::TempDir::new().unwrap();
    let app = app(&folder, REQUEST_TIMEOUT).await;
    let routes = Router::new().route("/fine", get(async || "fine"));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let limits = Limits { connections: 1, first_request: Duration::from_millis(50) };
    let serving = tokio::spawn(serve(listener, None, layered(routes, app), limits, std::future::pending()));

    let mut silent = TcpStream::connect(address).await.unwrap();
    silent.write_all(b"GET /fine HTTP/1.1\r\nhost: st").await.unwrap();
    let waiting = tokio::spawn(exchange(address, "GET /fine HTTP/1.1\r\nhost: store\r\nconnection: close\r\n\r\n"));
    let mut rest = Vec::new();
    // Closed with a half-read head, the kernel may say so with a reset.
    assert!(matches!(silent.read_to_end(&mut rest).await, Ok(0) | Err(_)), "{rest:?}");
    let answer = waiting.await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("fine"), "{answer}");
    serving.abort();
}

#[tokio::test]
async fn a_connection_that_has_asked_stays_open() {
    let folder = tempfile::TempDir::new().unwrap();
    let app = app(&folder, REQUEST_TIMEOUT).await;
    let routes = Router::new().route("/fine", get(async || "fine"));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let limits = Limits { connections: 2, first_request: Duration::from_millis(20) };
    let serving = tokio::spawn(serve(listener, None, layered(routes, app), limits, std::future::pending()));

    let mut kept = TcpStream::connect(address).await.unwrap();
    let mut buffer = [0; 1024];
    kept.write_all(b"GET /fine HTTP/1.1\r\nhost: store\r\n\r\n").await.unwrap();
    assert!(kept.read(&mut buffer).await.unwrap() > 0);
    // A silent connection that came later is closed: the time of the first one is over, too.
    let mut silent = TcpStream::connect(address).await.unwrap();
    assert_eq!(silent.read(&mut buffer).await.unwrap(), 0);
    kept.write_all(b"GET /fine HTTP/1.1\r\nhost: store\r\n\r\n").await.unwrap();
    let length = kept.read(&mut buffer).await.unwrap();
    assert!(buffer[..length].starts_with(b"HTTP/1.1 200 "));
    serving.abort();
}
