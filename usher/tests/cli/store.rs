//! `usher store` as a process.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::support::{Folder, command, outcome, policy};

fn policy_file(folder: &Folder) -> String {
    let jwks = json!({"uri": "https://acme.okta.example/keys", "cluster": "okta"});
    folder.file("usher.json", &policy(&jwks, &json!({})).to_string())
}

/// A store with this policy file, its database in the folder.
pub(crate) fn store(folder: &Folder, policy: &str) -> Command {
    let database = format!("sqlite://{}", folder.path().join("usher.db").display());
    store_at(policy, &database, "127.0.0.1:0")
}

fn store_at(policy: &str, database: &str, listen: &str) -> Command {
    let mut command = command(&["store", "--policy", policy, "--database", database, "--listen", listen]);
    command
        .env("USHER_STORE_TOKEN", "the-filter-s-own-secret")
        .env("USHER_ADMIN_TOKEN", "an-administrator-s-secret")
        .env("ACME_SCIM_TOKEN", "the-directory-s-own-secret");
    command
}

/// Killed when a test fails.
pub(crate) struct Process(pub(crate) Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn it_listens_on_a_name_too_and_refuses_what_is_no_address() {
    let folder = Folder::new();
    let policy = policy_file(&folder);
    let database = format!("sqlite://{}", folder.path().join("usher.db").display());
    let mut process = Process(store_at(&policy, &database, "localhost:0").stdout(Stdio::piped()).spawn().unwrap());
    let mut line = String::new();
    BufReader::new(process.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let line: Value = serde_json::from_str(&line).unwrap();
    let address: SocketAddr = line["address"].as_str().unwrap().parse().unwrap();
    assert!(address.ip().is_loopback(), "{address}");

    for (listen, told) in [("7070", "127.0.0.1:7070"), (":7070", "0.0.0.0:7070"), ("127.0.0.1:70000", "HOST:PORT")] {
        let refused = outcome(&mut store_at(&policy, &database, listen));
        assert_eq!(refused.code, 1, "{refused:?}");
        assert!(refused.stderr.contains("--listen") && refused.stderr.contains(told), "{refused:?}");
    }
}

#[test]
fn it_says_where_it_listens_serves_and_stops_when_told() {
    for signal in ["TERM", "INT"] {
        let folder = Folder::new();
        let mut process = Process(store(&folder, &policy_file(&folder)).stdout(Stdio::piped()).spawn().unwrap());
        let mut log = BufReader::new(process.0.stdout.take().unwrap());
        let mut line = String::new();
        log.read_line(&mut line).unwrap();
        let line: Value = serde_json::from_str(&line).unwrap();
        let address = line["address"].as_str().unwrap();
        assert_eq!(ureq::get(format!("http://{address}/healthz")).call().unwrap().status(), 200);

        let killed = Command::new("kill").args(["-s", signal, &process.0.id().to_string()]).status().unwrap();
        assert!(killed.success());
        assert_eq!(process.0.wait().unwrap().code(), Some(0), "{signal}");
        let rest: Vec<_> = log.lines().map(Result::unwrap).collect();
        for line in &rest {
            let line: Value = serde_json::from_str(line).unwrap();
            assert!(line["level"].is_string(), "{line}");
        }
        assert!(folder.path().join("usher.db").is_file());
    }
}

/// Whether the store knows this organization.
fn knows(address: &str, organization: &str) -> bool {
    let answer = ureq::get(format!("http://{address}/v1/organizations/{organization}/seats"))
        .config()
        .http_status_as_error(false)
        .build()
        .header("authorization", "Bearer an-administrator-s-secret")
        .call()
        .unwrap();
    match answer.status().as_u16() {
        200 => true,
        404 => false,
        other => panic!("{other}"),
    }
}

#[test]
fn a_changed_policy_file_is_followed_and_a_broken_one_is_not() {
    let folder = Folder::new();
    let jwks = json!({"uri": "https://acme.okta.example/keys", "cluster": "okta"});
    let renamed = |id: &str| policy(&jwks, &json!({"id": id})).to_string();
    let file = folder.file("usher.json", &renamed("first"));
    let mut process = Process(store(&folder, &file).stdout(Stdio::piped()).spawn().unwrap());
    let mut log = BufReader::new(process.0.stdout.take().unwrap()).lines().map(|line| {
        let line: Value = serde_json::from_str(&line.unwrap()).unwrap();
        line
    });
    let address = log.next().unwrap()["address"].as_str().unwrap().to_owned();
    assert!(knows(&address, "first") && !knows(&address, "second"));

    // By a link that is swapped, as mounted volumes change.
    std::fs::rename(folder.file("next.json", &renamed("second")), &file).unwrap();
    let told = log.next().unwrap();
    assert_eq!((told["message"].as_str(), &told["organizations"]), (Some("another policy is in force"), &json!(1)));
    assert!(knows(&address, "second") && !knows(&address, "first"));

    folder.file("usher.json", "version: 1\nparents: nobody\n");
    let told = log.next().unwrap();
    assert_eq!(told["level"], "ERROR");
    assert!(told["why"].as_str().unwrap().contains("usher.json:2: parents"), "{told}");
    assert!(knows(&address, "second"));

    let other_secret = renamed("third").replace("ACME_SCIM_TOKEN", "ANOTHER_TOKEN");
    folder.file("usher.json", &other_secret);
    let told = log.next().unwrap();
    assert!(told["why"].as_str().unwrap().contains("ANOTHER_TOKEN"), "{told}");
    assert!(knows(&address, "second") && !knows(&address, "third"));

    let hangup = Command::new("kill").args(["-s", "HUP", &process.0.id().to_string()]).status().unwrap();
    assert!(hangup.success());
    assert!(log.next().unwrap()["why"].as_str().unwrap().contains("ANOTHER_TOKEN"), "it was read once more");
    // The audit tells it, too; it is noted beside.
    let began = std::time::Instant::now();
    loop {
        let reply = ureq::get(format!("http://{address}/v1/audit"))
            .header("authorization", "Bearer an-administrator-s-secret")
            .call();
        let audit: Value = reply.unwrap().body_mut().read_json().unwrap();
        let refused = |entry: &&Value| {
            entry["action"] == "policy_refused" && entry["reason"].as_str().unwrap().contains("ANOTHER_TOKEN")
        };
        if let Some(entry) = audit["entries"].as_array().unwrap().iter().find(refused) {
            assert_eq!(
                (&entry["actor"], &entry["before"]),
                (&json!("store"), &entry["after"]),
                "what is in force stays"
            );
            break;
        }
        assert!(began.elapsed() < std::time::Duration::from_secs(30), "{audit}");
        std::thread::yield_now();
    }
    let metrics = ureq::get(format!("http://{address}/metrics")).call().unwrap().body_mut().read_to_string().unwrap();
    assert!(metrics.contains("usher_store_policy_loads_total{result=\"replaced\"} 1"), "{metrics}");
    assert!(metrics.contains("usher_store_policy_loads_total{result=\"refused\"} 3"), "{metrics}");
}

#[test]
fn a_call_by_another_policy_is_logged_under_the_request_s_id() {
    let folder = Folder::new();
    let mut process = Process(store(&folder, &policy_file(&folder)).stdout(Stdio::piped()).spawn().unwrap());
    let mut log = BufReader::new(process.0.stdout.take().unwrap()).lines().map(|line| {
        let line: Value = serde_json::from_str(&line.unwrap()).unwrap();
        line
    });
    let address = log.next().unwrap()["address"].as_str().unwrap().to_owned();
    // In mode `manual`, no login makes a member.
    let login = json!({
        "connection": "okta", "issuer": "https://acme.okta.example", "subject": "s", "email": "bea@acme.example",
        "issued_at": 1, "plan": {"do": "ensure", "role": "user"},
    });
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let answer = agent
        .post(format!("http://{address}/v1/organizations/acme-chat/logins"))
        .header("authorization", "Bearer the-filter-s-own-secret")
        .header("x-request-id", "the-id-on-the-page")
        .send_json(&login);
    assert_eq!(answer.unwrap().status(), 409);
    let line = log.find(|line| line["message"] == "policy mismatch").unwrap();
    assert_eq!((&line["request_id"], &line["organization"]), (&json!("the-id-on-the-page"), &json!("acme-chat")));
}

#[test]
fn what_stops_the_start_is_told() {
    let folder = Folder::new();
    let policy = policy_file(&folder);
    let without_secret = outcome(store(&folder, &policy).env_remove("USHER_STORE_TOKEN"));
    assert_eq!(without_secret.code, 1, "{without_secret:?}");
    assert!(without_secret.stderr.contains("USHER_STORE_TOKEN"), "{without_secret:?}");

    let short = outcome(store(&folder, &policy).env("USHER_ADMIN_TOKEN", "short-one"));
    assert_eq!(short.code, 1, "{short:?}");
    assert!(short.stderr.contains("USHER_ADMIN_TOKEN") && !short.stderr.contains("short-one"), "{short:?}");

    let faulty = folder.file("faulty.yaml", "version: 1\n");
    let refused = outcome(&mut store(&folder, &faulty));
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.stderr.contains("faulty.yaml") && refused.stderr.contains("parents"), "{refused:?}");

    let log = outcome(store(&folder, &policy).env("USHER_LOG", "no[such"));
    assert_eq!(log.code, 1, "{log:?}");
    assert!(log.stderr.contains("USHER_LOG"), "{log:?}");

    let held = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = held.local_addr().unwrap().to_string();
    let database = format!("sqlite://{}", folder.path().join("usher.db").display());
    let taken = outcome(&mut store_at(&policy, &database, &address));
    assert_eq!(taken.code, 1, "{taken:?}");
    assert!(taken.stderr.contains(&format!("cannot listen on {address}")), "{taken:?}");
    assert_eq!(taken.stderr.matches("in use").count(), 1, "every cause is told once: {taken:?}");

    let unknown = outcome(&mut store_at(&policy, "mysql://user:password@db/usher", "127.0.0.1:0"));
    assert_eq!(unknown.code, 1, "{unknown:?}");
    assert!(unknown.stderr.contains("sqlite://FILE") && !unknown.stderr.contains("password"), "{unknown:?}");
}
