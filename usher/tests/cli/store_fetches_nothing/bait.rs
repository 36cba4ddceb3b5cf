//! What somebody would come for who fetched what they are told: a server, and a file.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::support::Folder;

/// What would be fetched: a server, and a file that tells when it is read.
pub(super) struct Bait {
    pub(super) port: u16,
    pipe: PathBuf,
    came: Arc<Mutex<Vec<String>>>,
}

impl Bait {
    pub(super) fn laid(folder: &Folder) -> Self {
        let came = Arc::new(Mutex::new(Vec::new()));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let connections = Arc::clone(&came);
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                drop(stream.set_read_timeout(Some(Duration::from_secs(1))));
                let mut asked = [0; 200];
                let length = stream.read(&mut asked).unwrap_or_default();
                let asked = String::from_utf8_lossy(&asked[..length]).into_owned();
                connections.lock().unwrap().push(format!("a connection: {asked}"));
            }
        });
        let pipe = folder.path().join("bait");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let (file, reads) = (pipe.clone(), Arc::clone(&came));
        std::thread::spawn(move || {
            // Whoever opens a pipe to write waits until somebody reads.
            drop(std::fs::OpenOptions::new().write(true).open(file).unwrap());
            reads.lock().unwrap().push("the file was read".to_owned());
        });
        Self { port, pipe, came }
    }

    pub(super) fn urls(&self) -> Vec<String> {
        let (port, pipe) = (self.port, self.pipe.display());
        ["127.0.0.1", "localhost", "2130706433"]
            .iter()
            .map(|host| format!("http://{host}:{port}/x"))
            .chain(["https:", "", "ldap:", "gopher:"].iter().map(|scheme| format!("{scheme}//127.0.0.1:{port}/x")))
            .chain([format!("127.0.0.1:{port}"), format!("file://{pipe}"), pipe.to_string()])
            .collect()
    }

    fn came(&self) -> Vec<String> {
        self.came.lock().unwrap().clone()
    }

    /// Nobody came, though whoever did would have been noticed.
    #[track_caller]
    pub(super) fn is_untouched(&self) {
        assert_eq!(self.came(), [""; 0]);
        TcpStream::connect(("127.0.0.1", self.port)).unwrap().write_all(b"here").unwrap();
        assert_eq!(std::fs::read(&self.pipe).unwrap(), b"");
        let began = Instant::now();
        while self.came().len() < 2 {
            assert!(began.elapsed() < Duration::from_secs(30), "{:?}", self.came());
            std::thread::yield_now();
        }
    }
}
