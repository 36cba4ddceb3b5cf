//! The smallest `ext_authz` service in gRPC: one thread, `OK` with the same six headers for everybody.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response};

use crate::people::TAGS;

/// Answers every check, until the process ends.
///
/// # Errors
/// The address is taken.
pub(crate) fn serve(address: SocketAddr) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    runtime.block_on(async {
        let listener =
            tokio::net::TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
        let answer = Bytes::from(framed(&check_response()));
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            tokio::spawn(serve_connection(stream, answer.clone()));
        }
    })
}

async fn serve_connection(stream: tokio::net::TcpStream, answer: Bytes) -> Result<(), h2::Error> {
    let mut connection = h2::server::handshake(stream).await?;
    while let Some(request) = connection.accept().await {
        let (mut request, mut respond) = request?;
        let answer = answer.clone();
        tokio::spawn(async move {
            while let Some(data) = request.body_mut().data().await {
                let length = data?.len();
                request.body_mut().flow_control().release_capacity(length)?;
            }
            let mut head = Response::new(());
            head.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
            let mut body = respond.send_response(head, false)?;
            body.send_data(answer, false)?;
            let mut trailers = HeaderMap::new();
            trailers.insert("grpc-status", HeaderValue::from_static("0"));
            body.send_trailers(trailers)
        });
    }
    Ok(())
}

/// `envoy.service.auth.v3.CheckResponse {status: {code: 0}, ok_response: {headers: [{header: {key, value}}…]}}`.
fn check_response() -> Vec<u8> {
    let headers = TAGS.iter().flat_map(|(name, value)| {
        let header = [field(1, name.as_bytes()), field(2, value.as_bytes())].concat();
        field(2, &field(1, &header))
    });
    let ok_response: Vec<u8> = headers.collect();
    [field(1, &[]), field(3, &ok_response)].concat()
}

/// A length-delimited field of a protobuf message.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut whole = vec![number << 3 | 2];
    let mut rest = bytes.len();
    while rest >= 0x80 {
        whole.push((rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    whole.push(rest as u8);
    whole.extend_from_slice(bytes);
    whole
}

/// A gRPC message: not compressed, and its length.
fn framed(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    [&[0][..], &length.to_be_bytes(), message].concat()
}
