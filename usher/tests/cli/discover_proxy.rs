//! `usher discover` where the environment names a proxy.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use crate::discover::tls_provider;
use crate::support::{Folder, Outcome, command, outcome};

/// A proxy: it notes what is asked of it, and leads to `target`, or refuses where there is none.
struct Proxy {
    address: SocketAddr,
    asked: Receiver<String>,
}

impl Proxy {
    fn start(target: Option<SocketAddr>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (note, asked) = channel();
        thread::spawn(move || {
            for client in listener.incoming() {
                let (client, note) = (client.unwrap(), note.clone());
                thread::spawn(move || lead(client, target, &note));
            }
        });
        Self { address, asked }
    }

    /// With these words in the environment.
    fn named(&self, user: &str) -> String {
        format!("http://{user}{}", self.address)
    }
}

/// Reads a request for a tunnel and makes it. What breaks off is the other side's end of it.
fn lead(mut client: TcpStream, target: Option<SocketAddr>, note: &Sender<String>) {
    let mut lines = BufReader::new(client.try_clone().unwrap()).lines().map_while(Result::ok);
    let _ = note.send(lines.next().unwrap_or_default());
    while lines.next().is_some_and(|line| !line.is_empty()) {}
    let Some(target) = target else {
        let _ = client.write_all(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n");
        return;
    };
    let mut server = TcpStream::connect(target).unwrap();
    let _ = client.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
    let (mut from_client, mut to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    thread::spawn(move || {
        let _ = std::io::copy(&mut from_client, &mut to_server);
        let _ = to_server.shutdown(Shutdown::Write);
    });
    let _ = std::io::copy(&mut server, &mut client);
}

fn discover(issuer: &str, more: &[&str], environment: &[(&str, &str)]) -> Outcome {
    let arguments = [&["discover", issuer, "--timeout", "5"], more].concat();
    outcome(command(&arguments).envs(environment.iter().copied()))
}

#[test]
fn another_machine_is_asked_by_way_of_the_proxy_and_must_prove_its_name_all_the_same() {
    let folder = Folder::new();
    let (server, authority) = tls_provider("idp.acme.example");
    let proxy = Proxy::start(Some(server.address()));
    let by = proxy.named("ada:sesame@");
    let ca = folder.file("ca.pem", &authority);
    let found = discover("https://idp.acme.example", &["--ca", &ca], &[("HTTPS_PROXY", &by)]);
    assert_eq!((found.code, found.stderr.as_str()), (0, ""), "{found:?}");
    assert!(found.stdout.contains("issuer: \"https://idp.acme.example\""), "{found:?}");
    let asked: Vec<_> = proxy.asked.try_iter().collect();
    assert!(!asked.is_empty() && asked.iter().all(|line| line == "CONNECT idp.acme.example:443 HTTP/1.1"), "{asked:?}");

    let (_, strangers) = tls_provider("idp.acme.example");
    let by = proxy.named("");
    let other = folder.file("other.pem", &strangers);
    let refused = discover("https://idp.acme.example", &["--ca", &other], &[("all_proxy", &by)]);
    assert_eq!((refused.code, refused.stdout.as_str()), (1, ""), "{refused:?}");
    assert_eq!(proxy.asked.try_iter().count(), 1);
}

#[test]
fn a_proxy_that_leads_nowhere_is_named_without_its_password() {
    let proxy = Proxy::start(None);
    let by = proxy.named("ada:sesame@");
    let refused = discover("https://idp.acme.example", &[], &[("HTTPS_PROXY", &by), ("HTTP_PROXY", "")]);
    assert_eq!((refused.code, refused.stdout.as_str()), (1, ""), "{refused:?}");
    let named = format!("cannot be read through the proxy {}, which the environment names", proxy.address);
    assert!(refused.stderr.contains(&named) && !refused.stderr.contains("sesame"), "{refused:?}");
}

#[test]
fn this_machine_and_what_no_proxy_names_are_asked_directly() {
    let folder = Folder::new();
    let (server, authority) = tls_provider("localhost");
    let issuer = format!("https://localhost:{}", server.address().port());
    let ca = folder.file("ca.pem", &authority);
    // Nobody answers there: whoever goes by way of it gets nothing.
    for by in ["http://127.0.0.1:1", "socks5://127.0.0.1:1", "", "::"] {
        let found = discover(&issuer, &["--ca", &ca], &[("ALL_PROXY", by)]);
        assert_eq!((found.code, found.stderr.as_str()), (0, ""), "{by}: {found:?}");
    }
    for exempt in ["idp.acme.invalid", ".acme.invalid", "*"] {
        let environment = [("HTTPS_PROXY", "http://127.0.0.1:1"), ("NO_PROXY", exempt)];
        let refused = discover("https://idp.acme.invalid", &[], &environment);
        assert!(refused.code == 1 && !refused.stderr.contains("proxy"), "{refused:?}");
    }
}

#[test]
fn a_proxy_that_speaks_socks_is_refused_and_not_left_out() {
    let refused = discover("https://idp.acme.invalid", &[], &[("ALL_PROXY", "socks5://127.0.0.1:1")]);
    assert_eq!((refused.code, refused.stdout.as_str()), (1, ""), "{refused:?}");
    assert!(refused.stderr.contains("speaks SOCKS") && refused.stderr.contains("NO_PROXY"), "{refused:?}");
}
