//! Reconciliation: previewed, done in batches, held where it would remove too many, by one policy alone.

mod owners;
mod replicas;

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::suite::harness::{ADMIN, Reply, Store, ensure, id, login};
use crate::suite::scim::{DIRECTORIES, Directory, GROUP};

fn sync(directory: &Directory, query: &str) -> Reply {
    directory.store.call("POST", &format!("/v1/parents/acme/sync{query}"), ADMIN, None)
}

/// What was done, or would be, in one organization.
#[track_caller]
fn in_organization(reply: &Reply, organization: &str) -> Value {
    assert_eq!(reply.status, 200, "{}", reply.text);
    let all = reply.json["organizations"].as_array().unwrap();
    let found = all.iter().find(|told| told["organization"] == organization);
    found.unwrap_or_else(|| panic!("{}", reply.text)).clone()
}

/// (added, changed, removed, held).
#[track_caller]
fn counts(reply: &Reply, organization: &str) -> (u64, u64, u64, u64) {
    let told = in_organization(reply, organization);
    let count = |name: &str| told[name].as_u64().unwrap();
    (count("added"), count("changed"), count("removed"), count("held"))
}

/// `add ada@acme.example` …, in the order in which it is told.
fn named(reply: &Reply, organization: &str) -> Vec<String> {
    let told = in_organization(reply, organization);
    let changes = told["changes"].as_array().unwrap().iter();
    let text = |change: &Value, name: &str| change[name].as_str().unwrap().to_owned();
    changes.map(|change| format!("{} {}", text(change, "change"), text(change, "email"))).collect()
}

/// The same store, with the policy changed.
fn with_policy(directory: Directory, policy: &str) -> Directory {
    Directory { store: directory.store.restart_with(policy) }
}

/// `jit` is a scim organization from now on.
fn switched() -> String {
    let jit = "{id: jit, product: claude, hosts: [jit.acme.example], provisioning: {mode: jit}}";
    assert!(DIRECTORIES.contains(jit));
    DIRECTORIES.replace(jit, &jit.replace("mode: jit", "mode: scim"))
}

#[test]
fn a_switch_to_scim_adds_adopts_and_removes() {
    let directory = Directory::start();
    for name in ["ada", "bob"] {
        directory.user(name);
    }
    directory.user("cyd");
    for name in ["bob", "dot"] {
        directory.store.answer("jit", &login(name, 1, ensure()));
    }
    let bob = id(&directory.store.list("jit", "?email=bob@acme.example")["members"][0]);
    let before = directory.members("jit", "source");
    let directory = with_policy(directory, &switched());
    let position = directory.store.changes("").json["position"].as_str().unwrap().to_owned();

    let preview = sync(&directory, "?preview=true");
    assert_eq!((&preview.json["preview"], &preview.json["done"]), (&json!(true), &json!(false)));
    assert_eq!(counts(&preview, "jit"), (2, 1, 1, 0));
    let told = ["remove dot@acme.example", "change bob@acme.example", "add ada@acme.example", "add cyd@acme.example"];
    assert_eq!(named(&preview, "jit"), told);
    assert_eq!(counts(&preview, "everyone"), (0, 0, 0, 0));
    assert_eq!(directory.members("jit", "source"), before, "a preview changes nothing");

    let done = sync(&directory, "");
    assert_eq!((&done.json["preview"], &done.json["done"]), (&json!(false), &json!(true)));
    assert_eq!(named(&done, "jit"), told);
    let scim = json!({"ada@acme.example": "scim", "bob@acme.example": "scim", "cyd@acme.example": "scim"});
    assert_eq!(directory.members("jit", "source"), scim);
    assert_eq!(id(&directory.store.list("jit", "?email=bob@acme.example")["members"][0]), bob, "the same member");
    let told = directory.store.changes(&format!("?after={position}")).json;
    let removed = told["changes"].as_array().unwrap().iter().filter(|change| change["status"] == "removed").count();
    assert_eq!(removed, 1, "{told}");

    let again = sync(&directory, "");
    assert_eq!((counts(&again, "jit"), &again.json["done"]), ((0, 0, 0, 0), &json!(true)));
    assert_eq!(sync(&directory, "?preview=true").json["done"], json!(true));
}

