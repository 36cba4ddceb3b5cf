//! From the directory to memberships: at once, in the same transaction, by the rules.

use serde_json::{Value, json};

use super::{DIRECTORIES, Directory, USER, id};
use crate::suite::database::on_postgres;
use crate::suite::harness::{NEW_YEAR, Store, login, require, with};

fn deactivate(directory: &Directory, user: &str) {
    directory.patch(&format!("/Users/{user}"), json!({"op": "replace", "path": "active", "value": false}));
}

fn members(users: &[&String]) -> Value {
    users.iter().map(|user| json!({"value": user})).collect()
}

#[test]
fn a_deactivation_removes_ends_sessions_and_an_old_ticket_does_not_come_back() {
    let directory = Directory::start();
    let ada = directory.user("ada");
    let (answer, member) = directory.store.answer("everyone", &login("ada", 1, require()));
    assert_eq!((answer.as_str(), &member["source"]), ("member", &json!("scim")));
    let position = directory.store.changes("").json["position"].as_str().unwrap().to_owned();

    directory.store.clock.advance(10);
    deactivate(&directory, &ada);
    assert_eq!(directory.members("everyone", "role"), json!({}));
    let changes = directory.store.changes(&format!("?after={position}")).json;
    assert_eq!(changes["changes"][0]["member"], member["id"]);
    assert_eq!(
        (&changes["changes"][0]["status"], changes["changes"].as_array().unwrap().len()),
        (&json!("removed"), 1)
    );
    assert_eq!(directory.store.answer("everyone", &login("ada", 5, require())).0, "revoked");

    directory.patch(&format!("/Users/{ada}"), json!({"op": "replace", "path": "active", "value": true}));
    assert_eq!(directory.store.answer("everyone", &login("ada", 5, require())).0, "revoked", "signed before");
    assert_eq!(directory.store.answer("everyone", &login("ada", 11, require())).0, "member");
}

#[test]
fn a_seat_that_is_taken_away_by_hand_goes_to_the_one_pending_longest() {
    let few = "{id: few, product: claude, hosts: [few.acme.example], provisioning: {mode: scim}, \
               seats: {caps: {premium: 1, standard: 0}}}";
    let policy = DIRECTORIES.replace("  - {id: jit,", &format!("  - {few}\n  - {{id: jit,"));
    let directory = Directory { store: Store::start_by(&policy) };
    for name in ["ada", "bob", "cyd"] {
        directory.user(name);
        directory.store.clock.advance(1);
    }
    let waiting = json!({"ada@acme.example": "active", "bob@acme.example": "pending", "cyd@acme.example": "pending"});
    assert_eq!(directory.members("few", "status"), waiting);
    let list = directory.store.list("few", "?email=ada@acme.example");
    let ada = crate::suite::harness::id(&list["members"][0]);
    assert_eq!(directory.store.edit("few", &ada, &json!({"seat_tier": null})).status, 200);
    let seated = json!({"ada@acme.example": null, "bob@acme.example": "premium", "cyd@acme.example": null});
    assert_eq!(directory.members("few", "seat_tier"), seated);
    assert_eq!(directory.members("few", "status")["cyd@acme.example"], "pending");
}

#[test]
fn a_deactivated_primary_owner_stays_but_their_sessions_end() {
    let owned = DIRECTORIES.replace("{id: everyone, ", "{id: everyone, primary_owner: ada@acme.example, ");
    let directory = Directory { store: Store::start_by(&owned) };
    let ada = directory.user("ada");
    let (_, member) = directory.store.answer("everyone", &login("ada", 1, require()));
    assert_eq!((&member["role"], &member["primary_owner"]), (&json!("admin"), &json!(true)));
    let position = directory.store.changes("").json["position"].as_str().unwrap().to_owned();
    directory.store.clock.advance(10);
    deactivate(&directory, &ada);
    assert_eq!(directory.members("everyone", "role"), json!({"ada@acme.example": "admin"}));
    let told = directory.store.changes(&format!("?after={position}")).json;
    let told: Vec<_> = told["changes"].as_array().unwrap().iter().map(|change| &change["status"]).collect();
    assert_eq!(told, ["removed", "active"]);
    assert_eq!(directory.store.answer("everyone", &login("ada", 5, require())).0, "revoked");
    assert_eq!(directory.store.answer("everyone", &login("ada", 11, require())).0, "member");
}

