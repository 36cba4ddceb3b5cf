//! `kill -9` of the store under load, again and again: what it acknowledged is there, whole, and the feed goes on.

#[cfg(test)]
mod load;
#[cfg(test)]
mod process;
#[cfg(test)]
#[path = "../../../store/tests/suite/server.rs"]
mod server;

#[cfg(test)]
use std::time::Duration;

#[cfg(test)]
use self::load::Load;
#[cfg(test)]
use self::process::Store;

/// How often it is killed.
#[cfg(test)]
const KILLS: u64 = 16;

#[test]
fn nothing_acknowledged_is_lost_on_sqlite() {
    let folder = tempfile::TempDir::new().unwrap();
    survives(&format!("sqlite://{}", folder.path().join("usher.db").display()), 1);
}

#[test]
fn nothing_acknowledged_is_lost_on_postgresql_with_two_replicas() {
    let postgres = server::postgres();
    postgres.sql("postgres", "CREATE DATABASE crash");
    survives(&postgres.address("crash"), 2);
}

#[cfg(test)]
fn survives(database: &str, replicas: usize) {
    let mut load = Load::default();
    for round in 0..KILLS {
        let mut stores: Vec<_> = (0..replicas).map(|_| Store::start(database)).collect();
        load.check(stores[0].address());
        // A moment that is another one each time, so that it falls into every part of a write.
        let moment = Duration::from_millis(40 + 17 * round);
        load.run(&stores.iter().map(Store::address).collect::<Vec<_>>(), round, || {
            std::thread::sleep(moment);
            stores[0].kill();
        });
    }
    let store = Store::start(database);
    load.check(store.address());
    assert!(load.acknowledged() > KILLS as usize, "there was load: {}", load.acknowledged());
}
