//! What was acknowledged is there: after a restart, and after a crash.

use std::sync::Arc;

use serde_json::json;

use crate::suite::harness::{Store, assign, ensure, id, leave, login};

#[test]
fn a_restart_keeps_everything() {
    let store = Store::start();
    store.answer("mapped", &login("bea", 5, assign("admin")));
    store.answer("mapped", &login("cyd", 5, assign("user")));
    store.answer("mapped", &login("cyd", 6, leave()));
    let added = store.add("manual", &json!({"email": "dan@acme.example", "role": "admin"})).json;
    store.edit("manual", &id(&added), &json!({"status": "suspended"}));
    let before = (store.list("mapped", ""), store.list("manual", ""), store.seats("mapped"));
    let position = store.login("mapped", &login("bea", 5, assign("admin"))).json["position"].clone();

    let store = store.restart();
    assert_eq!((store.list("mapped", ""), store.list("manual", ""), store.seats("mapped")), before);
    assert_eq!(store.login("mapped", &login("bea", 5, assign("admin"))).json["position"], position);
    assert_eq!(store.answer("mapped", &login("cyd", 6, assign("user"))).0, "revoked", "tickets are kept, too");
}

#[test]
fn a_restored_backup_has_what_the_store_had() {
    let mut store = Store::start();
    for n in 0..6 {
        store.answer("five", &login(&format!("p{n}"), 1, ensure()));
    }
    let (members, seats) = (store.list("five", ""), store.seats("five"));
    let restored = Store::start_on(Arc::new(store.database.restored_copy()));
    store.stop();
    assert_eq!((restored.list("five", ""), restored.seats("five")), (members, seats));
    assert_eq!(restored.answer("five", &login("p9", 1, ensure())).0, "pending", "seats are counted on");
}