#[test]
fn names_emails_and_external_ids_follow_and_other_modes_do_not() {
    let directory = Directory::start();
    let ada = directory.user("ada");
    let change = json!({"displayName": "Ada L", "emails": [{"value": "countess@acme.example", "primary": true}]});
    directory.patch(&format!("/Users/{ada}"), json!({"op": "replace", "value": change}));
    assert_eq!(directory.members("everyone", "name"), json!({"countess@acme.example": "Ada L"}));
    assert_eq!(directory.members("jit", "name"), json!({}));
    assert_eq!(directory.members("mapped", "name"), json!({}), "in no mapped group");

    let outside = json!({"schemas": [USER], "userName": "x", "emails": [{"value": "x@elsewhere.example"}]});
    let outside = id(&directory.expect(201, "POST", "/Users", Some(outside)));
    let nobody = json!({"schemas": [USER], "userName": "no-email"});
    directory.expect(201, "POST", "/Users", Some(nobody));
    assert_eq!(directory.members("everyone", "role"), json!({"countess@acme.example": "user"}));
    let home = json!({"op": "add", "path": "emails", "value": [{"value": "x@acme.example", "primary": true}]});
    directory.patch(&format!("/Users/{outside}"), home);
    assert_eq!(directory.members("everyone", "role")["x@acme.example"], json!("user"));
}

#[test]
fn a_user_without_emails_is_known_by_a_user_name_that_is_one() {
    let directory = Directory::start();
    let user = json!({"schemas": [USER], "userName": "ada@acme.example"});
    directory.expect(201, "POST", "/Users", Some(user));
    assert_eq!(directory.members("everyone", "role"), json!({"ada@acme.example": "user"}));
}

#[test]
fn roles_follow_groups_by_name_and_by_external_id() {
    let directory = Directory::start();
    let ada = directory.user("ada");
    let role = || directory.members("mapped", "role");
    let group = json!({"schemas": [super::GROUP], "displayName": "Grp-1", "externalId": "admins", "members": [ada]});
    let group = id(&directory.expect(201, "POST", "/Groups", Some(group)));
    assert_eq!(role(), json!({"ada@acme.example": "admin"}));
    let staff = directory.group("staff", &[&ada]);
    directory.group("STAFF-2", &[&ada]);
    assert_eq!(role(), json!({"ada@acme.example": "admin"}), "the most permissive counts");
    directory.patch(&format!("/Groups/{group}"), json!({"op": "remove", "path": "externalId"}));
    assert_eq!(role(), json!({"ada@acme.example": "user"}));
    directory.patch(&format!("/Groups/{staff}"), json!({"op": "replace", "path": "displayName", "value": "Staff"}));
    assert_eq!(role(), json!({}), "the case counts");
    assert_eq!(directory.members("everyone", "role"), json!({"ada@acme.example": "user"}));
}

#[test]
fn a_freed_seat_goes_at_once_to_the_one_pending_longest() {
    let directory = Directory::start();
    let users: Vec<_> = ["ada", "bea", "cyd", "dan"].map(|name| directory.user(name)).into();
    let players = directory.group("players", &[]);
    for user in &users {
        directory.store.clock.advance(1);
        let add = json!({"op": "add", "path": "members", "value": [{"value": user}]});
        directory.patch(&format!("/Groups/{players}"), add);
    }
    let status = |names: &str| {
        let found = directory.members("seated", "status");
        let active = names.split(' ').all(|name| found[format!("{name}@acme.example")] == json!("active"));
        assert!(active, "{names}: {found}");
        found.as_object().unwrap().values().filter(|status| **status == json!("pending")).count()
    };
    assert_eq!(status("ada"), 3);
    deactivate(&directory, &users[0]);
    assert_eq!(status("bea"), 2);
    // A move to another tier frees a seat as well, and so does leaving the group.
    let power = directory.group("power", &[&users[1]]);
    assert_eq!(status("bea cyd"), 1);
    assert_eq!(directory.members("seated", "seat_tier")["bea@acme.example"], json!("premium"));
    directory.patch(
        &format!("/Groups/{players}"),
        json!({"op": "remove", "path": "members", "value": members(&[&users[2]])}),
    );
    assert_eq!(status("bea dan"), 0);
    directory.expect(204, "DELETE", &format!("/Groups/{power}"), None);
    assert_eq!(directory.members("seated", "seat_tier")["bea@acme.example"], json!("premium"), "a holder keeps it");
    let seats = directory.store.seats("seated");
    assert_eq!(
        seats["tiers"],
        json!([
            {"tier": "premium", "cap": 1, "used": 1}, {"tier": "standard", "cap": 1, "used": 1},
        ])
    );
}

