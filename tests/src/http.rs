//! HTTP/1.1 as bytes: a test must be able to send what no well-behaved client would.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// Longer than any timeout that is tested.
const TIMEOUT: Duration = Duration::from_secs(90);

/// One request.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The method.
    pub method: String,
    /// The request target, as it shall stand on the line.
    pub target: Vec<u8>,
    /// The headers in order, as bytes.
    pub headers: Vec<(Vec<u8>, Vec<u8>)>,
    /// The body.
    pub body: Vec<u8>,
    /// The trailers in order, of a request that was received.
    pub trailers: Vec<(Vec<u8>, Vec<u8>)>,
}

/// One response.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The headers in order, names lowercased.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// A request without body for a host.
    pub fn new(method: &str, host: &str, target: impl Into<Vec<u8>>) -> Self {
        Self { method: method.to_owned(), target: target.into(), ..Self::default() }.header("host", host)
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Adds a bearer token.
    #[must_use]
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", format!("Bearer {token}"))
    }

    /// Adds a JSON body.
    #[must_use]
    pub fn json(mut self, body: &Value) -> Self {
        self.body = body.to_string().into_bytes();
        self.header("content-type", "application/json")
    }

    /// The first header of this name, compared without case.
    pub fn first(&self, name: &str) -> Option<&[u8]> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name.as_bytes())).map(|(_, v)| v.as_slice())
    }

    /// Sends it on a connection of its own.
    ///
    /// # Errors
    /// No whole response came back.
    pub fn send(&self, to: SocketAddr) -> Result<Response> {
        Connection::open(to)?.send(self)
    }
}

impl Response {
    /// A response with a JSON body.
    pub fn json(status: u16, body: &Value) -> Self {
        let headers = vec![("content-type".to_owned(), b"application/json".to_vec())];
        Self { status, headers, body: body.to_string().into_bytes() }
    }

    /// The first header of this name, lowercased, as text.
    pub fn first(&self, name: &str) -> Option<String> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, v)| String::from_utf8_lossy(v).into_owned())
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// It is none.
    pub fn body_json(&self) -> Result<Value> {
        serde_json::from_slice(&self.body)
            .with_context(|| format!("{}: not JSON: {}", self.status, String::from_utf8_lossy(&self.body)))
    }
}

/// One connection, kept open between requests: Envoy serves all of them from one worker.
#[derive(Debug)]
pub struct Connection {
    stream: BufReader<TcpStream>,
}

