//! More than one directory should send: it waits for itself, and the store for nobody.

use std::io::Write as _;
use std::net::TcpStream;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Directory, USER};
use crate::suite::harness::{GLOBEX_SCIM, SCIM, until};

/// As many bodies of one directory as are held at once.
const BODIES: usize = 4;

fn user(name: &str) -> Value {
    json!({"schemas": [USER], "userName": name})
}

#[test]
fn a_directory_that_sends_much_at_once_waits_before_it_is_read() {
    let directory = Directory::start();
    let address = directory.store.address;
    let mut held: Vec<_> = (0..BODIES)
        .map(|_| {
            let mut stream = TcpStream::connect(address).unwrap();
            let head = format!(
                "POST /scim/v2/acme/Users HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {SCIM}\r\n\
                 content-type: application/json\r\ncontent-length: 1000\r\n\r\n{{"
            );
            stream.write_all(head.as_bytes()).unwrap();
            stream
        })
        .collect();
    thread::scope(|scope| {
        let (sender, answered) = channel();
        let directory = &directory;
        scope.spawn(move || {
            let mut names = (0..).map(|n| format!("u{n}"));
            // Until all places are taken, a request comes through.
            while let Some(name) = names.next()
                && sender.send(directory.call("POST", "/Users", Some(user(&name))).status).is_ok()
            {}
        });
        until("the places are taken", || {
            answered.recv_timeout(Duration::from_secs(1)) == Err(RecvTimeoutError::Timeout)
        });

        let globex = directory.store.call("POST", "/scim/v2/globex/Users", GLOBEX_SCIM, Some(&user("zoe")));
        assert_eq!(globex.status, 201, "another's: {}", globex.text);
        assert_eq!(directory.call("GET", "/Users?count=1", None).status, 200, "without a body");

        drop(held.pop());
        assert_eq!(answered.recv_timeout(Duration::from_secs(20)), Ok(201));
        drop(answered);
    });
}

#[test]
fn a_body_that_would_take_far_more_room_than_its_text_is_not_made_a_tree() {
    let directory = Directory::start();
    let body = |value: &str, times: usize| {
        let values = vec![value; times].join(",");
        format!("{{\"schemas\": [\"{USER}\"], \"userName\": \"ada\", \"x\": [{values}]}}").into_bytes()
    };
    for (value, times, status) in
        [("{\"a\":0}", 49_000, 201), ("{\"a\":0}", 51_000, 413), ("0", 501_000, 413), ("[]", 251_000, 413)]
    {
        let headers = [("authorization", format!("Bearer {SCIM}"))];
        let body = body(value, times);
        let reply =
            directory.store.send("POST", "/scim/v2/acme/Users", &headers, Some(("application/scim+json", body)));
        assert_eq!(reply.status, status, "{times} times {value}: {}", reply.text);
    }
}