#[test]
fn a_group_request_that_would_remove_too_many_removes_nobody() {
    let directory = Directory::start();
    let users: Vec<_> = (0..6).map(|n| directory.user(&format!("u{n}"))).collect();
    let all: Vec<_> = users.iter().map(String::as_str).collect();
    let staff = directory.group("staff", &all);
    let path = format!("/Groups/{staff}");
    let count = || directory.members("mapped", "role").as_object().unwrap().len();
    assert_eq!(count(), 6);
    let four = json!({"op": "remove", "path": "members", "value": members(&users[..4].iter().collect::<Vec<_>>())});
    let group = directory.patch(&path, four);
    assert_eq!(group["members"].as_array().map(Vec::len), Some(2), "the directory is as the provider wants it");
    assert_eq!(count(), 6, "the memberships wait");
    let (unchanged, changed) = (format!("/Users/{}", users[0]), format!("/Users/{}", users[1]));
    let document = directory.expect(200, "GET", &unchanged, None);
    directory.expect(200, "PUT", &unchanged, Some(document));
    directory.patch(&changed, json!({"op": "replace", "path": "title", "value": "Countess"}));
    assert_eq!(count(), 6, "and are not ended by whatever else is written about one of those who are held");
    let metrics = directory.store.send("GET", "/metrics", &[], None).text;
    assert!(metrics.contains("usher_store_removals_held_total{organization=\"mapped\"} 4"), "{metrics}");

    directory.patch(
        &path,
        json!({"op": "add", "path": "members", "value": members(&users[..4].iter().collect::<Vec<_>>())}),
    );
    let three = json!({"op": "remove", "path": "members", "value": members(&users[..3].iter().collect::<Vec<_>>())});
    directory.patch(&path, three);
    assert_eq!(count(), 3, "three are allowed");

    directory.patch(&path, json!({"op": "add", "path": "members", "value": members(&[&users[0]])}));
    directory.expect(204, "DELETE", &path, None);
    assert_eq!(count(), 4, "deleting a group is held, too");
    for user in &users[2..] {
        deactivate(&directory, user);
    }
    assert_eq!(count(), 1, "deactivating users never is");
}

#[test]
fn of_several_owners_who_lose_the_role_at_once_one_stays_unless_another_is_left() {
    let directory = Directory::start();
    let users: Vec<_> = (0..4).map(|n| directory.user(&format!("u{n}"))).collect();
    let all: Vec<_> = users.iter().map(String::as_str).collect();
    directory.group("staff", &all);
    let owners = directory.group("owners", &all);
    let leave = |users: &[String]| {
        let leaving = members(&users.iter().collect::<Vec<_>>());
        directory.patch(&format!("/Groups/{owners}"), json!({"op": "remove", "path": "members", "value": leaving}));
        let roles = directory.members("mapped", "role");
        roles.as_object().unwrap().values().filter(|role| **role == json!("owner")).count()
    };
    assert_eq!(leave(&users[..2]), 2, "two are left");
    assert_eq!(leave(&users[2..]), 1, "the last one keeps it");
}

#[test]
fn who_was_kept_as_the_last_owner_is_none_any_more_when_there_is_another() {
    let directory = Directory::start();
    let users = ["ada", "bea"].map(|name| directory.user(name));
    directory.group("staff", &[&users[0], &users[1]]);
    let owners = directory.group("owners", &[&users[0]]);
    let path = format!("/Groups/{owners}");
    let roles = |ada: &str, bea: &str| {
        assert_eq!(directory.members("mapped", "role"), json!({"ada@acme.example": ada, "bea@acme.example": bea}));
    };
    let hand_over = |to: &String| {
        directory.patch(&path, json!({"op": "replace", "path": "members", "value": members(&[to])}));
    };
    roles("owner", "user");
    // By one request, in whatever order it is worked off.
    hand_over(&users[1]);
    roles("user", "owner");
    hand_over(&users[0]);
    roles("owner", "user");
    // By one request after the other.
    directory.patch(&path, json!({"op": "remove", "path": "members"}));
    roles("owner", "user");
    directory.patch(&path, json!({"op": "add", "path": "members", "value": members(&[&users[1]])}));
    roles("user", "owner");
}

