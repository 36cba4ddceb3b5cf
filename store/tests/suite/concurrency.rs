//! Races: no seat is sold twice, nobody is lost.

use std::io::Write;
use std::net::TcpStream;
use std::sync::Barrier;

use serde_json::json;

use crate::suite::harness::{FILTER, Store, ensure, login};

const PEOPLE: usize = 64;

#[test]
fn sixty_four_logins_race_for_five_seats() {
    let store = Store::start();
    let gate = Barrier::new(PEOPLE);
    let answers: Vec<String> = std::thread::scope(|scope| {
        let racers: Vec<_> = (0..PEOPLE)
            .map(|n| {
                let (store, gate) = (&store, &gate);
                scope.spawn(move || {
                    gate.wait();
                    store.patient_answer("five", &login(&format!("p{n}"), 1, ensure())).0
                })
            })
            .collect();
        racers.into_iter().map(|racer| racer.join().unwrap()).collect()
    });
    assert_eq!(answers.iter().filter(|answer| *answer == "member").count(), 5);
    assert_eq!(answers.iter().filter(|answer| *answer == "pending").count(), PEOPLE - 5);
    assert_eq!(
        store.seats("five"),
        json!({
            "tiers": [{"tier": "premium", "cap": 2, "used": 2}, {"tier": "standard", "cap": 3, "used": 3}],
            "pending": PEOPLE - 5,
        })
    );
    assert_eq!(store.emails("five", "?limit=500").len(), PEOPLE, "nobody is lost");
}

#[test]
fn the_same_person_at_many_doors_is_one_member() {
    let store = Store::start();
    let gate = Barrier::new(16);
    let ids: Vec<String> = std::thread::scope(|scope| {
        let doors: Vec<_> = (0..16)
            .map(|_| {
                let (store, gate) = (&store, &gate);
                scope.spawn(move || {
                    gate.wait();
                    store.patient_answer("jit", &login("bea", 1, ensure())).1["id"].as_str().unwrap().to_owned()
                })
            })
            .collect();
        doors.into_iter().map(|door| door.join().unwrap()).collect()
    });
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert_eq!(store.emails("jit", "").len(), 1);
}

#[test]
fn callers_who_hang_up_leave_nothing_half_done() {
    let store = Store::start();
    let hung_up = 100;
    for n in 0..hung_up {
        let body = login(&format!("p{n}"), 1, ensure()).to_string();
        let mut caller = TcpStream::connect(store.address).unwrap();
        write!(
            caller,
            "POST /v1/organizations/five/logins HTTP/1.1\r\nhost: store\r\nauthorization: Bearer {FILTER}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
    }
    // Each of them is wholly there or not at all, and the store goes on.
    let answers: Vec<String> =
        (0..hung_up).map(|n| store.patient_answer("five", &login(&format!("p{n}"), 2, ensure())).0).collect();
    assert_eq!(answers.iter().filter(|answer| *answer == "member").count(), 5);
    assert_eq!(store.emails("five", "?limit=500").len(), hung_up);
    assert_eq!(store.seats("five")["pending"], json!(hung_up - 5));
}
