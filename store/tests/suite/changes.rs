//! The change feed: ordered, without gaps or repeats, woken at once, and never followed into another history.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::suite::database::on_postgres;
use crate::suite::harness::{ADMIN, FILTER, Store, assign, ensure, id, leave, login, until};

fn position(json: &Value) -> String {
    json["position"].as_str().unwrap().to_owned()
}

/// Everything after a position, without the changes' own positions.
fn since(store: &Store, after: &str) -> Vec<Value> {
    let reply = store.changes(&format!("?after={after}"));
    assert_eq!(reply.status, 200, "{}", reply.text);
    let mut changes = reply.json["changes"].as_array().unwrap().clone();
    for change in &mut changes {
        assert!(change.as_object_mut().unwrap().remove("position").unwrap().is_string());
    }
    changes
}

#[test]
fn what_happens_to_a_member_is_told_in_order() {
    let store = Store::start();
    let empty = store.changes("");
    assert_eq!((empty.status, &empty.json["changes"]), (200, &json!([])));
    let begin = position(&empty.json);
    assert_eq!(store.changes(&format!("?after={begin}")).json, empty.json, "an empty answer repeats the position");

    let (_, bea) = store.answer("mapped", &login("bea", 1, assign("user")));
    store.answer("mapped", &login("bea", 2, assign("admin")));
    store.answer("mapped", &login("bea", 3, assign("admin")));
    store.edit("mapped", &id(&bea), &json!({"status": "suspended"}));
    store.edit("mapped", &id(&bea), &json!({"status": "active"}));
    store.clock.advance(10);
    store.answer("mapped", &login("bea", 11, leave()));

    let change = |status: &str, role: Value, seat_tier: Value| json!({"organization": "mapped", "member": bea["id"], "status": status, "role": role, "seat_tier": seat_tier});
    let seat = || bea["seat_tier"].clone();
    let told = [
        change("active", json!("user"), seat()),
        change("active", json!("admin"), seat()),
        change("suspended", json!("admin"), seat()),
        change("active", json!("admin"), seat()),
        change("removed", Value::Null, Value::Null),
    ];
    assert_eq!(since(&store, &begin), told);
    let whole = store.changes("").json;
    assert_eq!(whole["changes"].as_array().unwrap().len(), told.len());
    assert_eq!(
        whole["position"], whole["changes"][4]["position"],
        "the answer's position is that of its newest change"
    );
}

#[test]
fn pages_go_on_where_the_one_before_ended() {
    let store = Store::start();
    for n in 0..7 {
        store.answer("jit", &login(&format!("p{n}"), 1, ensure()));
    }
    let whole = store.changes("?limit=1000").json["changes"].as_array().unwrap().clone();
    let (mut seen, mut query) = (Vec::new(), "?limit=3".to_owned());
    loop {
        let page = store.changes(&query).json;
        let changes = page["changes"].as_array().unwrap();
        assert!(changes.len() <= 3);
        if changes.is_empty() {
            break;
        }
        seen.extend(changes.clone());
        query = format!("?limit=3&after={}", position(&page));
    }
    assert_eq!((seen.len(), seen), (7, whole));
}

#[test]
fn a_logins_position_is_after_what_it_did_and_before_what_comes() {
    let store = Store::start();
    let first = store.login("jit", &login("bea", 1, ensure())).json;
    assert!(since(&store, &position(&first)).is_empty());
    store.answer("jit", &login("cyd", 1, ensure()));
    assert_eq!(since(&store, &position(&first)).len(), 1);
    let known = store.login("jit", &login("bea", 1, ensure())).json;
    assert!(since(&store, &position(&known)).is_empty(), "one that only reads knows everything until then");
}