#[test]
fn a_last_owner_whom_the_same_request_follows_by_another_is_a_removal_as_any_other() {
    let after_handing_over = |policy: &str| {
        let directory = Directory { store: Store::start_by(policy) };
        let ada = directory.user("ada");
        // Whose turn is first.
        directory.store.clock.advance(1);
        let bea = directory.user("bea");
        let owners = directory.group("owners", &[&ada]);
        let hand_over = json!({"op": "replace", "path": "members", "value": members(&[&bea])});
        directory.patch(&format!("/Groups/{owners}"), hand_over);
        let held = directory.store.metric("usher_store_removals_held_total{organization=\"mapped\"}");
        (directory.members("mapped", "role"), held)
    };
    assert_eq!(after_handing_over(DIRECTORIES), (json!({"bea@acme.example": "owner"}), 0));
    let none = DIRECTORIES.replace("{members: 3, percent: 1}", "{members: 0, percent: 0}");
    let both = json!({"ada@acme.example": "owner", "bea@acme.example": "owner"});
    assert_eq!(after_handing_over(&none), (both, 1));
}

#[test]
fn who_was_kept_as_the_last_owner_is_found_behind_many_new_ones() {
    let directory = Directory::start();
    let names: Vec<_> = (0..12).map(|n| format!("u{n}")).collect();
    let users: Vec<_> = names.iter().map(|name| directory.user(name)).collect();
    let users: Vec<_> = users.iter().collect();
    let staff = directory.group("staff", &users.iter().map(|user| user.as_str()).collect::<Vec<_>>());
    directory.store.clock.advance(1);
    let ada = directory.user("ada");
    let owners = directory.group("owners", &[&ada]);
    let add = |group: &str, users: &[&String]| {
        let add = json!({"op": "add", "path": "members", "value": members(users)});
        directory.patch(&format!("/Groups/{group}"), add);
    };
    add(&staff, &[&ada]);
    directory.patch(&format!("/Groups/{owners}"), json!({"op": "remove", "path": "members"}));
    assert_eq!(directory.members("mapped", "role")["ada@acme.example"], json!("owner"), "the last one");
    add(&owners, &users);
    assert_eq!(directory.members("mapped", "role")["ada@acme.example"], json!("user"));
}

#[test]
fn an_email_that_is_free_again_is_the_next_users() {
    let directory = Directory::start();
    let user = |name: &str| json!({"schemas": [USER], "userName": name, "emails": [{"value": "shared@acme.example"}]});
    let first = id(&directory.expect(201, "POST", "/Users", Some(user("first"))));
    let second = id(&directory.expect(201, "POST", "/Users", Some(user("second"))));
    let before = directory.members("everyone", "id");
    assert_eq!(before.as_object().unwrap().len(), 1);
    directory.expect(204, "DELETE", &format!("/Users/{first}"), None);
    let after = directory.members("everyone", "id");
    assert_eq!(after.as_object().unwrap().len(), 1);
    assert_ne!(before, after, "a member made again is a new member");
    deactivate(&directory, &second);
    assert_eq!(directory.members("everyone", "id"), json!({}));
}

#[test]
fn one_who_was_a_member_before_stays_the_same_member() {
    let of_everyone = "hosts: [everyone.acme.example], provisioning: {mode: ";
    let by_hand = DIRECTORIES.replace(&format!("{of_everyone}scim}}"), &format!("{of_everyone}manual}}"));
    let store = Store::start_by(&by_hand);
    let before = store.add("everyone", &json!({"email": "ada@acme.example", "role": "admin"})).json;
    let directory = Directory { store: store.restart_with(DIRECTORIES) };
    directory.user("ada");
    let after = &directory.store.list("everyone", "")["members"][0];
    assert_eq!((&after["id"], &after["role"], &after["source"]), (&before["id"], &json!("admin"), &json!("scim")));
}

