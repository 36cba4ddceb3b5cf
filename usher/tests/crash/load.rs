//! People who log in and are removed while the store is killed, and what must be true of them afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::process::{ADMIN, FILTER};

const CLIENTS: usize = 8;

/// Everything that was acknowledged.
#[derive(Default)]
pub(crate) struct Load {
    /// Members by email; `None` once they were removed.
    people: Mutex<BTreeMap<String, Option<Value>>>,
    /// Who was being removed when the store was killed: there or gone, as it happens.
    uncertain: Mutex<BTreeSet<String>>,
    /// Where a follower of the feed is, and what it has seen.
    position: Option<String>,
    followed: Vec<Value>,
}

impl Load {
    /// How many were acknowledged.
    pub(crate) fn acknowledged(&self) -> usize {
        self.people.lock().unwrap().len()
    }

    /// Lets clients come in while `until` runs. A store that does not answer any more is left.
    pub(crate) fn run(&self, stores: &[SocketAddr], round: u64, until: impl FnOnce()) {
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for client in 0..CLIENTS {
                let (store, done) = (stores[client % stores.len()], &done);
                scope.spawn(move || {
                    for n in 0.. {
                        let name = format!("r{round}c{client}n{n}");
                        if done.load(Ordering::SeqCst) || self.come_and_go(store, &name, n % 3 == 2).is_none() {
                            break;
                        }
                    }
                });
            }
            until();
            done.store(true, Ordering::SeqCst);
        });
    }

    /// `None` when there was no answer.
    fn come_and_go(&self, store: SocketAddr, name: &str, goes: bool) -> Option<()> {
        let email = format!("{name}@acme.example");
        let login = json!({
            "connection": "okta", "issuer": "https://acme.okta.example", "subject": name, "email": email,
            "issued_at": 1_767_225_600, "plan": {"do": "ensure", "role": "user"},
        });
        let came = call(store, "POST", "/v1/organizations/chat/logins", FILTER, Some(&login))?;
        let member = came["member"].clone();
        assert!(member["id"].is_string(), "{came}");
        self.people.lock().unwrap().insert(email.clone(), Some(member.clone()));
        if goes {
            self.uncertain.lock().unwrap().insert(email.clone());
            let path = format!("/v1/organizations/chat/members/{}", member["id"].as_str().unwrap());
            call(store, "DELETE", &path, ADMIN, None)?;
            self.uncertain.lock().unwrap().remove(&email);
            self.people.lock().unwrap().insert(email, None);
        }
        Some(())
    }

    /// Everybody is where they were said to be, seats add up, and the feed goes on without gap or repeat.
    pub(crate) fn check(&mut self, store: SocketAddr) {
        let there = members(store);
        let uncertain = self.uncertain.lock().unwrap().clone();
        let mut people = self.people.lock().unwrap();
        for (email, acknowledged) in people.iter_mut() {
            let found = there.get(email);
            match acknowledged {
                Some(_) if found.is_none() && uncertain.contains(email) => *acknowledged = None,
                Some(member) => assert_eq!(found.map(|found| &found["id"]), Some(&member["id"]), "{email} is lost"),
                None => assert!(found.is_none(), "{email} was removed"),
            }
        }
        drop(people);

        let seats = call(store, "GET", "/v1/organizations/chat/seats", ADMIN, None).unwrap();
        for tier in seats["tiers"].as_array().unwrap() {
            let held = there.values().filter(|member| member["seat_tier"] == tier["tier"]).count();
            assert_eq!(tier["used"], json!(held), "{tier}");
            assert!(tier["used"].as_u64() <= tier["cap"].as_u64(), "{tier}");
        }
        self.follow(store, &there);
    }

    fn follow(&mut self, store: SocketAddr, there: &BTreeMap<String, Value>) {
        loop {
            let after = self.position.as_ref().map(|position| format!("&after={position}")).unwrap_or_default();
            let page = call(store, "GET", &format!("/v1/changes?limit=1000{after}"), FILTER, None).unwrap();
            self.position = Some(page["position"].as_str().unwrap().to_owned());
            match page["changes"].as_array().unwrap().as_slice() {
                [] => break,
                changes => self.followed.extend(changes.iter().cloned()),
            }
        }
        let mut live = BTreeSet::new();
        for (number, change) in (1_u64..).zip(&self.followed) {
            assert!(change["position"].as_str().unwrap().ends_with(&format!("-{number}")), "{change} is not {number}");
            let member = change["member"].as_str().unwrap();
            match change["status"].as_str() {
                Some("removed") => drop(live.remove(member)),
                _ => drop(live.insert(member)),
            }
        }
        let members: BTreeSet<_> = there.values().map(|member| member["id"].as_str().unwrap()).collect();
        assert!(live == members, "the feed tells of {} members, there are {}", live.len(), members.len());
    }
}

fn members(store: SocketAddr) -> BTreeMap<String, Value> {
    let mut members = BTreeMap::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/v1/organizations/chat/members?limit=500{cursor}");
        let page = call(store, "GET", &path, ADMIN, None).unwrap();
        for member in page["members"].as_array().unwrap() {
            members.insert(member["email"].as_str().unwrap().to_owned(), member.clone());
        }
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return members,
        }
    }
}

/// The answer, where it came whole and is good; `None` where the store was killed meanwhile.
fn call(store: SocketAddr, method: &str, path: &str, token: &str, body: Option<&Value>) -> Option<Value> {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let request = ureq::http::Request::builder()
        .method(method)
        .uri(format!("http://{store}{path}"))
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json");
    let answer = match body {
        Some(body) => agent.run(request.body(body.to_string()).unwrap()),
        None => agent.run(request.body(()).unwrap()),
    };
    let mut answer = answer.ok()?;
    let text = answer.body_mut().read_to_string().ok()?;
    assert!(answer.status().is_success(), "{method} {path}: {} {text}", answer.status());
    Some(serde_json::from_str(&text).unwrap_or(Value::Null))
}
