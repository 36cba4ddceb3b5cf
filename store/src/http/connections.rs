//! Connections: accepted up to a limit, bounded in what they may send, kept for those with a token, let finish at shutdown.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::service::Service;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep, timeout};

use super::caller::Caller;
use super::open_files;
use crate::tls::Tls;

/// How much of the store callers may hold on to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Most connections at once (default 4096); more wait in the kernel's queue.
    pub(super) connections: usize,
    /// So long (default 10 s) may a handshake take, and a caller without a token keep a connection on which no request is under
    /// way; who is then asked to go is cut off after as long again.
    pub(super) patience: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connections: 4096, patience: Duration::from_secs(10) }
    }
}

/// An idle connection is closed after this. Longer than Envoy's default of an hour, so that Envoy is the one to close:
/// a request that crosses a close would be a login denied for nothing.
const IDLE_TIMEOUT: Duration = Duration::from_secs(65 * 60);

/// Most bytes of a request's head.
const MAX_HEAD: usize = 32 * 1024;

/// Most header lines of a request (HTTP/1).
const MAX_HEADERS: usize = 100;

/// Most requests at once on one HTTP/2 connection.
const MAX_STREAMS: u32 = 256;

/// How long requests under way may take after shutdown began.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// How long to wait after a failed accept: most often file descriptors are used up, and come back.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// Serves connections until `shutdown` is done and those under way are finished or out of time.
pub(crate) async fn serve(
    listener: TcpListener,
    tls: Option<Tls>,
    router: Router,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
) {
    open_files::warn_if_few(open_files::limit(), limits.connections);
    let mut shutdown = pin!(shutdown);
    let places = Arc::new(Semaphore::new(limits.connections));
    let (stop, stopped) = watch::channel(());
    loop {
        let accept = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, stream) = tokio::select! {
            () = &mut shutdown => break,
            (place, accepted) = accept => match accepted {
                Ok((stream, _)) => (place, stream),
                Err(error) => {
                    tracing::error!(%error, "cannot accept connections");
                    sleep(ACCEPT_RETRY).await;
                    continue;
                }
            },
        };
        let (tls, router, stopped) = (tls.clone(), router.clone(), stopped.clone());
        tokio::spawn(async move {
            receive(stream, tls, router, limits, stopped).await;
            drop(place);
        });
    }
    drop(listener);
    drop(stopped);
    // Every connection holds a receiver: when all are gone, nothing is under way.
    let drained = async {
        stop.send_replace(());
        stop.closed().await;
    };
    if timeout(DRAIN_TIMEOUT, drained).await.is_err() {
        tracing::warn!("some requests were cut off at shutdown");
    }
}

/// Shakes hands where that is asked for, in no more time than any stranger has.
async fn receive(stream: TcpStream, tls: Option<Tls>, router: Router, limits: Limits, stopped: watch::Receiver<()>) {
    // Answers are small; waiting to fill a packet would only delay logins.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "connection gone");
        return;
    }
    let Some(tls) = tls else { return converse(stream, router, limits, stopped).await };
    match timeout(limits.patience, tls.accept(stream)).await {
        Ok(Ok(stream)) => converse(stream, router, limits, stopped).await,
        Ok(Err(error)) => tracing::debug!(%error, "no TLS handshake"),
        Err(_) => tracing::debug!("a TLS handshake took too long"),
    }
}

async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    router: Router,
    limits: Limits,
    mut stopped: watch::Receiver<()>,
) {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE_TIMEOUT)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEAD);
    builder.http2().timer(TokioTimer::new()).max_concurrent_streams(MAX_STREAMS).max_header_list_size(MAX_HEAD as u32);

    let caller = Arc::new(Caller::default());
    let asking = Arc::clone(&caller);
    let inner = TowerToHyperService::new(router);
    let service = hyper::service::service_fn(move |mut request: hyper::Request<_>| {
        let under_way = asking.begin();
        request.extensions_mut().insert(Arc::clone(&asking));
        let answer = inner.call(request);
        async move {
            let answer = answer.await;
            drop(under_way);
            answer
        }
    });
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let mut look = interval_at(Instant::now() + limits.patience, limits.patience);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut begun, mut idle_since, mut stopping) = (0, Instant::now(), false);
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "connection ended early");
                }
                break;
            }
            now = look.tick() => {
                if caller.is_busy() || caller.begun() != begun {
                    (begun, idle_since) = (caller.begun(), now);
                }
                if caller.is_busy() || (caller.is_known() && now - idle_since < IDLE_TIMEOUT) {
                    continue;
                }
                // Who was asked to go had time to; who has never asked anything has nothing to lose.
                if stopping || caller.begun() == 0 {
                    break;
                }
                stopping = true;
                connection.as_mut().graceful_shutdown();
            }
            _ = stopped.changed(), if !stopping => {
                stopping = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}
