//! Seats are counted in a table of their own: after whatever happened, it says what counting the members says.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::suite::harness::{ACME_ADMIN, Store, assign, ensure, id, leave, login, members_path};

/// One thing that happens to one of a few people.
#[derive(Clone, Debug)]
enum Deed {
    Add(&'static str),
    Edit(Value),
    LogIn(&'static str),
    Remove,
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        prop_oneof![Just(""), Just("premium"), Just("standard")].prop_map(Deed::Add),
        prop_oneof![
            Just(json!({"status": "suspended"})),
            Just(json!({"status": "active"})),
            Just(json!({"seat_tier": null})),
            Just(json!({"seat_tier": "premium"})),
            Just(json!({"seat_tier": "standard"})),
            Just(json!({"role": "owner"})),
            Just(json!({"unlink": true})),
        ]
        .prop_map(Deed::Edit),
        prop_oneof![Just("user"), Just("power"), Just("leave")].prop_map(Deed::LogIn),
        Just(Deed::Remove),
    ]
}

#[test]
fn the_counts_are_those_of_the_members_after_any_history() {
    let histories = prop::collection::vec((0..6_u8, prop_oneof![Just("five"), Just("mapped")], deed()), 1..40);
    let mut runner = TestRunner::new(Config { cases: 12, failure_persistence: None, ..Config::default() });
    runner
        .run(&histories, |history| {
            let store = Store::start();
            for (iat, (who, organization, deed)) in (1..).zip(history) {
                store.clock.advance(1);
                perform(&store, organization, &format!("p{who}"), &deed, iat);
                prop_assert_eq!(counted(&store), recounted(&store), "after {:?} of p{} in {}", deed, who, organization);
            }
            Ok(())
        })
        .unwrap();
}

fn perform(store: &Store, organization: &str, name: &str, deed: &Deed, iat: u64) {
    let email = format!("{name}@acme.example");
    let found = store.list(organization, &format!("?email={email}"))["members"][0].clone();
    let reply = match deed {
        Deed::Add("") => store.add(organization, &json!({"email": email})),
        Deed::Add(tier) => store.add(organization, &json!({"email": email, "seat_tier": tier})),
        Deed::LogIn("leave") if organization == "mapped" => store.login(organization, &login(name, iat, leave())),
        Deed::LogIn("power") if organization == "mapped" => {
            let plan = json!({"do": "assign", "role": "user", "seat_tier": "premium"});
            store.login(organization, &login(name, iat, plan))
        }
        Deed::LogIn(_) if organization == "mapped" => store.login(organization, &login(name, iat, assign("user"))),
        Deed::LogIn(_) => store.login(organization, &login(name, iat, ensure())),
        Deed::Edit(_) | Deed::Remove if found.is_null() => return,
        Deed::Edit(change) => store.edit(organization, &id(&found), change),
        Deed::Remove => {
            store.call("DELETE", &format!("{}/{}", members_path(organization), id(&found)), ACME_ADMIN, None)
        }
    };
    assert!(reply.status < 500, "{deed:?}: {}", reply.text);
}

fn counted(store: &Store) -> String {
    store.database.sql("SELECT organization, tier, used FROM seats WHERE used > 0 ORDER BY organization, tier")
}

fn recounted(store: &Store) -> String {
    store.database.sql(
        "SELECT organization, seat_tier, count(*) FROM members WHERE seat_tier IS NOT NULL \
         GROUP BY organization, seat_tier ORDER BY organization, seat_tier",
    )
}
