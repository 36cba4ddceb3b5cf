//! The load generator: requests that are bytes already, on connections that are kept; one thread, as cheap as it can be.

use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use crate::origin::content_length;

/// Longer than any answer takes; whoever waits longer waits in vain.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is sent, and what must come back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load<'a> {
    /// Where to.
    pub(crate) address: SocketAddr,
    /// Whole requests, sent in turns.
    pub(crate) requests: &'a [Vec<u8>],
    /// The status of every answer.
    pub(crate) status: u16,
}

/// When requests are sent.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pace {
    /// On each connection as soon as the answer to the one before has come.
    Closed,
    /// So many a second, whether answers come or not: a request that finds no free connection has begun to wait.
    Fixed(u32),
}

/// What was seen.
#[derive(Debug)]
pub(crate) struct Seen {
    /// So many requests were answered.
    pub(crate) answered: usize,
    /// In this time.
    pub(crate) took: Duration,
    /// How long each took from the moment it should have been sent.
    pub(crate) latencies: Vec<Duration>,
}

struct Connection {
    stream: TcpStream,
    arrived: Vec<u8>,
    /// When the request under way should have been sent.
    since: Option<Instant>,
}

/// Connections that are open, and whose turn it is.
pub(crate) struct Generator<'a> {
    load: Load<'a>,
    poll: Poll,
    events: Events,
    connections: Vec<Connection>,
    turn: usize,
}

impl<'a> Generator<'a> {
    /// Opens connections.
    ///
    /// # Errors
    /// Nobody listens.
    pub(crate) fn open(load: Load<'a>, connections: usize) -> Result<Self> {
        let poll = Poll::new()?;
        let open = |number| -> Result<Connection> {
            let address = load.address;
            let stream = std::net::TcpStream::connect(address).with_context(|| format!("cannot reach {address}"))?;
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
            let mut stream = TcpStream::from_std(stream);
            poll.registry().register(&mut stream, Token(number), Interest::READABLE)?;
            Ok(Connection { stream, arrived: Vec::new(), since: None })
        };
        let connections = (0..connections).map(open).collect::<Result<_>>()?;
        Ok(Self { load, poll, events: Events::with_capacity(256), connections, turn: 0 })
    }

    /// Sends requests for this long, at most so many, and waits for the answers.
    ///
    /// # Errors
    /// A connection ends, or an answer is another than expected.
    pub(crate) fn run(&mut self, pace: Pace, longest: Duration, most: usize) -> Result<Seen> {
        let began = Instant::now();
        let mut seen = Seen { answered: 0, took: Duration::ZERO, latencies: Vec::new() };
        let mut sent = 0;
        let interval = match pace {
            Pace::Closed => Duration::ZERO,
            Pace::Fixed(rate) => Duration::from_secs(1) / rate.max(1),
        };
        loop {
            let now = Instant::now();
            let is_over = now.duration_since(began) >= longest || sent >= most;
            if is_over && seen.answered >= sent {
                break;
            }
            if now.duration_since(began) >= longest + PATIENCE {
                bail!("{} of {sent} requests to {} were not answered", sent - seen.answered, self.load.address);
            }
            if !is_over {
                sent += self.send_due(pace, began, interval, sent, most)?;
            }
            // The system waits in whole milliseconds, which are too coarse for a pace.
            let wait = match pace {
                Pace::Fixed(_) if !is_over => Duration::ZERO,
                Pace::Closed | Pace::Fixed(_) => Duration::from_millis(100),
            };
            match self.poll.poll(&mut self.events, Some(wait)) {
                Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error.into()),
                Ok(()) | Err(_) => {}
            }
            for event in &self.events {
                let Some(connection) = self.connections.get_mut(event.token().0) else { continue };
                if connection.is_answered(self.load.status)?
                    && let Some(since) = connection.since.take()
                {
                    seen.answered += 1;
                    seen.latencies.push(since.elapsed());
                }
            }
        }
        seen.took = began.elapsed();
        Ok(seen)
    }

    /// Sends what is due on the connections that are free.
    fn send_due(&mut self, pace: Pace, began: Instant, interval: Duration, sent: usize, most: usize) -> Result<usize> {
        let mut count = 0;
        for connection in self.connections.iter_mut().filter(|connection| connection.since.is_none()) {
            let due = match pace {
                Pace::Closed => Instant::now(),
                Pace::Fixed(_) => began + interval.saturating_mul(u32::try_from(sent + count).unwrap_or(u32::MAX)),
            };
            if sent + count >= most || due > Instant::now() {
                break;
            }
            let request = self.load.requests.get(self.turn).context("there are requests to send")?;
            self.turn = (self.turn + 1) % self.load.requests.len();
            connection.send(request)?;
            connection.since = Some(due);
            count += 1;
        }
        Ok(count)
    }
}

impl Connection {
    fn send(&mut self, request: &[u8]) -> Result<()> {
        let mut rest = request;
        let began = Instant::now();
        while !rest.is_empty() {
            match self.stream.write(rest) {
                Ok(count) => rest = rest.get(count..).unwrap_or_default(),
                Err(error) if error.kind() == ErrorKind::WouldBlock && began.elapsed() < PATIENCE => {
                    std::thread::yield_now();
                }
                Err(error) => return Err(error).context("cannot send a request"),
            }
        }
        Ok(())
    }

    /// Reads what is there; says whether the answer is whole.
    fn is_answered(&mut self, status: u16) -> Result<bool> {
        let mut chunk = [0; 16 * 1024];
        loop {
            match self.stream.read(&mut chunk) {
                Ok(0) => bail!("a connection was closed"),
                Ok(count) => self.arrived.extend_from_slice(chunk.get(..count).unwrap_or_default()),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error).context("cannot read an answer"),
            }
        }
        let Some(head) = self.arrived.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(false) };
        let head = self.arrived.get(..head + 4).unwrap_or_default();
        if self.arrived.len() < head.len() + content_length(head) {
            return Ok(false);
        }
        let expected = format!("HTTP/1.1 {status} ");
        if !head.starts_with(expected.as_bytes()) {
            bail!("an answer is not {status}: {}", String::from_utf8_lossy(&self.arrived));
        }
        self.arrived.clear();
        Ok(true)
    }
}
