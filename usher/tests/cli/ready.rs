//! `usher ready`: the answer is the exit code, and no token is sent.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use serde_json::json;

use crate::running_store::{ADMIN_TOKEN, RunningStore};
use crate::support::{Outcome, command, outcome, usher};

#[test]
fn a_running_store_is_ready_for_whoever_asks() {
    let store = RunningStore::start(&json!({"caps": {"premium": 1}}));
    let told = usher(&["ready", "--store", &format!("http://{}", store.address)]);
    assert_eq!((told.code, told.stdout.as_str()), (0, "ready\n"), "{told:?}");
}

/// What is told of a server that answers with this status, and what it was asked.
fn told_of(status: &str) -> (Outcome, String) {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap();
    let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nlocation: /healthz\r\nconnection: close\r\n\r\n");
    let asked = std::thread::spawn(move || {
        let (mut stream, _) = server.accept().unwrap();
        let mut head = [0; 4096];
        let length = stream.read(&mut head).unwrap();
        stream.write_all(answer.as_bytes()).unwrap();
        String::from_utf8_lossy(&head[..length]).into_owned()
    });
    let mut ready = command(&["ready", "--store", &format!("http://{address}")]);
    (outcome(ready.env("USHER_ADMIN_TOKEN", ADMIN_TOKEN)), asked.join().unwrap())
}

#[test]
fn whatever_is_not_ready_is_no_success_and_sees_no_token() {
    for (status, code) in
        [("503 Service Unavailable", 3), ("404 Not Found", 1), ("302 Found", 1), ("204 No Content", 1)]
    {
        let (told, asked) = told_of(status);
        assert_eq!(told.code, code, "{status}: {told:?}");
        assert!(asked.starts_with("GET /readyz HTTP/1.1\r\n"), "{asked}");
        assert!(!asked.to_lowercase().contains("authorization") && !asked.contains(ADMIN_TOKEN), "{asked}");
    }
}

#[test]
fn nobody_there_is_no_success() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let told = usher(&["ready", "--store", &format!("http://{free}")]);
    assert_eq!(told.code, 1, "{told:?}");
    assert!(told.stderr.contains("does not answer"), "{told:?}");
}
