//! Members by hand: add, change, remove, and what the rules refuse.

use serde_json::{Value, json};

use crate::suite::harness::{ADMIN, Store, assign, ensure, id, login, members_path, require};

#[test]
fn adding_answers_201_with_the_members_place() {
    let store = Store::start();
    let reply = store
        .add("manual", &json!({"email": "Bea@Acme.Example", "role": "admin", "seat_tier": "standard", "name": "Bea"}));
    assert_eq!(reply.status, 201, "{}", reply.text);
    let member = &reply.json;
    assert_eq!(
        *member,
        json!({
            "id": member["id"], "organization": "manual", "email": "Bea@Acme.Example", "name": "Bea", "issuer": null,
            "subject": null, "role": "admin", "seat_tier": "standard", "status": "active", "source": "manual",
            "primary_owner": false, "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z",
            "last_login_at": null,
        })
    );
    assert_eq!(reply.header("location"), format!("{}/{}", members_path("manual"), id(member)));
    let shown = store.call("GET", reply.header("location"), ADMIN, None);
    assert_eq!((shown.status, &shown.json), (200, member));
}

#[test]
fn what_cannot_be_added_has_its_code() {
    let store = Store::start();
    store.add("manual", &json!({"email": "bea@acme.example"}));
    for (organization, body, status, code) in [
        ("manual", json!({"email": "BEA@acme.example"}), 409, "already_a_member"),
        ("manual", json!({"email": "bea@evil.example"}), 400, "domain_not_verified"),
        ("manual", json!({"email": "bea"}), 400, "invalid_email"),
        ("manual", json!({"email": "c@acme.example", "role": "root"}), 400, "unknown_role"),
        ("manual", json!({"email": "c@acme.example", "seat_tier": "gold"}), 400, "unknown_seat_tier"),
        ("scim", json!({"email": "c@acme.example"}), 409, "managed_by_directory"),
        ("mapped", json!({"email": "c@acme.example", "role": "user"}), 409, "managed_by_group_mappings"),
        ("mapped", json!({"email": "c@acme.example", "seat_tier": "premium"}), 409, "managed_by_group_mappings"),
        ("manual", json!({"email": "c@acme.example", "status": "active"}), 400, "invalid_request"),
        ("manual", json!({"role": "user"}), 400, "invalid_request"),
        ("manual", json!({"email": 1}), 400, "invalid_request"),
        ("manual", json!({"email": "c@acme.example", "name": "n".repeat(257)}), 400, "invalid_request"),
        ("manual", json!([]), 400, "invalid_request"),
        ("manual", json!(["c@acme.example", null, null, null]), 400, "invalid_request"),
        ("nowhere", json!({"email": "c@acme.example"}), 404, "organization_not_found"),
    ] {
        let reply = store.add(organization, &body);
        assert_eq!((reply.status, reply.json["code"].as_str()), (status, Some(code)), "{body}: {}", reply.text);
        reply.is_problem(status, code);
    }
    assert_eq!(store.emails("manual", ""), ["bea@acme.example"]);
}

#[test]
fn who_names_a_role_or_tier_that_there_is_none_of_is_told_which_there_are() {
    let store = Store::start();
    let bea = id(&store.add("manual", &json!({"email": "bea@acme.example"})).json);
    let roles = "the product has no such role; `claude` has `owner`, `admin`, `user`";
    let tiers = "the product has no such seat tier; `claude` has `premium`, `standard`";
    for (reply, detail) in [
        (store.add("manual", &json!({"email": "c@acme.example", "role": "root"})), roles),
        (store.add("manual", &json!({"email": "c@acme.example", "seat_tier": "gold"})), tiers),
        (store.edit("manual", &bea, &json!({"role": "root"})), roles),
        (store.edit("manual", &bea, &json!({"seat_tier": "gold"})), tiers),
        (store.call("GET", &format!("{}?role=root", members_path("manual")), ADMIN, None), roles),
    ] {
        assert_eq!((reply.status, reply.json["detail"].as_str()), (400, Some(detail)), "{}", reply.text);
    }
}

#[test]
fn a_named_tier_must_be_free_and_without_one_the_member_waits() {
    let store = Store::start();
    for name in ["a", "b"] {
        let body = json!({"email": format!("{name}@acme.example"), "seat_tier": "premium"});
        assert_eq!(store.add("five", &body).status, 201);
    }
    store.add("five", &json!({"email": "c@acme.example", "seat_tier": "premium"})).is_problem(409, "no_seat_available");
    for name in ["c", "d", "e"] {
        assert_eq!(store.add("five", &json!({"email": format!("{name}@acme.example")})).json["seat_tier"], "standard");
    }
    let waiting = store.add("five", &json!({"email": "f@acme.example"}));
    assert_eq!(
        (waiting.status, &waiting.json["status"], &waiting.json["seat_tier"]),
        (201, &json!("pending"), &Value::Null)
    );
}

#[test]
fn editing_changes_what_is_given_and_leaves_the_rest() {
    let store = Store::start();
    let added = store.add("manual", &json!({"email": "bea@acme.example", "seat_tier": "premium"})).json;
    store.clock.advance(5);
    let edited = store.edit("manual", &id(&added), &json!({"role": "admin"}));
    assert_eq!(edited.status, 200, "{}", edited.text);
    assert_eq!((&edited.json["role"], &edited.json["seat_tier"]), (&json!("admin"), &json!("premium")));
    assert_eq!(edited.json["updated_at"], "2026-01-01T00:00:05Z");

    let edited = store.edit("manual", &id(&added), &json!({"seat_tier": null}));
    assert_eq!((&edited.json["seat_tier"], &edited.json["status"]), (&Value::Null, &json!("active")));
    assert_eq!(store.edit("manual", &id(&added), &json!({"seat_tier": "standard"})).json["seat_tier"], "standard");
    let unchanged = store.edit("manual", &id(&added), &json!({}));
    assert_eq!(unchanged.json["updated_at"], "2026-01-01T00:00:05Z");
    assert_eq!(store.member("manual", &id(&added)).json, unchanged.json);
}

