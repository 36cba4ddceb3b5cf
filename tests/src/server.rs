//! A small HTTP server that behaves, or misbehaves in every way that a store or a key server can.

use std::io::{BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::Result;

use crate::http::{self, Request, Response};

/// How a server misbehaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Answers every request with this status and no body.
    Error(u16),
    /// Answers 200 with a body that is no JSON.
    Garbage,
    /// Answers 200 and sends a body of a gigabyte as fast as it is taken.
    Flood,
    /// Takes the request and never answers.
    Hang,
    /// Takes the request and answers it when it is told to behave again.
    Hold,
    /// Closes the connection without an answer.
    Nothing,
    /// Sends whoever asks to another place.
    Redirect(String),
    /// Resets the connection.
    Reset,
    /// Answers 200 and sends the body so slowly that it never ends.
    Slow,
    /// Answers with this status and this body, whatever was asked.
    Wrong(u16, String),
}

impl Fault {
    /// Every way that needs no more words.
    pub const ALL: [Self; 6] = [Self::Error(500), Self::Garbage, Self::Hang, Self::Nothing, Self::Reset, Self::Slow];
}

/// How long a flood is, in bytes.
const FLOOD: usize = 1 << 30;

type Handler = dyn Fn(&Request) -> Response + Send + Sync;

/// A running server; it ends when dropped.
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    handler: Box<Handler>,
    tls: Option<Arc<rustls::ServerConfig>>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    fault: Option<Fault>,
    fault_at: Option<(String, Fault)>,
    requests: Vec<Request>,
    attempts: usize,
    stopped: bool,
}

impl State {
    fn fault_of(&self, request: &Request) -> Option<Fault> {
        let particular = self.fault_at.as_ref().filter(|(target, _)| request.target.starts_with(target.as_bytes()));
        particular.map(|(_, fault)| fault.clone()).or_else(|| self.fault.clone())
    }
}

impl Server {
    /// Serves plain HTTP on a port of its own.
    ///
    /// # Errors
    /// No port is free.
    pub fn start(handler: impl Fn(&Request) -> Response + Send + Sync + 'static) -> Result<Self> {
        Self::serve(Box::new(handler), None)
    }

    /// Serves HTTPS.
    ///
    /// # Errors
    /// No port is free.
    pub fn start_tls(
        tls: rustls::ServerConfig,
        handler: impl Fn(&Request) -> Response + Send + Sync + 'static,
    ) -> Result<Self> {
        Self::serve(Box::new(handler), Some(Arc::new(tls)))
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Misbehaves from now on, or behaves again.
    pub fn fault(&self, fault: Option<Fault>) {
        self.shared.state().fault = fault;
        self.shared.changed.notify_all();
    }

    /// Misbehaves to requests whose target begins like this, or behaves again; to the others it is as before.
    pub fn fault_at(&self, target: &str, fault: Option<Fault>) {
        self.shared.state().fault_at = fault.map(|fault| (target.to_owned(), fault));
        self.shared.changed.notify_all();
    }

    /// What it was asked so far, misbehaving or not.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.state().requests.clone()
    }

    /// How often somebody came to ask, those included whose connection was reset before they could.
    pub fn attempts(&self) -> usize {
        self.shared.state().attempts
    }

    fn serve(handler: Box<Handler>, tls: Option<Arc<rustls::ServerConfig>>) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", crate::port::free()?))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared { handler, tls, state: Mutex::default(), changed: Condvar::new() });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if accepting.state().stopped {
                    break;
                }
                let shared = Arc::clone(&accepting);
                // A broken connection is what is tested: there is nobody to tell.
                thread::spawn(move || shared.connection(stream));
            }
        });
        Ok(Self { address, shared })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.state().stopped = true;
        self.shared.changed.notify_all();
        // Wakes the accepting thread, which then sees that it shall stop.
        let _ = TcpStream::connect(self.address);
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("address", &self.address).finish_non_exhaustive()
    }
}

trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn connection(&self, stream: TcpStream) -> Result<()> {
        stream.set_nodelay(true)?;
        let mut plain = stream.try_clone()?;
        if self.state().fault == Some(Fault::Reset) {
            // Closing with unread bytes makes the system send a reset.
            self.state().attempts += 1;
            stream.peek(&mut [0])?;
            return Ok(());
        }
        let stream: Box<dyn Stream> = match &self.tls {
            Some(tls) => {
                let session = rustls::ServerConnection::new(Arc::clone(tls))?;
                Box::new(rustls::StreamOwned::new(session, stream))
            }
            None => Box::new(stream),
        };
        let mut stream = BufReader::new(stream);
        while let Some(request) = http::read_request(&mut stream)? {
            if !self.answer(&request, stream.get_mut(), &mut plain)? {
                break;
            }
        }
        Ok(())
    }

    /// Answers one request; `false` where the connection shall end.
    fn answer(&self, request: &Request, stream: &mut dyn Stream, plain: &mut TcpStream) -> Result<bool> {
        let fault = {
            let mut state = self.state();
            state.requests.push(request.clone());
            state.attempts += 1;
            state.fault_of(request)
        };
        let response = match fault {
            None => (self.handler)(request),
            Some(Fault::Error(status)) => Response { status, headers: Vec::new(), body: Vec::new() },
            Some(Fault::Garbage) => Response { status: 200, headers: Vec::new(), body: b"\xff{\"keys\": [".to_vec() },
            Some(Fault::Wrong(status, body)) => Response { status, headers: Vec::new(), body: body.into_bytes() },
            Some(Fault::Redirect(to)) => {
                let location = ("location".to_owned(), to.into_bytes());
                Response { status: 307, headers: vec![location], body: Vec::new() }
            }
            Some(Fault::Flood) => {
                stream.write_all(format!("HTTP/1.1 200 OK\r\ncontent-length: {FLOOD}\r\n\r\n").as_bytes())?;
                let chunk = [b' '; 1 << 16];
                for _ in 0..FLOOD / chunk.len() {
                    stream.write_all(&chunk)?;
                }
                return Ok(true);
            }
            Some(Fault::Nothing) => return Ok(false),
            Some(Fault::Hang) => {
                let waiting = |state: &mut State| state.fault_of(request) == Some(Fault::Hang) && !state.stopped;
                drop(self.changed.wait_while(self.state(), waiting));
                return Ok(false);
            }
            Some(Fault::Hold) => {
                let waiting = |state: &mut State| state.fault_of(request) == Some(Fault::Hold) && !state.stopped;
                drop(self.changed.wait_while(self.state(), waiting));
                (self.handler)(request)
            }
            Some(Fault::Reset) => {
                // The status line is a lie that the connection's end exposes.
                plain.write_all(b"HTTP/1.1 200 OK\r\ncontent-le")?;
                return Ok(false);
            }
            Some(Fault::Slow) => {
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")?;
                while self.state().fault_of(request) == Some(Fault::Slow) && !self.state().stopped {
                    stream.write_all(b" ")?;
                    stream.flush()?;
                    let pause = self.changed.wait_timeout(self.state(), Duration::from_millis(50));
                    drop(pause.unwrap_or_else(PoisonError::into_inner));
                }
                return Ok(false);
            }
        };
        let mut bytes = Vec::new();
        http::write_response(&mut bytes, &response)?;
        stream.write_all(&bytes)?;
        stream.flush()?;
        Ok(true)
    }
}
