//! What the store answers, and clients who wait for it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// What the store answered; `json` is null where the body is none.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: ureq::http::HeaderMap,
    pub(crate) text: String,
    pub(crate) json: Value,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Expects a whole problem document with this status and code.
    #[track_caller]
    pub(crate) fn is_problem(&self, status: u16, code: &str) {
        assert_eq!((self.status, self.json["code"].as_str()), (status, Some(code)), "{}", self.text);
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(self.header("cache-control"), "no-store");
        assert_eq!(self.json["status"], json!(status));
        assert_eq!(self.json["type"], json!("about:blank"));
        assert_eq!(self.json["request_id"].as_str(), Some(self.header("x-request-id")));
        for words in ["title", "detail"] {
            assert!(self.json[words].as_str().is_some_and(|text| !text.is_empty()), "{}", self.text);
        }
    }
}

/// The answer of a login that is one, with the member.
#[track_caller]
pub(super) fn answered(reply: Reply) -> (String, Value) {
    assert_eq!(reply.status, 200, "{}", reply.text);
    (reply.json["answer"].as_str().unwrap().to_owned(), reply.json["member"].clone())
}

/// Asks as a client does, which comes again when the database had no time for it; not for ever. Nothing was written then,
/// so that it is as if the one before had never come. What others got in the way of is answered otherwise, and no reason
/// to come again.
#[track_caller]
pub(crate) fn patiently(ask: impl Fn() -> Reply) -> Reply {
    coming_again(&["database_busy", "database_unavailable"], ask)
}

/// The same where it is told why to come again.
#[track_caller]
pub(super) fn coming_again(codes: &[&str], ask: impl Fn() -> Reply) -> Reply {
    let began = Instant::now();
    loop {
        let reply = ask();
        if !codes.iter().any(|code| reply.json["code"] == *code) {
            return reply;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "asked in vain: {}", reply.text);
        let after = reply.header("retry-after").parse().expect("a client is told when to come again");
        std::thread::sleep(Duration::from_secs(after));
    }
}

/// Waits until something is so; not for ever.
#[track_caller]
pub(crate) fn until(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(30), "waited in vain: {what}");
        std::thread::yield_now();
    }
}
