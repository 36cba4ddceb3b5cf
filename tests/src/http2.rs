//! HTTP/2 (RFC 9113) as frames, over plain TCP: a test must be able to send what no well-behaved client would.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const TIMEOUT: Duration = Duration::from_secs(90);
/// The largest frame that every peer takes (RFC 9113, 4.2).
const MAX_FRAME: usize = 16_384;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;

const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;

/// A name and a value, as bytes.
pub type Field = (Vec<u8>, Vec<u8>);

/// What came back for a request. The header block is not decoded: what was decided shows in the body, and behind Envoy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A whole response; its body.
    Whole(Vec<u8>),
    /// The stream was reset, or the connection closed.
    Refused,
}

/// A request as header fields; pseudo-headers are fields like any other here.
pub fn fields(pairs: &[(&str, &str)]) -> Vec<Field> {
    pairs.iter().map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec())).collect()
}

/// Sends one request on a connection of its own: its fields, its body if it has one, and its trailers if it has some.
///
/// # Errors
/// Nobody listens, or nothing is ever answered.
pub fn exchange(to: SocketAddr, head: &[Field], body: Option<&[u8]>, trailers: &[Field]) -> Result<Answer> {
    let mut stream = TcpStream::connect(to).with_context(|| format!("cannot connect to {to}"))?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_nodelay(true)?;
    let mut bytes = PREFACE.to_vec();
    frame(&mut bytes, SETTINGS, 0, 0, &[]);
    let ends_here = body.is_none() && trailers.is_empty();
    header_block(&mut bytes, head, ends_here);
    if let Some(body) = body {
        frame(&mut bytes, DATA, if trailers.is_empty() { END_STREAM } else { 0 }, 1, body);
    }
    if !trailers.is_empty() {
        header_block(&mut bytes, trailers, true);
    }
    // A server that refuses closes before it has read everything: its answer, if there is one, counts.
    let sent = stream.write_all(&bytes);
    let answer = read_answer(&mut stream);
    if answer.is_err() {
        sent.context("cannot send the request")?;
    }
    answer
}

fn read_answer(stream: &mut TcpStream) -> Result<Answer> {
    let mut body = Vec::new();
    loop {
        let mut head = [0; 9];
        if stream.read_exact(&mut head).is_err() {
            return Ok(Answer::Refused);
        }
        let [a, b, c, kind, flags, id @ ..] = head;
        let length = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
        ensure!(length <= 1 << 20, "a frame of {length} bytes");
        let mut payload = vec![0; length];
        if stream.read_exact(&mut payload).is_err() {
            return Ok(Answer::Refused);
        }
        let is_ours = u32::from_be_bytes(id) == 1;
        match kind {
            SETTINGS if flags & ACK == 0 => reply(stream, SETTINGS, &[])?,
            PING if flags & ACK == 0 => reply(stream, PING, &payload)?,
            GOAWAY => return Ok(Answer::Refused),
            RST_STREAM if is_ours => return Ok(Answer::Refused),
            DATA if is_ours => body.extend_from_slice(&payload),
            _ => {}
        }
        if is_ours && matches!(kind, DATA | HEADERS) && flags & END_STREAM != 0 {
            return Ok(Answer::Whole(body));
        }
    }
}

fn reply(stream: &mut TcpStream, kind: u8, payload: &[u8]) -> Result<()> {
    let mut bytes = Vec::new();
    frame(&mut bytes, kind, ACK, 0, payload);
    Ok(stream.write_all(&bytes)?)
}

/// HEADERS, and CONTINUATION where they are long.
fn header_block(bytes: &mut Vec<u8>, fields: &[Field], ends_stream: bool) {
    let mut block = Vec::new();
    for (name, value) in fields {
        // A literal field without indexing, with a new name (RFC 7541, 6.2.2).
        block.push(0);
        for text in [name, value] {
            string(&mut block, text);
        }
    }
    let mut chunks: Vec<&[u8]> = block.chunks(MAX_FRAME).collect();
    if chunks.is_empty() {
        chunks.push(&[]);
    }
    let last = chunks.len() - 1;
    for (at, chunk) in chunks.into_iter().enumerate() {
        let kind = if at == 0 { HEADERS } else { CONTINUATION };
        let ended = if at == 0 && ends_stream { END_STREAM } else { 0 };
        frame(bytes, kind, ended | if at == last { END_HEADERS } else { 0 }, 1, chunk);
    }
}

/// A string without Huffman coding (RFC 7541, 5.1 and 5.2).
fn string(block: &mut Vec<u8>, text: &[u8]) {
    let mut rest = text.len();
    if rest < 0x7f {
        block.push(low_byte(rest));
    } else {
        block.push(0x7f);
        rest -= 0x7f;
        while rest >= 0x80 {
            block.push(low_byte(rest & 0x7f) | 0x80);
            rest >>= 7;
        }
        block.push(low_byte(rest));
    }
    block.extend_from_slice(text);
}

fn frame(bytes: &mut Vec<u8>, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
    let length = payload.len();
    bytes.extend_from_slice(&[low_byte(length >> 16), low_byte(length >> 8), low_byte(length), kind, flags]);
    bytes.extend_from_slice(&stream.to_be_bytes());
    bytes.extend_from_slice(payload);
}

fn low_byte(number: usize) -> u8 {
    u8::try_from(number & 0xff).unwrap_or(0)
}