#[test]
fn a_first_login_is_linked_by_external_id_where_the_connection_says_so() {
    let by_id = DIRECTORIES.replace("{id: okta,", "{id: okta, scim_match: external_id, claims: {external_id: oid},");
    let directory = Directory { store: Store::start_by(&by_id) };
    directory.user("ada");
    let mut other = login("someone", 1, require());
    other["external_id"] = json!("ada");
    let (answer, member) = directory.store.answer("everyone", &other);
    assert_eq!((answer.as_str(), &member["subject"]), ("member", &json!("sub-someone")));
    other["subject"] = json!("sub-another");
    assert_eq!(directory.store.answer("everyone", &other).0, "conflict", "linked once");
}

#[test]
fn of_two_members_with_one_external_id_nobody_is_linked_to_either() {
    let by_id = DIRECTORIES.replace("{id: okta,", "{id: okta, scim_match: external_id, claims: {external_id: oid},");
    let directory = Directory { store: Store::start_by(&by_id) };
    for name in ["ada", "bob"] {
        let user = json!({"schemas": [USER], "userName": format!("{name}@acme.example"), "externalId": "00u1"});
        directory.expect(201, "POST", "/Users", Some(user));
    }
    for (n, name) in (1..).zip(["eve", "ada", "bob"]) {
        let login = with(&login(name, n, require()), json!({"external_id": "00u1"}));
        assert_eq!(directory.store.answer("everyone", &login).0, "conflict", "{name}");
    }
    assert_eq!(directory.members("everyone", "subject"), json!({"ada@acme.example": null, "bob@acme.example": null}));
}

#[test]
fn a_database_that_fails_midway_leaves_nothing() {
    let directory = Directory::start();
    let ada = directory.user("ada");
    let staff = directory.group("staff", &[]);
    directory.store.database.sql("ALTER TABLE changes RENAME TO changes_away");
    let user = json!({"schemas": [USER], "userName": "bea@acme.example"});
    let reply = directory.call("POST", "/Users", Some(user.clone()));
    reply.is_scim_error(503, None);
    assert_eq!(reply.header("retry-after"), "1");
    assert!(!reply.text.contains("changes"), "{}", reply.text);
    let add = json!({"Operations": [{"op": "add", "path": "members", "value": [{"value": ada}]}]});
    directory.call("PATCH", &format!("/Groups/{staff}"), Some(add)).is_scim_error(503, None);
    directory.call("DELETE", &format!("/Users/{ada}"), None).is_scim_error(503, None);
    directory.store.database.sql("ALTER TABLE changes_away RENAME TO changes");

    assert_eq!(directory.expect(200, "GET", "/Users", None)["totalResults"], json!(1));
    assert_eq!(directory.expect(200, "GET", &format!("/Groups/{staff}"), None).get("members"), None);
    assert_eq!(directory.members("everyone", "role"), json!({"ada@acme.example": "user"}));
    directory.expect(201, "POST", "/Users", Some(user));
}

#[test]
fn two_who_push_at_once_lose_nothing() {
    let directory = Directory::start();
    let staff = directory.group("staff", &[]);
    // On SQLite both push to the one store that a file is for.
    let replica = on_postgres().then(|| directory.store.replica());
    let users: Vec<_> = (0..20).map(|n| directory.user(&format!("u{n}"))).collect();
    std::thread::scope(|scope| {
        for (number, store) in [&directory.store, replica.as_ref().unwrap_or(&directory.store)].into_iter().enumerate()
        {
            let (users, staff) = (&users, &staff);
            scope.spawn(move || {
                for user in users.iter().skip(number).step_by(2) {
                    let add = json!({"Operations": [{"op": "add", "path": "members", "value": [{"value": user}]}]});
                    let path = format!("/scim/v2/acme/Groups/{staff}");
                    let reply = store.call("PATCH", &path, crate::suite::harness::SCIM, Some(&add));
                    assert_eq!(reply.status, 200, "{}", reply.text);
                }
            });
        }
    });
    let group = directory.expect(200, "GET", &format!("/Groups/{staff}"), None);
    assert_eq!((group["members"].as_array().map(Vec::len), &group["meta"]["version"]), (Some(20), &json!("W/\"21\"")));
    assert_eq!(directory.members("mapped", "role").as_object().unwrap().len(), 20);
    let created = directory.store.list("mapped", "?limit=1")["members"][0]["created_at"].clone();
    assert_eq!(created, json!("2026-01-01T00:00:00Z"), "{NEW_YEAR}");
}