impl Connection {
    /// Opens a connection.
    ///
    /// # Errors
    /// Nobody listens.
    pub fn open(to: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(to).with_context(|| format!("cannot connect to {to}"))?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    /// Sends a request and reads its response.
    ///
    /// # Errors
    /// No whole response came back.
    pub fn send(&mut self, request: &Request) -> Result<Response> {
        let mut bytes = format!("{} ", request.method).into_bytes();
        bytes.extend_from_slice(&request.target);
        bytes.extend_from_slice(b" HTTP/1.1\r\n");
        for (name, value) in &request.headers {
            bytes.extend_from_slice(name);
            bytes.extend_from_slice(b": ");
            bytes.extend_from_slice(value);
            bytes.extend_from_slice(b"\r\n");
        }
        if !request.body.is_empty() {
            bytes.extend_from_slice(format!("content-length: {}\r\n", request.body.len()).as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(&request.body);
        // The server may answer and close before it has read everything (a header over its limit): its answer counts.
        let sent = self.stream.get_mut().write_all(&bytes);
        let response = read_response(&mut self.stream, request.method == "HEAD");
        if response.is_err() {
            sent.context("cannot send the request")?;
        }
        response
    }
}

/// A client as most are: it keeps its connection until the server says that it is the last answer on it.
#[derive(Debug)]
pub struct Client {
    to: SocketAddr,
    connection: Option<Connection>,
}

impl Client {
    /// A client that is not connected yet.
    pub fn new(to: SocketAddr) -> Self {
        Self { to, connection: None }
    }

    /// Whether it has no connection: the next request may reach another worker.
    pub fn is_apart(&self) -> bool {
        self.connection.is_none()
    }

    /// Sends a request and reads its response.
    ///
    /// # Errors
    /// No whole response came back.
    pub fn send(&mut self, request: &Request) -> Result<Response> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => Connection::open(self.to)?,
        };
        let response = connection.send(request)?;
        let is_last = response.first("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
        self.connection = (!is_last).then_some(connection);
        Ok(response)
    }
}

/// Reads one request; `None` where the client is done.
///
/// # Errors
/// It is not one.
pub(crate) fn read_request(stream: &mut impl BufRead) -> Result<Option<Request>> {
    let line = read_line(stream)?;
    if line.is_empty() {
        return Ok(None);
    }
    let text = String::from_utf8_lossy(&line).into_owned();
    let mut words = text.split(' ');
    let (Some(method), Some(target)) = (words.next(), words.next()) else { bail!("not a request line: {text}") };
    let headers = read_headers(stream)?;
    let (body, trailers) = read_body(stream, &headers)?.unwrap_or_default();
    Ok(Some(Request { method: method.to_owned(), target: target.into(), headers, body, trailers }))
}

/// Writes one response.
///
/// # Errors
/// The client is gone.
pub(crate) fn write_response(stream: &mut impl Write, response: &Response) -> Result<()> {
    let mut bytes = format!("HTTP/1.1 {} Any\r\n", response.status).into_bytes();
    for (name, value) in &response.headers {
        bytes.extend_from_slice(name.as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(format!("content-length: {}\r\n\r\n", response.body.len()).as_bytes());
    bytes.extend_from_slice(&response.body);
    stream.write_all(&bytes)?;
    Ok(stream.flush()?)
}

fn read_response(stream: &mut impl BufRead, head_only: bool) -> Result<Response> {
    let line = String::from_utf8_lossy(&read_line(stream)?).into_owned();
    let status = line.split(' ').nth(1).and_then(|code| code.parse().ok());
    let Some(status) = status else { bail!("not a status line: {line:?}") };
    let headers = read_headers(stream)?;
    let body = if head_only || status == 204 || status == 304 {
        Vec::new()
    } else if let Some((body, _)) = read_body(stream, &headers)? {
        body
    } else {
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest)?;
        rest
    };
    let headers =
        headers.into_iter().map(|(name, value)| (String::from_utf8_lossy(&name).to_lowercase(), value)).collect();
    Ok(Response { status, headers, body })
}

type Header = (Vec<u8>, Vec<u8>);

fn read_headers(stream: &mut impl BufRead) -> Result<Vec<Header>> {
    let mut headers = Vec::new();
    loop {
        let line = read_line(stream)?;
        if line.is_empty() {
            return Ok(headers);
        }
        let mut halves = line.splitn(2, |byte| *byte == b':');
        let name = halves.next().unwrap_or_default().to_vec();
        headers.push((name, halves.next().unwrap_or_default().trim_ascii().to_vec()));
    }
}

/// The body as its headers frame it; `None` where only the end of the connection does.
fn read_body(stream: &mut impl BufRead, headers: &[Header]) -> Result<Option<(Vec<u8>, Vec<Header>)>> {
    let find = |name: &[u8]| headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    if find(b"transfer-encoding").is_some() {
        return read_chunks(stream).map(Some);
    }
    let Some(length) = find(b"content-length") else { return Ok(None) };
    let mut body = vec![0; std::str::from_utf8(length)?.parse()?];
    stream.read_exact(&mut body)?;
    Ok(Some((body, Vec::new())))
}

/// Chunks, and the trailers after them.
fn read_chunks(stream: &mut impl BufRead) -> Result<(Vec<u8>, Vec<Header>)> {
    let mut body = Vec::new();
    loop {
        let size = String::from_utf8_lossy(&read_line(stream)?).into_owned();
        let size = usize::from_str_radix(size.split(';').next().unwrap_or_default().trim(), 16)?;
        if size == 0 {
            return Ok((body, read_headers(stream)?));
        }
        let mut chunk = vec![0; size];
        stream.read_exact(&mut chunk)?;
        body.append(&mut chunk);
        read_line(stream)?;
    }
}

fn read_line(stream: &mut impl BufRead) -> Result<Vec<u8>> {
    let mut line = Vec::new();
    stream.read_until(b'\n', &mut line)?;
    Ok(line.trim_ascii_end().to_vec())
}

/// An address on this machine.
pub fn local(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}
