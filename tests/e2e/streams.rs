//! How long a request may take: little until it is decided about, whatever becomes of the filter; long when it was let in.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use usher_tests::http::{Request, Response};
use usher_tests::server::Fault;
use usher_tests::stage::envoy::RealEnvoy;
use usher_tests::system::{Setup, upstream};
use usher_tests::{binaries, policy, wait};

/// Longer than any verdict may take under `SWIFT`.
const SILENCE: Duration = Duration::from_secs(7);

/// A policy whose verdicts take at most 5 seconds, with a door beside the door.
const SWIFT: &str = "{options: {store: {timeout: 1s}, unmatched: pass}, organization: {bypass: [{path: /open/}]}}";

/// The host cannot tell a new filter of the requests that waited in the old one.
#[test]
fn who_waits_in_a_filter_that_dies_is_told_soon() -> Result<()> {
    let setup = Setup { filter: Some(binaries::filter_with_trap()?), ..Setup::default() };
    let mut stage = RealEnvoy::start_with(&policy::changed("claude", "options: {store: {timeout: 2s}}")?, &setup)?;
    let trapped = stage.request_of("{login: ada, pass: true}")?.header("x-usher-trap", "now");
    let mut others = (0..16).map(|_| stage.system.envoy.connect()).collect::<Result<Vec<_>>>()?;
    stage.system.store_gate.fault(Some(Fault::Hang));
    let envoy = stage.system.envoy.address();
    let waiting = (0..8)
        .map(|number| {
            let login = stage.request_of(&format!("{{login: p{number}, pass: true}}"))?;
            Ok(thread::spawn(move || login.send(envoy)))
        })
        .collect::<Result<Vec<_>>>()?;
    wait::until("all of them wait", || Ok((stage.system.logins() >= 8).then_some(())))?;
    for connection in &mut others {
        ensure!(upstream::saw(&connection.send(&trapped)?)?.is_none(), "the trapped request does not pass");
    }
    let mut untold = 0;
    for client in waiting {
        let Ok(answer) = client.join() else { bail!("a client died") };
        // The test's client gives up after half a minute.
        let answer = answer.context("nobody answers who waited")?;
        ensure!(matches!(answer.status, 408 | 503 | 504), "answered {}", answer.status);
        // What a filter says has a reason.
        untold += usize::from(answer.first("x-usher-reason").is_none());
    }
    ensure!(untold > 0, "no filter died while somebody waited in it");
    stage.no_token_was_logged()
}

#[test]
fn who_is_let_in_may_wait_long_for_the_product() -> Result<()> {
    let mut stage = RealEnvoy::start(&policy::changed("claude", SWIFT)?)?;
    let requests = [
        stage.request_of("{login: ada, pass: true}")?,
        Request::new("GET", "chat.acme.example", "/open/door"),
        Request::new("GET", "nobody.example", "/"),
    ];
    stage.system.upstream.fault(Some(Fault::Hold));
    let envoy = stage.system.envoy.address();
    let waiting = requests.map(|request| thread::spawn(move || request.send(envoy)));
    wait::until("the product is asked", || Ok((stage.system.upstream.attempts() >= 3).then_some(())))?;
    thread::sleep(SILENCE);
    stage.system.upstream.fault(None);
    for client in waiting {
        let Ok(answer) = client.join() else { bail!("a client died") };
        let answer: Response = answer?;
        ensure!(answer.status == 200, "answered {}", answer.status);
    }
    Ok(())
}

/// Server-sent events and a WebSocket, both silent for longer than a verdict may take. gRPC is to Envoy what the first is.
#[test]
fn open_streams_may_be_silent() -> Result<()> {
    let (go_on, told) = mpsc::channel();
    let product = product(told)?;
    let setup = Setup { product: Some(product), ..Setup::default() };
    let mut stage = RealEnvoy::start_with(&policy::changed("claude", SWIFT)?, &setup)?;
    let ada = stage.request_of("{login: ada, pass: true}")?;
    let mut events = stream(stage.system.envoy.address(), &ada, "/events", "")?;
    read_until(&mut events, "data: first").context("the first event")?;
    let upgrade = "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                   sec-websocket-version: 13\r\n";
    let mut socket = stream(stage.system.envoy.address(), &ada, "/socket", upgrade)?;
    read_until(&mut socket, "101 Switching Protocols").context("the upgrade")?;
    thread::sleep(SILENCE);
    go_on.send(())?;
    read_until(&mut events, "data: second").context("the second event")?;
    socket.get_mut().write_all(b"ping\n")?;
    read_until(&mut socket, "pong").context("the answer")
}

/// A request whose answer is a stream.
fn stream(envoy: SocketAddr, request: &Request, path: &str, more: &str) -> Result<BufReader<TcpStream>> {
    let mut stream = TcpStream::connect(envoy)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let mut head = format!("GET {path} HTTP/1.1\r\n{more}").into_bytes();
    for (name, value) in &request.headers {
        head.extend_from_slice(&[&name[..], b": ", value, b"\r\n"].concat());
    }
    stream.write_all(&[&head[..], b"\r\n"].concat())?;
    Ok(BufReader::new(stream))
}

fn read_until(stream: &mut impl BufRead, text: &str) -> Result<()> {
    let mut line = String::new();
    while !line.contains(text) {
        line.clear();
        ensure!(stream.read_line(&mut line)? > 0, "the stream has ended before `{text}`");
    }
    Ok(())
}

/// A product with streams: its second event comes when it is told to go on, its WebSocket answers a line with a line.
fn product(told: mpsc::Receiver<()>) -> Result<SocketAddr> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let address = listener.local_addr()?;
    let told = Arc::new(Mutex::new(told));
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let told = Arc::clone(&told);
            // A broken stream is what is tested: the client tells.
            thread::spawn(move || serve(stream, &told));
        }
    });
    Ok(address)
}

fn serve(stream: TcpStream, told: &Mutex<mpsc::Receiver<()>>) -> Result<()> {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    let mut head = String::new();
    while stream.read_line(&mut line)? > 2 {
        head.push_str(&line);
        line.clear();
    }
    if head.starts_with("GET /socket") {
        let answer = b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
        stream.get_mut().write_all(answer)?;
        line.clear();
        stream.read_line(&mut line)?;
        return Ok(stream.get_mut().write_all(b"pong\n")?);
    }
    stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: first\n\n")?;
    told.lock().unwrap_or_else(PoisonError::into_inner).recv()?;
    stream.get_mut().write_all(b"data: second\n\n")?;
    // Without a length, the end of the connection ends the answer.
    stream.read_to_end(&mut Vec::new())?;
    Ok(())
}
