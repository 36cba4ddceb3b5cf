//! Large directories: what concerns one of many does not wait for the others.

use serde_json::json;

use super::Directory;

const MANY: usize = 1_500;

/// Makes many users past the store, all in one group.
fn fill(directory: &Directory, group: &str) {
    let all = format!("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {MANY}) ");
    let sql = |statement: &str| directory.store.database.sql(statement);
    sql("DELETE FROM directory_blocks WHERE kind = 'User'");
    sql(&format!(
        "{all} INSERT INTO directory_users (parent, id, place, user_name_key, document, created_at, updated_at, version) \
         SELECT 'acme', 'id-' || i, 10000 + i, 'u' || i, '{{\"userName\":\"u' || i || '\",\"active\":true}}', 0, 0, 1 FROM n"
    ));
    sql(&format!(
        "{all} INSERT INTO directory_group_members (parent, group_id, user_id) SELECT 'acme', '{group}', 'id-' || i FROM n"
    ));
    sql(&format!("UPDATE directory_groups SET members = {MANY} WHERE id = '{group}'"));
    sql(
        "INSERT INTO directory_blocks (parent, kind, block, resources) VALUES ('acme', 'User', 10, 999), ('acme', 'User', 11, 501)",
    );
    sql("UPDATE directories SET next_place = 20000");
}

#[test]
fn a_change_of_one_member_does_not_list_the_others() {
    let directory = Directory::start();
    let staff = directory.group("staff", &[]);
    let path = format!("/Groups/{staff}");
    fill(&directory, &staff);
    let ada = directory.user("ada");
    let group = directory.patch(&path, json!({"op": "add", "path": "members", "value": [{"value": ada}]}));
    assert_eq!(group.get("members"), None);
    assert_eq!(directory.members("mapped", "role"), json!({"ada@acme.example": "user"}));
    let whole = directory.expect(200, "GET", &path, None);
    assert_eq!(whole["members"].as_array().map(Vec::len), Some(MANY + 1));
    let filter = format!("/Groups?filter=members%20eq%20%22{ada}%22&attributes=displayName");
    assert_eq!(directory.expect(200, "GET", &filter, None)["totalResults"], json!(1));

    let few = json!([{"op": "replace", "path": "members", "value": [{"value": ada}, {"value": "id-7"}]}]);
    let group = directory.expect(200, "PATCH", &path, Some(json!({"Operations": few})));
    assert_eq!(group["members"].as_array().map(Vec::len), Some(2));
}

#[test]
fn the_last_page_is_found_without_the_first() {
    let directory = Directory::start();
    let staff = directory.group("staff", &[]);
    fill(&directory, &staff);
    for (start, first, count) in [(1, "u1", 200), (999, "u999", 200), (1000, "u1000", 200), (1499, "u1499", 2)] {
        let list = directory.expect(200, "GET", &format!("/Users?startIndex={start}&count=200"), None);
        assert_eq!((&list["totalResults"], &list["itemsPerPage"]), (&json!(MANY), &json!(count)), "{start}");
        assert_eq!(list["Resources"][0]["userName"], json!(first));
    }
    let list = directory.expect(200, "GET", "/Users?filter=userName%20sw%20%22u14%22&startIndex=100&count=50", None);
    assert_eq!((&list["totalResults"], &list["Resources"][0]["userName"]), (&json!(111), &json!("u1488")));
}

#[test]
fn a_free_seat_is_found_by_whoever_waits_behind_many_who_want_another() {
    const WAITING: usize = 1_100;
    let directory = Directory::start();
    let players = directory.group("players", &[]);
    let (ada, bob) = (directory.user("ada"), directory.user("bob"));
    directory.patch(
        &format!("/Groups/{players}"),
        json!({"op": "add", "path": "members", "value": [{"value": ada}, {"value": bob}]}),
    );
    let power = directory.group("power", &[&ada]);
    assert_eq!(
        directory.members("seated", "seat_tier"),
        json!({"ada@acme.example": "premium", "bob@acme.example": "standard"})
    );
    fill(&directory, &players);
    let sql = |statement: &str| directory.store.database.sql(statement);
    sql(&format!(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {WAITING}) \
         INSERT INTO members (organization, id, email, email_key, role, status, source, created_at, updated_at, \
         directory_user, pending_since) SELECT 'seated', 'm' || i, 'u' || i || '@acme.example', 'u' || i || '@acme.example', \
         'user', 'pending', 'scim', 0, 0, 'id-' || i, i FROM n"
    ));
    sql(
        "UPDATE directory_users SET document = '{\"userName\":\"' || user_name_key || '@acme.example\",\"active\":true}' \
         WHERE id LIKE 'id-%'",
    );
    // The last of all is the only one for whom a premium seat is one.
    sql(&format!(
        "INSERT INTO directory_group_members (parent, group_id, user_id) VALUES ('acme', '{power}', 'id-{WAITING}')"
    ));
    let seat_of = |n: usize| {
        let seat =
            format!("SELECT coalesce(seat_tier, '-') FROM members WHERE organization = 'seated' AND id = 'm{n}'");
        sql(&seat).trim().to_owned()
    };

    let leaves = |user: &str| {
        directory.patch(&format!("/Users/{user}"), json!({"op": "replace", "path": "active", "value": false}));
    };
    leaves(&ada);
    assert_eq!((seat_of(1), seat_of(WAITING)), ("-".to_owned(), "-".to_owned()), "a thousand were looked at");
    leaves(&bob);
    assert_eq!((seat_of(1), seat_of(WAITING)), ("standard".to_owned(), "premium".to_owned()));
}