#[test]
fn who_is_unlinked_loses_their_sessions() {
    let store = Store::start();
    let (_, bea) = store.answer("jit", &login("bea", 1, ensure()));
    let before = position(&store.changes("").json);
    store.edit("jit", &id(&bea), &json!({"unlink": true}));
    let statuses: Vec<_> = since(&store, &before).iter().map(|change| change["status"].clone()).collect();
    assert_eq!(statuses, ["removed", "active"], "a removal to sessions, though the record stays");
}

#[test]
fn the_last_owner_whom_a_denied_login_keeps_loses_their_sessions() {
    let store = Store::start();
    let (_, owner) = store.answer("mapped", &login("cy", 1, assign("owner")));
    let begin = position(&store.changes("").json);
    assert_eq!(store.answer("mapped", &login("cy", 2, leave())).0, "kept");
    let told: Vec<_> = since(&store, &begin).iter().map(|change| change["status"].clone()).collect();
    assert_eq!(told, ["removed", "active"]);
    assert_eq!(since(&store, &begin)[1]["member"], owner["id"]);
    let begin = position(&store.changes("").json);
    assert_eq!(store.answer("mapped", &login("cy", 2, leave())).0, "kept");
    assert!(since(&store, &begin).is_empty(), "once is enough");
}

#[test]
fn a_poll_wakes_at_once_also_for_what_another_replica_did() {
    let store = Store::start();
    // Two servers on one SQLite file would not know of each other: there, the replica is the store itself.
    let replica = if on_postgres() { Some(store.replica()) } else { None };
    let writer = replica.as_ref().unwrap_or(&store);
    let mut after = position(&store.changes("").json);
    let mut next = 0..;
    let mut median = || {
        let mut woken_after = || {
            let name = format!("p{}", next.next().unwrap());
            let (woken, took) = std::thread::scope(|scope| {
                let waiting = scope.spawn(|| store.changes(&format!("?after={after}&wait=30s")));
                until("it waits", || store.metric("usher_store_polls_waiting") == 1);
                writer.answer("jit", &login(&name, 1, ensure()));
                let written = Instant::now();
                (waiting.join().unwrap(), written.elapsed())
            });
            assert_eq!(woken.json["changes"].as_array().unwrap().len(), 1, "{}", woken.text);
            after = position(&woken.json);
            took
        };
        let mut times: Vec<_> = (0..15).map(|_| woken_after()).collect();
        times.sort();
        times[7]
    };
    // Without notice, the head is looked at once a second. A busy machine may be slow some of the time.
    let medians: Vec<_> = (0..8).map(|_| median()).take_while(|median| *median >= Duration::from_millis(150)).collect();
    assert!(medians.len() < 8, "{medians:?}");
}

#[test]
fn a_poll_that_hears_nothing_waits_as_long_as_it_was_asked_to() {
    let store = Store::start();
    let after = position(&store.changes("").json);
    let began = Instant::now();
    let reply = store.changes(&format!("?after={after}&wait=300ms"));
    assert!(began.elapsed() >= Duration::from_millis(300));
    assert_eq!(reply.json, json!({"changes": [], "position": after}));
}

#[test]
fn a_store_that_stops_lets_no_poll_wait() {
    let mut store = Store::start();
    let began = Instant::now();
    let address = store.address;
    let polling = std::thread::spawn(move || {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let request = agent.get(format!("http://{address}/v1/changes?wait=30s"));
        request.header("authorization", format!("Bearer {FILTER}")).call().unwrap().body_mut().read_to_string().unwrap()
    });
    until("it waits", || store.metric("usher_store_polls_waiting") == 1);
    store.stop();
    let told: Value = serde_json::from_str(&polling.join().unwrap()).unwrap();
    assert_eq!(told["changes"], json!([]));
    assert!(began.elapsed() < Duration::from_secs(28), "before its time");
}

#[test]
fn what_cannot_be_asked_has_its_code() {
    let store = Store::start();
    for query in
        ["?limit=0", "?limit=1001", "?limit=x", "?wait=10", "?wait=31s", "?wait=-1s", "?since=1", "?wait=1s&wait=2s"]
    {
        store.changes(query).is_problem(400, "invalid_request");
    }
    store.call("GET", "/v1/changes", ADMIN, None).is_problem(401, "unauthorized");
    store.call("POST", "/v1/changes", FILTER, None).is_problem(405, "method_not_allowed");
}

