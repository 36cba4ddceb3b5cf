//! Tables that a push has just filled: PostgreSQL knows nothing of what is in them, and must find single rows all the same.

use serde_json::json;

use super::{name, rows_read, stop_and_count};
use crate::suite::harness::{SCIM, Store};
use crate::suite::server::postgres;

/// Users of the parent, and of one of its groups.
const USERS: u64 = 20_000;

/// What the requests of this test may read, of 20,000 in each table.
const FEW: u64 = 3_000;

/// As a push leaves it, without what autovacuum does about it after a while.
const FILL: &str = "
    ALTER TABLE directory_users SET (autovacuum_enabled = false);
    ALTER TABLE directory_groups SET (autovacuum_enabled = false);
    ALTER TABLE directory_group_members SET (autovacuum_enabled = false);
    INSERT INTO directories (parent, next_place) VALUES ('acme', 30000);
    INSERT INTO directory_users (parent, id, place, user_name_key, document, created_at, updated_at, version)
        SELECT 'acme', 'u-' || md5(n::text), n, 'u' || n, '{\"userName\": \"u' || n || '\"}', 0, 0, 1
        FROM generate_series(1, 20000) AS n;
    INSERT INTO directory_blocks (parent, kind, block, resources)
        SELECT 'acme', 'User', n / 1000, count(*) FROM generate_series(1, 20000) AS n GROUP BY n / 1000;
    INSERT INTO directory_groups (parent, id, place, display_name, display_name_key, document, created_at, updated_at, version, members)
        SELECT 'acme', 'g-' || n, n, 'g' || n, 'g' || n, '{\"displayName\": \"g' || n || '\"}', 0, 0, 1, 20000
        FROM generate_series(1, 2) AS n;
    INSERT INTO directory_blocks (parent, kind, block, resources) VALUES ('acme', 'Group', 0, 2);
    INSERT INTO directory_group_members (parent, group_id, user_id)
        SELECT 'acme', 'g-1', 'u-' || md5(n::text) FROM generate_series(1, 20000) AS n;
";

#[test]
fn a_page_and_a_change_read_no_more_than_they_are_about() {
    let mut store = Store::start();
    let database = name(&store.database).to_owned();
    postgres().sql(&database, FILL);
    let id = |n: u64| postgres().sql(&database, &format!("SELECT 'u-' || md5('{n}')")).trim().to_owned();
    let (known, other) = (id(10_050), id(4));
    let before = rows_read(&database, "^directory_");

    let page = store.call("GET", "/scim/v2/acme/Users?startIndex=10001&count=100", SCIM, None);
    assert_eq!(page.json["totalResults"], USERS, "{}", page.text);
    assert_eq!(page.json["Resources"].as_array().unwrap().len(), 100);
    for user in page.json["Resources"].as_array().unwrap() {
        assert_eq!(user["groups"][0]["value"], "g-1", "{user}");
    }
    let asked = format!(
        "/scim/v2/acme/Groups?filter=id%20eq%20%22g-1%22%20and%20members%20eq%20%22{known}%22&excludedAttributes=members"
    );
    let found = store.call("GET", &asked, SCIM, None);
    assert_eq!(found.json["totalResults"], 1, "{}", found.text);
    let add = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "add", "path": "members", "value": [{"value": known}, {"value": other}]}],
    });
    let patched = store.call("PATCH", "/scim/v2/acme/Groups/g-2", SCIM, Some(&add));
    assert_eq!(patched.status, 200, "{}", patched.text);

    stop_and_count(&mut store, &database);
    let rows = rows_read(&database, "^directory_") - before;
    assert!((100..FEW).contains(&rows), "{rows} rows were read");
}
