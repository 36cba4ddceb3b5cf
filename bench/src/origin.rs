//! The smallest HTTP/1.1 server that keeps connections: one thread, one answer to everybody. The product behind Envoy, and
//! the `ext_authz` service in HTTP.

use std::collections::HashMap;
use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;

use anyhow::{Context, Result};
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};

const LISTENER: Token = Token(0);

/// What a request may be long, in bytes.
const MAX_REQUEST: usize = 128 * 1024;

/// A client, and what came from it that is not answered yet.
struct Client {
    stream: TcpStream,
    arrived: Vec<u8>,
}

/// Answers every request with these bytes, until the process ends.
///
/// # Errors
/// The address is taken.
pub(crate) fn serve(address: SocketAddr, answer: &[u8]) -> Result<()> {
    let mut listener = TcpListener::bind(address).with_context(|| format!("cannot listen on {address}"))?;
    let mut poll = Poll::new()?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let mut clients: HashMap<Token, Client> = HashMap::new();
    let mut next = 1;
    let mut events = Events::with_capacity(256);
    loop {
        if let Err(error) = poll.poll(&mut events, None) {
            if error.kind() == ErrorKind::Interrupted {
                continue;
            }
            return Err(error.into());
        }
        for event in &events {
            if event.token() == LISTENER {
                while let Ok((mut stream, _)) = listener.accept() {
                    let token = Token(next);
                    next += 1;
                    stream.set_nodelay(true)?;
                    poll.registry().register(&mut stream, token, Interest::READABLE)?;
                    clients.insert(token, Client { stream, arrived: Vec::new() });
                }
            } else if let Some(client) = clients.get_mut(&event.token())
                && client.turn(answer).is_none()
            {
                clients.remove(&event.token());
            }
        }
    }
}

impl Client {
    /// Reads what is there and answers what is whole; `None` where the client is done.
    fn turn(&mut self, answer: &[u8]) -> Option<()> {
        let mut chunk = [0; 16 * 1024];
        loop {
            match self.stream.read(&mut chunk) {
                Ok(0) => return None,
                Ok(count) => self.arrived.extend_from_slice(chunk.get(..count)?),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return None,
            }
        }
        while let Some(length) = request_length(&self.arrived) {
            self.arrived.drain(..length);
            // An answer is far smaller than what a socket takes at once.
            self.stream.write_all(answer).ok()?;
        }
        (self.arrived.len() <= MAX_REQUEST).then_some(())
    }
}

/// How long the first request is, if it is whole.
fn request_length(bytes: &[u8]) -> Option<usize> {
    let head = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let whole = head + content_length(bytes.get(..head)?);
    (whole <= bytes.len()).then_some(whole)
}

/// What a head says of its body, which Envoy writes in lower case.
pub(crate) fn content_length(head: &[u8]) -> usize {
    const NAME: &[u8] = b"content-length: ";
    let Some(at) = head.windows(NAME.len()).position(|bytes| bytes == NAME) else { return 0 };
    let digits = head.get(at + NAME.len()..).unwrap_or_default().iter().take_while(|byte| byte.is_ascii_digit());
    digits.fold(0, |number: usize, digit| number.saturating_mul(10).saturating_add(usize::from(digit - b'0')))
}
