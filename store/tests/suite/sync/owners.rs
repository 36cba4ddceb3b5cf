//! Primary and last owners in a sync, and that what is previewed is what is done.

use serde_json::json;

use super::{counts, named, switched, sync, with_policy};
use crate::suite::harness::{NEW_YEAR, Store, ensure, login, require, with};
use crate::suite::scim::{DIRECTORIES, Directory};

#[test]
fn the_primary_owner_stays_when_all_others_go() {
    let owned = |policy: &str| policy.replace("{id: jit, ", "{id: jit, primary_owner: ada@acme.example, ");
    let directory = Directory { store: Store::start_by(&owned(DIRECTORIES)) };
    for name in ["ada", "bob"] {
        directory.store.answer("jit", &login(name, 1, ensure()));
    }
    let directory = with_policy(directory, &owned(&switched()));
    assert_eq!(named(&sync(&directory, ""), "jit"), ["remove bob@acme.example"]);
    assert_eq!(directory.members("jit", "role"), json!({"ada@acme.example": "owner"}));
    assert_eq!(directory.store.answer("jit", &login("ada", 2, require())).0, "member");
}

#[test]
fn of_several_owners_whom_a_sync_would_remove_the_last_one_stays() {
    let directory = Directory::start();
    for name in ["ada", "bob", "cyd"] {
        let email = format!("{name}@acme.example");
        assert_eq!(directory.store.add("jit", &json!({"email": email, "role": "owner"})).status, 201);
    }
    let directory = with_policy(directory, &switched());
    let (preview, done) = (sync(&directory, "?preview=true"), sync(&directory, ""));
    assert_eq!((counts(&done, "jit"), named(&done, "jit").len()), ((0, 0, 2, 0), 2));
    assert_eq!(named(&preview, "jit"), named(&done, "jit"));
    let left = directory.members("jit", "role");
    assert_eq!(left.as_object().unwrap().values().collect::<Vec<_>>(), ["owner"]);
    assert_eq!(sync(&directory, "").json["done"], json!(true));
}

#[test]
fn an_email_that_moved_from_one_to_another_is_followed() {
    let directory = Directory::start();
    let (ada, bob) = (directory.user("ada"), directory.user("bob"));
    directory.store.answer("jit", &login("bob", 1, ensure()));
    let directory = with_policy(directory, &switched());
    for (user, email) in [(&bob, "robert@acme.example"), (&ada, "bob@acme.example")] {
        let emails = json!([{"value": email, "primary": true}]);
        directory.patch(&format!("/Users/{user}"), json!({"op": "replace", "path": "emails", "value": emails}));
    }
    let (preview, done) = (sync(&directory, "?preview=true"), sync(&directory, ""));
    assert_eq!(counts(&preview, "jit"), counts(&done, "jit"));
    assert_eq!(directory.members("jit", "role").as_object().unwrap().len(), 2);
    assert_eq!(sync(&directory, "?preview=true").json["done"], json!(true));
}

/// A small generator: what comes is the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

#[test]
fn what_is_previewed_is_what_is_done_and_then_nothing_is_left() {
    for seed in 1..=12 {
        let mut dice = Dice(seed);
        let guarded = "provisioning: {mode: jit}, seats: {caps: {premium: 1, standard: 2}}, \
                       guards: {max_removals: {members: 2, percent: 0}}";
        let jit = DIRECTORIES.replace(
            "hosts: [jit.acme.example], provisioning: {mode: jit}",
            &format!("hosts: [jit.acme.example], {guarded}"),
        );
        let directory = Directory { store: Store::start_by(&jit) };
        let names: Vec<_> = (0..9).map(|person| format!("p{person}")).collect();
        for name in &names {
            directory.store.clock.advance(1);
            if dice.below(3) > 0 {
                directory.store.answer("jit", &with(&login(name, 1, ensure()), json!({"issued_at": NEW_YEAR + 1})));
            }
            if dice.below(2) == 0 {
                let user = directory.user(name);
                let groups = ["players", "power", "owners", "admins", "staff"];
                let group = groups[usize::try_from(dice.below(5)).unwrap()];
                let group = directory.group(&format!("{group}-{name}"), &[&user]);
                let value = groups[usize::try_from(dice.below(5)).unwrap()];
                directory
                    .patch(&format!("/Groups/{group}"), json!({"op": "replace", "path": "externalId", "value": value}));
            }
        }
        let mut changed =
            jit.replace(guarded, &guarded.replace("mode: jit", "mode: scim").replace("standard: 2", "standard: 3"));
        if dice.below(2) == 0 {
            changed = changed.replace("{group: staff, role: user}", "{group: power, role: user}");
        }
        if dice.below(2) == 0 {
            changed = changed.replace("{group: players, role: user}", "{group: staff, role: user}");
        }
        let directory = with_policy(directory, &changed);
        for query in ["", "confirm=true"] {
            let (preview, done) =
                (sync(&directory, &format!("?preview=true&{query}")), sync(&directory, &format!("?{query}")));
            for organization in ["everyone", "mapped", "seated", "jit"] {
                let told = [&preview, &done].map(|reply| (counts(reply, organization), named(reply, organization)));
                assert_eq!(told[0], told[1], "seed {seed}, {organization}");
            }
            let again = sync(&directory, &format!("?preview=true&{query}"));
            assert_eq!(again.json["done"], json!(true), "seed {seed}: {}", again.text);
        }
        let seats = directory.store.seats("jit");
        for tier in seats["tiers"].as_array().unwrap() {
            assert!(tier["used"].as_u64() <= tier["cap"].as_u64(), "seed {seed}: {seats}");
        }
    }
}
