//! What the tests of hostile requests share: a policy with something to get around, bytes as they are, a look at what is left.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Result, ensure};
use usher_tests::http::Request;
use usher_tests::stage::envoy::RealEnvoy;
use usher_tests::wait;

/// The organization's host.
pub(crate) const HOST: &str = "chat.acme.example";

/// A role for `/admin/`, and a bypass: what is meant to be reached around both.
pub(crate) const GUARDED: &str = "organization: {access: [{path: /admin/, roles: [owner]}], \
                                  bypass: [{path: /open/}, {path: /healthz, methods: [GET]}]}";

/// After so long without a byte, in which others are answered, nothing more is coming.
const QUIET: Duration = Duration::from_millis(400);

/// So many requests on connections of their own come to both workers.
const OTHERS: usize = 8;

/// The pseudo-headers of a request to it.
pub(crate) fn pseudo<'a>(method: &'a str, path: &'a str) -> [(&'a str, &'a str); 4] {
    [(":method", method), (":scheme", "http"), (":authority", HOST), (":path", path)]
}

/// Sends bytes and reads what comes until the other side is done, or has nothing more to say.
pub(crate) fn raw(to: SocketAddr, bytes: &[u8]) -> Result<String> {
    let mut stream = TcpStream::connect(to)?;
    stream.set_read_timeout(Some(QUIET))?;
    // Who refuses may close before everything is read.
    let _ = stream.write_all(bytes);
    let (mut answer, mut chunk) = (Vec::new(), [0; 4096]);
    let mut others_were_answered = false;
    loop {
        match stream.read(&mut chunk) {
            Ok(read @ 1..) => {
                answer.extend_from_slice(chunk.get(..read).unwrap_or_default());
                others_were_answered = false;
            }
            Err(error) if is_silence(&error) && !others_were_answered => {
                // A busy machine is quiet for longer, to everybody.
                let nobody = Request::new("GET", HOST, "/");
                (0..OTHERS).try_for_each(|_| nobody.clone().send(to).map(drop))?;
                others_were_answered = true;
            }
            Ok(0) | Err(_) => return Ok(String::from_utf8_lossy(&answer).into_owned()),
        }
    }
}

fn is_silence(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock)
}

/// The filters live, ada is let in, and her tokens are in no log.
pub(crate) fn unharmed(stage: &mut RealEnvoy) -> Result<()> {
    let good = stage.request_of("{login: ada, path: /, pass: true}")?;
    let mut in_a_row = 0;
    wait::until("both workers let ada in", || {
        in_a_row = if stage.system.envoy.send(&good)?.status == 200 { in_a_row + 1 } else { 0 };
        Ok((in_a_row >= 8).then_some(()))
    })?;
    stage.no_filter_died()?;
    stage.no_token_was_logged()
}

/// What Envoy drops by itself in the rendered configuration comes to the filter here.
pub(crate) fn lenient(bootstrap: &str) -> Result<String> {
    let bootstrap = bootstrap.replace("DROP_HEADER", "ALLOW");
    let trailers = bootstrap
        .replace("codec_type: AUTO", "codec_type: AUTO\n          http_protocol_options: {enable_trailers: true}");
    let upstream = "explicit_http_config: {http_protocol_options: {}}";
    ensure!(trailers.contains(upstream) && trailers.contains("enable_trailers"), "the bootstrap is as it was");
    Ok(trailers.replace(upstream, "explicit_http_config: {http_protocol_options: {enable_trailers: true}}"))
}