#[test]
fn the_audit_says_who_synced_and_what_came_of_it() {
    let directory = Directory::start();
    directory.store.answer("jit", &login("dot", 1, ensure()));
    let directory = with_policy(directory, &switched());
    let reply = sync(&directory, "");
    let audit = directory.store.call("GET", "/v1/audit?limit=500", ADMIN, None).json;
    let entries: Vec<_> =
        audit["entries"].as_array().unwrap().iter().filter(|entry| entry["actor"] == "sync").collect();
    let actions: Vec<_> = entries.iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["member_removed", "synced"]);
    for entry in &entries {
        assert_eq!((&entry["actor_name"], &entry["reason"]), (&json!("root"), &json!("sync")), "{entry}");
        assert_eq!(entry["request_id"].as_str(), Some(reply.header("x-request-id")));
        assert_eq!(entry["parent"], "acme");
    }
    assert_eq!(entries[1]["after"]["jit"], json!({"added": 0, "changed": 0, "removed": 1, "held": 0}));
    let metrics = directory.store.send("GET", "/metrics", &[], None).text;
    assert!(metrics.contains(r#"usher_store_removals_total{organization="jit",by="sync"} 1"#), "{metrics}");
}

#[test]
fn too_many_removals_wait_for_a_word_and_nobody_is_removed_until_then() {
    let directory = Directory::start();
    let switched = switched().replace(
        "hosts: [jit.acme.example], provisioning: {mode: scim}",
        "hosts: [jit.acme.example], provisioning: {mode: scim}, guards: {max_removals: {members: 2, percent: 1}}",
    );
    for name in ["ada", "bob", "cyd"] {
        directory.store.answer("jit", &login(name, 1, ensure()));
    }
    directory.user("dot");
    let directory = with_policy(directory, &switched);

    for query in ["?preview=true", "", "", "?confirm=false"] {
        let reply = sync(&directory, query);
        let added = u64::from(query == "?preview=true" || reply.json["organizations"][3]["added"] == 1);
        assert_eq!(counts(&reply, "jit"), (added, 0, 0, 3), "{query}: {}", reply.text);
        assert_eq!(named(&reply, "jit").iter().filter(|told| told.starts_with("hold ")).count(), 3);
        assert_eq!(reply.json["done"], json!(query != "?preview=true"), "what waits is not to be asked for again");
    }
    let there = directory.members("jit", "role");
    assert_eq!(there.as_object().unwrap().len(), 4, "others are added all the same: {there}");
    let metrics = directory.store.send("GET", "/metrics", &[], None).text;
    assert!(metrics.contains(r#"usher_store_removals_held_total{organization="jit"} 9"#), "{metrics}");

    assert_eq!(counts(&sync(&directory, "?preview=true&confirm=true"), "jit"), (0, 0, 3, 0));
    assert_eq!(counts(&sync(&directory, "?confirm=true"), "jit"), (0, 0, 3, 0));
    assert_eq!(directory.members("jit", "role"), json!({"dot@acme.example": "user"}));
}

#[test]
fn a_group_change_that_was_held_is_done_by_a_confirmed_sync() {
    let directory = Directory::start();
    let users: Vec<_> = ["ada", "bob", "cyd", "dot", "eve"].iter().map(|name| directory.user(name)).collect();
    let users: Vec<_> = users.iter().map(String::as_str).collect();
    let staff = directory.group("staff", &users);
    directory.group("owners", &users[..1]);
    directory.patch(&format!("/Groups/{staff}"), json!({"op": "replace", "path": "members", "value": []}));
    assert_eq!(directory.members("mapped", "role").as_object().unwrap().len(), 5, "four removals wait");
    assert_eq!(counts(&sync(&directory, ""), "mapped"), (0, 0, 0, 4));
    assert_eq!(counts(&sync(&directory, "?confirm=true"), "mapped"), (0, 0, 4, 0));
    assert_eq!(directory.members("mapped", "role"), json!({"ada@acme.example": "owner"}));
}

#[test]
fn changed_mappings_change_roles_and_tiers() {
    let directory = Directory::start();
    let (ada, bob) = (directory.user("ada"), directory.user("bob"));
    directory.group("staff", &[&ada, &bob]);
    directory.group("ops", &[&bob]);
    let role = "{group: staff, role: user}";
    let policy = DIRECTORIES.replace(role, "{group: staff, role: user}, {group: ops, role: admin}");
    let directory = with_policy(directory, &policy);
    assert_eq!(named(&sync(&directory, ""), "mapped"), ["change bob@acme.example"]);
    assert_eq!(directory.members("mapped", "role"), json!({"ada@acme.example": "user", "bob@acme.example": "admin"}));

    let policy = policy.replace("{group: staff, role: user}, ", "");
    let directory = with_policy(directory, &policy);
    assert_eq!(named(&sync(&directory, ""), "mapped"), ["remove ada@acme.example"]);
    let renamed = json!({"op": "replace", "path": "displayName", "value": "staff"});
    let other = directory.group("other", &[&ada]);
    assert_eq!(
        directory.call("PATCH", &format!("/Groups/{other}"), Some(json!({"Operations": [renamed]}))).status,
        409
    );
}

#[test]
fn raised_caps_reach_those_who_wait_the_longest_wait_first() {
    let directory = Directory::start();
    let users: Vec<_> = ["dot", "cyd", "bob", "ada"]
        .iter()
        .map(|name| {
            directory.store.clock.advance(1);
            directory.user(name)
        })
        .collect();
    for user in &users {
        directory.store.clock.advance(1);
        let name = format!("players-{user}");
        let group = directory.group(&name, &[user]);
        directory
            .patch(&format!("/Groups/{group}"), json!({"op": "replace", "path": "externalId", "value": "players"}));
    }
    let seats = |directory: &Directory| directory.members("seated", "seat_tier");
    let one = json!({"dot@acme.example": "standard", "cyd@acme.example": null, "bob@acme.example": null, "ada@acme.example": null});
    assert_eq!(seats(&directory), one);
    let directory = with_policy(directory, &DIRECTORIES.replace("standard: 1}", "standard: 3}"));
    let told = ["change cyd@acme.example", "change bob@acme.example"];
    assert_eq!(named(&sync(&directory, "?preview=true"), "seated"), told);
    assert_eq!(named(&sync(&directory, ""), "seated"), told);
    let three = json!({"dot@acme.example": "standard", "cyd@acme.example": "standard", "bob@acme.example": "standard", "ada@acme.example": null});
    assert_eq!(seats(&directory), three);
    assert_eq!(directory.store.seats("seated")["pending"], json!(1));
}

#[test]
fn a_seat_that_is_there_goes_to_who_waits_before_it_goes_to_who_has_another() {
    let directory = Directory::start();
    let (cyd, bob, ada) = (directory.user("cyd"), directory.user("bob"), directory.user("ada"));
    directory.group("power", &[&bob]);
    for (user, name) in [(&cyd, "players"), (&bob, "b"), (&ada, "a")] {
        let group = directory.group(name, &[user]);
        let players = json!({"op": "replace", "path": "externalId", "value": "players"});
        directory.patch(&format!("/Groups/{group}"), players);
    }
    let seats = |directory: &Directory| directory.members("seated", "seat_tier");
    let before = json!({"cyd@acme.example": "standard", "bob@acme.example": "premium", "ada@acme.example": null});
    assert_eq!(seats(&directory), before);
    let policy = DIRECTORIES
        .replace("{premium: 1, standard: 1}", "{premium: 1, standard: 2}")
        .replace("{group: power, tier: premium}", "{group: power, tier: standard}");
    let directory = with_policy(directory, &policy);
    for query in ["?preview=true", ""] {
        assert_eq!(named(&sync(&directory, query), "seated"), ["change ada@acme.example"], "{query}");
    }
    let after = json!({"cyd@acme.example": "standard", "bob@acme.example": "premium", "ada@acme.example": "standard"});
    assert_eq!(seats(&directory), after);
}

#[test]
fn however_many_the_directory_never_knew_all_of_them_go() {
    let directory = Directory { store: Store::start_by(&switched()) };
    directory.user("ada");
    let rows: Vec<_> = (0..1_101)
        .map(|number| {
            let email = format!("m{number}@acme.example");
            format!("('jit', 'm{number:04}', '{email}', '{email}', 'user', 'active', 'manual', 1, 1)")
        })
        .collect();
    let columns = "organization, id, email, email_key, role, status, source, created_at, updated_at";
    directory.store.database.sql(&format!("INSERT INTO members ({columns}) VALUES {}", rows.join(", ")));
    let preview = sync(&directory, "?preview=true");
    assert_eq!(counts(&preview, "jit"), (0, 0, 0, 1_101));
    let told = in_organization(&preview, "jit");
    assert_eq!((told["changes"].as_array().unwrap().len(), &told["more"]), (1_000, &json!(101)));
    // One request writes for some seconds; whoever asked asks for the rest, as `usher sync` does.
    let mut all = 0;
    loop {
        let done = sync(&directory, "?confirm=true");
        let (added, changed, removed, held) = counts(&done, "jit");
        assert_eq!((added, changed, held), (0, 0, 0), "{}", done.text);
        all += removed;
        if done.json["done"] == true {
            break;
        }
        assert!(removed > 0, "{}", done.text);
    }
    assert_eq!(all, 1_101);
    assert_eq!(directory.members("jit", "role"), json!({"ada@acme.example": "user"}));
}

#[test]
fn a_seat_freed_by_the_sync_goes_to_who_wants_a_higher_one() {
    let directory = Directory::start();
    let (ada, bob) = (directory.user("ada"), directory.user("bob"));
    directory.group("players", &[&ada, &bob]);
    directory.group("power", &[&ada]);
    let gold = directory.group("gold", &[&bob]);
    assert_eq!(
        directory.members("seated", "seat_tier"),
        json!({"ada@acme.example": "premium", "bob@acme.example": "standard"})
    );
    // From now on `gold` gives premium, and `players` is not enough for ada, whose group is no longer mapped.
    let policy = DIRECTORIES
        .replace("roles: [{group: players, role: user}]", "roles: [{group: gold, role: user}]")
        .replace("{group: power, tier: premium}", "{group: gold, tier: premium}");
    let directory = with_policy(directory, &policy);
    let told = ["remove ada@acme.example", "change bob@acme.example"];
    assert_eq!(named(&sync(&directory, "?preview=true"), "seated"), told);
    assert_eq!(named(&sync(&directory, ""), "seated"), told);
    assert_eq!(directory.members("seated", "seat_tier"), json!({"bob@acme.example": "premium"}));
    assert!(!gold.is_empty());
}

#[test]
fn a_member_whose_user_was_deleted_while_nobody_looked_goes() {
    let directory = Directory { store: Store::start_by(&switched()) };
    let ada = directory.user("ada");
    directory.user("bob");
    let directory = with_policy(directory, DIRECTORIES);
    assert_eq!(directory.call("DELETE", &format!("/Users/{ada}"), None).status, 204);
    assert_eq!(directory.members("jit", "role").as_object().unwrap().len(), 2, "in jit mode every member counts");
    let directory = with_policy(directory, &switched());
    assert_eq!(named(&sync(&directory, ""), "jit"), ["remove ada@acme.example"]);
    assert_eq!(directory.members("jit", "source"), json!({"bob@acme.example": "scim"}));
}

#[test]
fn more_than_one_batch_is_done_and_old_tickets_stay_out() {
    let directory = Directory::start();
    for user in 0..230 {
        directory.user(&format!("u{user}"));
    }
    directory.store.answer("jit", &login("dot", 5, ensure()));
    let directory = with_policy(directory, &switched());
    directory.store.clock.advance(10);
    let mut all = (0, 0, 0, 0);
    loop {
        let began = Instant::now();
        let reply = sync(&directory, "");
        let (added, changed, removed, held) = counts(&reply, "jit");
        all = (all.0 + added, all.1 + changed, all.2 + removed, held);
        if reply.json["done"] == json!(true) {
            break;
        }
        // A busy machine may take longer for all of them than one request may.
        assert!(began.elapsed() >= Duration::from_secs(10), "{}", reply.text);
    }
    assert_eq!(all, (230, 0, 1, 0));
    assert_eq!(directory.store.list("jit", "?limit=500")["members"].as_array().unwrap().len(), 230);
    directory.user("dot");
    assert_eq!(directory.store.answer("jit", &login("dot", 9, crate::suite::harness::require())).0, "revoked");
    assert_eq!(directory.store.answer("jit", &login("dot", 11, crate::suite::harness::require())).0, "member");
}

#[test]
fn groups_that_map_by_external_id_count_in_a_sync_too() {
    let directory = Directory::start();
    let ada = directory.user("ada");
    let group = json!({"schemas": [GROUP], "displayName": "Grp-1", "externalId": "ops", "members": [{"value": ada}]});
    directory.expect(201, "POST", "/Groups", Some(group));
    let directory =
        with_policy(directory, &DIRECTORIES.replace("{group: staff, role: user}", "{group: ops, role: admin}"));
    assert_eq!(named(&sync(&directory, ""), "mapped"), ["add ada@acme.example"]);
    assert_eq!(directory.members("mapped", "role"), json!({"ada@acme.example": "admin"}));
}
