//! A store whose feed grows at a rate: it says the same to every login, and tells of changes of other members.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::{Value, json};

use crate::origin::content_length;
use crate::people::login_answer;

/// How long a poll waits for changes, at most.
const WAIT: Duration = Duration::from_secs(1);

/// Changes come in the store's own steps: what is written within this time is told together.
const STEP: Duration = Duration::from_millis(10);

/// Most changes of one answer: what the filter asks for.
const PAGE: u64 = 500;

/// The store, while it is asked.
#[derive(Debug)]
pub(crate) struct Changes {
    address: SocketAddr,
    asked: Arc<Asked>,
}

#[derive(Debug)]
struct Asked {
    begun: Instant,
    /// Changes a second.
    rate: u64,
    /// Answers to polls, and the newest change that a poll has shown to have arrived.
    answers: AtomicU64,
    had: AtomicU64,
}

impl Changes {
    /// Starts one.
    ///
    /// # Errors
    /// There is no port.
    pub(crate) fn start(rate: u64, person: &'static str) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let [answers, had] = [AtomicU64::new(0), AtomicU64::new(0)];
        let asked = Arc::new(Asked { begun: Instant::now(), rate, answers, had });
        let asked_here = Arc::clone(&asked);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let asked = Arc::clone(&asked_here);
                // A client that goes away is no concern of ours.
                thread::spawn(move || drop(asked.serve(stream, person)));
            }
        });
        Ok(Self { address, asked })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers so far, the newest change that the follower has, and the newest that there is.
    pub(crate) fn state(&self) -> (u64, u64, u64) {
        let [answers, had] = [&self.asked.answers, &self.asked.had].map(|count| count.load(Ordering::SeqCst));
        (answers, had, self.asked.head())
    }
}

impl Asked {
    /// The newest change.
    fn head(&self) -> u64 {
        let steps = self.begun.elapsed().as_millis() / STEP.as_millis();
        1 + u64::try_from(steps).unwrap_or(u64::MAX).saturating_mul(self.rate) / (1000 / 10)
    }

    fn serve(&self, stream: TcpStream, person: &str) -> Result<()> {
        stream.set_nodelay(true)?;
        let mut reader = BufReader::new(stream.try_clone()?);
        let mut writer = stream;
        loop {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                if reader.read_until(b'\n', &mut head)? == 0 {
                    return Ok(());
                }
            }
            let mut body = vec![0; content_length(&head)];
            reader.read_exact(&mut body)?;
            let line = String::from_utf8_lossy(&head);
            match line.split_once("/v1/changes?after=bench-bench-") {
                Some((_, rest)) => {
                    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
                    writer.write_all(&self.page(digits.parse()?))?;
                }
                None => writer.write_all(&login_answer(person, self.head()))?,
            }
        }
    }

    /// What follows a change, once there is something or it was waited for.
    fn page(&self, after: u64) -> Vec<u8> {
        self.had.fetch_max(after, Ordering::SeqCst);
        let asked = Instant::now();
        while self.head() <= after && asked.elapsed() < WAIT {
            thread::sleep(STEP / 4);
        }
        let newest = self.head().min(after + PAGE).max(after);
        let changes: Vec<Value> = (after + 1..=newest)
            .map(|number| {
                json!({
                    "position": format!("bench-bench-{number}"), "organization": "acme-chat",
                    "member": format!("019a1f60-5d7b-7c3e-9b1a-{number:012}"), "status": "active", "role": "user",
                    "seat_tier": "standard",
                })
            })
            .collect();
        self.answers.fetch_add(1, Ordering::SeqCst);
        let body = json!({"changes": changes, "position": format!("bench-bench-{newest}")}).to_string();
        format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len())
            .into_bytes()
    }
}
