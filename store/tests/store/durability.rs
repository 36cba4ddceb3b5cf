//! What was acknowledged is there: after a restart, and after a crash.

use std::sync::Arc;

use serde_json::json;
use tempfile::TempDir;

use crate::harness::{POLICY, Store, assign, ensure, id, leave, login};

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
fn an_acknowledged_write_survives_a_crash() {
    let store = Store::start();
    for n in 0..20 {
        assert_eq!(store.answer("jit", &login(&format!("p{n}"), 1, ensure())).0, "member");
        // What a crash at this moment would leave: the files as they are, and no goodbye.
        let crashed = Arc::new(TempDir::new().unwrap());
        for file in ["usher.db", "usher.db-wal"] {
            std::fs::copy(store.folder().join(file), crashed.path().join(file)).unwrap();
        }
        let recovered = Store::start_in(crashed, POLICY);
        assert_eq!(recovered.emails("jit", "").len(), n + 1);
    }
}

#[cfg(unix)]
#[test]
fn the_database_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let store = Store::start();
    store.answer("jit", &login("bea", 1, ensure()));
    for file in ["usher.db", "usher.db-wal", "usher.db-shm"] {
        let mode = std::fs::metadata(store.folder().join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
}