#[test]
fn a_position_that_is_not_of_this_history_is_gone() {
    let store = Store::start();
    for n in 0..3 {
        store.answer("jit", &login(&format!("p{n}"), 1, ensure()));
    }
    let head = position(&store.changes("").json);
    let (rest, number) = head.rsplit_once('-').unwrap();
    let database = rest.split('-').next().unwrap();
    let ahead = format!("{rest}-{}", number.parse::<u64>().unwrap() + 1);
    let foreign = format!("x{head}");
    let other = Store::start();
    let elsewhere = position(&other.changes("").json);
    for after in
        ["", "0", "x", "3", "---", &ahead, &foreign, &elsewhere, &format!("{database}-0-3"), &format!("{database}-0-1")]
    {
        let reply = store.changes(&format!("?after={after}"));
        assert_eq!(reply.status, 410, "{after}: {}", reply.text);
        reply.is_problem(410, "gone");
        assert!(reply.json["detail"].as_str().unwrap().contains("without `after`"));
        store.changes(&format!("?after={after}&wait=30s")).is_problem(410, "gone");
    }
    assert_eq!(store.changes(&format!("?after={head}")).status, 200);
}

#[test]
fn what_was_forgotten_is_gone_and_the_feed_begins_at_its_oldest() {
    let store = Store::start();
    for n in 0..5 {
        store.answer("jit", &login(&format!("p{n}"), 1, ensure()));
    }
    let begin = {
        let head = position(&store.changes("").json);
        format!("{}-0-0", head.split('-').next().unwrap())
    };
    assert_eq!(since(&store, &begin).len(), 5);
    let changes = store.changes("").json["changes"].as_array().unwrap().clone();
    store.database.sql("DELETE FROM changes WHERE position <= 2");
    store.changes(&format!("?after={begin}")).is_problem(410, "gone");
    store.changes(&format!("?after={}", position(&changes[0]))).is_problem(410, "gone");
    store.changes(&format!("?after={}", position(&changes[1]))).is_problem(410, "gone");
    assert_eq!(since(&store, &position(&changes[2])).len(), 2);
    let whole = store.changes("").json;
    assert_eq!(whole["changes"].as_array().unwrap()[..], changes[2..]);
}

#[test]
fn a_backup_that_was_restored_and_went_on_is_not_followed() {
    let store = Store::start();
    for n in 0..3 {
        store.answer("jit", &login(&format!("p{n}"), 1, ensure()));
    }
    let at_backup = position(&store.changes("").json);
    let backup = store.database.restored_copy();
    // The live one goes on; then it is lost.
    store.answer("jit", &login("lost", 1, ensure()));
    let after_backup = position(&store.changes("").json);
    drop(store);

    let restored = Store::start_on(Arc::new(backup));
    restored.changes(&format!("?after={after_backup}")).is_problem(410, "gone");
    // As many changes as the lost one had, and more: the numbers are the same, what they stand for is not.
    for n in 0..3 {
        restored.answer("jit", &login(&format!("new{n}"), 1, ensure()));
        restored.changes(&format!("?after={after_backup}")).is_problem(410, "gone");
    }
    assert_eq!(since(&restored, &at_backup).len(), 3, "up to the backup it is the same history");
}

#[test]
fn a_change_that_nobody_kept_is_not_told() {
    let store = Store::start();
    let before = position(&store.changes("").json);
    let mut preview = login("bea", 1, ensure());
    preview["preview"] = json!(true);
    store.answer("jit", &preview);
    store.add("manual", &json!({"email": "bea@evil.example"}));
    assert_eq!(store.changes(&format!("?after={before}")).json, json!({"changes": [], "position": before}));
}