#[test]
fn what_cannot_be_edited_has_its_code() {
    let store = Store::start();
    let bea = id(&store.add("manual", &json!({"email": "bea@acme.example"})).json);
    let mapped = id(&store.answer("mapped", &login("cyd", 1, assign("user"))).1);
    let ada = id(&store.answer("mapped", &login("ada", 1, assign("user"))).1);
    for (organization, member, body, status, code) in [
        ("manual", bea.as_str(), json!({"role": "root"}), 400, "unknown_role"),
        ("manual", &bea, json!({"seat_tier": "gold"}), 400, "unknown_seat_tier"),
        ("manual", &bea, json!({"status": "pending"}), 400, "invalid_status"),
        ("manual", &bea, json!({"status": "gone"}), 400, "invalid_status"),
        ("manual", &bea, json!({"role": null}), 400, "invalid_request"),
        ("manual", &bea, json!({"status": null}), 400, "invalid_request"),
        ("manual", &bea, json!({"email": "x@acme.example"}), 400, "invalid_request"),
        ("manual", &bea, json!({"unlink": "yes"}), 400, "invalid_request"),
        ("mapped", &mapped, json!({"role": "admin"}), 409, "managed_by_group_mappings"),
        ("mapped", &mapped, json!({"seat_tier": null}), 409, "managed_by_group_mappings"),
        ("manual", &mapped, json!({"role": "admin"}), 404, "member_not_found"),
        ("manual", "nobody", json!({"role": "admin"}), 404, "member_not_found"),
    ] {
        let before = store.member(organization, member).json;
        let reply = store.edit(organization, member, &body);
        assert_eq!((reply.status, reply.json["code"].as_str()), (status, Some(code)), "{body}: {}", reply.text);
        let untold = |mut json: Value| {
            json.as_object_mut().unwrap().remove("request_id");
            json
        };
        assert_eq!(untold(store.member(organization, member).json), untold(before), "{body}");
    }
    store.remove("mapped", &ada).is_problem(409, "primary_owner");
}

#[test]
fn removing_answers_204_once_and_frees_the_seat() {
    let store = Store::start();
    let bea = id(&store.add("five", &json!({"email": "bea@acme.example"})).json);
    let reply = store.remove("five", &bea);
    assert_eq!((reply.status, reply.text.as_str()), (204, ""));
    assert_eq!(store.seats("five")["tiers"][0]["used"], 0);
    store.remove("five", &bea).is_problem(404, "member_not_found");
    store.member("five", &bea).is_problem(404, "member_not_found");
}

#[test]
fn who_was_removed_by_hand_stays_out_until_a_newer_ticket() {
    let store = Store::start();
    let (_, bea) = store.answer("jit", &login("bea", 1, ensure()));
    store.clock.advance(10);
    assert_eq!(store.remove("jit", &id(&bea)).status, 204);
    assert_eq!(store.answer("jit", &login("bea", 10, ensure())).0, "revoked");
    assert_eq!(store.answer("jit", &login("bea", 11, ensure())).0, "member");

    // The same for one who was never linked: kept by email.
    let cyd = store.add("jit", &json!({"email": "cyd@acme.example"})).json;
    assert_eq!(store.remove("jit", &id(&cyd)).status, 204);
    assert_eq!(store.answer("jit", &login("cyd", 10, ensure())).0, "revoked");
    assert_eq!(store.answer("jit", &login("cyd", 11, ensure())).0, "member");
}

#[test]
fn unlinking_lets_another_identity_link() {
    let store = Store::start();
    store.add("manual", &json!({"email": "bea@acme.example"}));
    let (_, bea) = store.answer("manual", &login("bea", 1, require()));
    let mut moved = login("bea", 2, require());
    moved["subject"] = json!("sub-at-new-idp");
    assert_eq!(store.answer("manual", &moved).0, "conflict");
    let unlinked = store.edit("manual", &id(&bea), &json!({"unlink": true}));
    assert_eq!((&unlinked.json["issuer"], &unlinked.json["subject"]), (&Value::Null, &Value::Null));
    let (answer, member) = store.answer("manual", &moved);
    assert_eq!((answer.as_str(), &member["id"]), ("member", &bea["id"]));
}

#[test]
fn the_last_owner_goes_by_hand_with_a_warning() {
    let store = Store::start();
    let add =
        |name: &str| id(&store.add("manual", &json!({"email": format!("{name}@acme.example"), "role": "owner"})).json);
    let (first, second) = (add("a"), add("b"));
    assert_eq!(store.edit("manual", &first, &json!({"role": "user"})).header("warning"), "");
    let demoted = store.edit("manual", &second, &json!({"role": "user"}));
    assert_eq!((demoted.status, demoted.header("warning")), (200, "299 usher \"last_owner\""));
    let third = add("c");
    let removed = store.remove("manual", &third);
    assert_eq!((removed.status, removed.header("warning")), (204, "299 usher \"last_owner\""));
}
