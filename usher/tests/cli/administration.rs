//! `usher members` and `usher seats`, against a real store.

use serde_json::{Value, json};
use usher_tests::http::Response;
use usher_tests::server::Server;

use crate::running_store::{ADMIN_TOKEN, RunningStore};
use crate::support::{outcome, usher};

fn store() -> RunningStore {
    RunningStore::start(&json!({"caps": {"premium": 1, "standard": 1000}, "default": "standard"}))
}

#[test]
fn a_member_goes_through_every_verb() {
    let store = store();
    let added =
        store.usher(&["members", "add", "acme-chat", "ada@acme.example", "--role", "owner", "--name", "Ada", "--json"]);
    assert_eq!(added.code, 0, "{added:?}");
    let member = added.json();
    let id = member["id"].as_str().unwrap();
    assert_eq!(
        (&member["role"], &member["seat_tier"], &member["name"]),
        (&json!("owner"), &json!("standard"), &json!("Ada"))
    );

    // The email stands for the id, whatever its case.
    for name in [id, "ADA@acme.example"] {
        let shown = store.usher(&["members", "show", "acme-chat", name, "--json"]);
        assert_eq!((shown.code, &shown.json()), (0, &member), "{shown:?}");
    }

    let changed =
        store.usher(&["members", "change", "acme-chat", id, "--role", "admin", "--seat-tier", "premium", "--json"]);
    assert_eq!((&changed.json()["role"], &changed.json()["seat_tier"]), (&json!("admin"), &json!("premium")));
    assert_eq!(changed.stderr, "warning: last_owner: no active member has the top role any more\n");

    let unseated = store.usher(&["members", "change", "acme-chat", id, "--seat-tier", "none", "--json"]);
    assert_eq!((unseated.code, &unseated.json()["seat_tier"]), (0, &Value::Null), "{unseated:?}");

    for (verb, status) in [("suspend", "suspended"), ("activate", "active"), ("unlink", "active")] {
        let done = store.usher(&["members", verb, "acme-chat", id, "--json"]);
        assert_eq!((done.code, &done.json()["status"]), (0, &json!(status)), "{verb}: {done:?}");
    }

    let removed = store.usher(&["members", "remove", "acme-chat", "ada@acme.example", "--json"]);
    assert_eq!((removed.code, &removed.json()), (0, &json!({"removed": id})), "{removed:?}");
    assert_eq!(store.usher(&["members", "list", "acme-chat", "--json"]).json(), json!({"members": []}));
}

#[test]
fn people_see_aligned_columns() {
    let store = store();
    store.usher(&[
        "members",
        "add",
        "acme-chat",
        "ada.lovelace@acme.example",
        "--role",
        "admin",
        "--seat-tier",
        "premium",
    ]);
    store.usher(&["members", "add", "acme-chat", "bo@acme.example"]);
    let listed = store.usher(&["members", "list", "acme-chat"]);
    let lines: Vec<_> = listed.stdout.lines().collect();
    assert_eq!(lines.len(), 3, "{listed:?}");
    assert!(
        lines[0].starts_with("EMAIL                      ROLE   SEAT TIER  STATUS  SOURCE  LAST LOGIN  ID"),
        "{listed:?}"
    );
    assert!(
        lines[1].starts_with("ada.lovelace@acme.example  admin  premium    active  manual  -           "),
        "{listed:?}"
    );
    assert!(
        lines[2].starts_with("bo@acme.example            user   standard   active  manual  -           "),
        "{listed:?}"
    );

    let seats = store.usher(&["seats", "acme-chat"]);
    assert_eq!(seats.stdout, "SEAT TIER  USED  CAP\npremium    1     1\nstandard   1     1000\npending: 0\n");
    let seats = store.usher(&["seats", "acme-chat", "--json"]).json();
    assert_eq!(seats["tiers"][0], json!({"tier": "premium", "cap": 1, "used": 1}));
}

#[test]
fn who_is_pending_is_told_with_what_ends_it() {
    let store = RunningStore::start(&json!({"caps": {"premium": 1, "standard": 1}, "default": "standard"}));
    let seated = store.usher(&["members", "add", "acme-chat", "ada@acme.example", "--json"]);
    assert_eq!((seated.code, seated.stderr.as_str()), (0, ""), "{seated:?}");
    let waits = store.usher(&["members", "add", "acme-chat", "bo@acme.example", "--json"]);
    let member = waits.json();
    assert_eq!((waits.code, &member["status"]), (0, &json!("pending")), "{waits:?}");
    let id = member["id"].as_str().unwrap();
    for words in ["`usher seats acme-chat`", &format!("`usher members change acme-chat {id} --seat-tier TIER`")] {
        assert!(
            waits.stderr.starts_with("note: a pending member ") && waits.stderr.contains(words),
            "{words}: {waits:?}"
        );
    }
    let given = store.usher(&["members", "change", "acme-chat", id, "--seat-tier", "premium", "--json"]);
    assert_eq!((given.code, &given.json()["status"], given.stderr.as_str()), (0, &json!("active"), ""), "{given:?}");
}

#[test]
fn a_list_can_be_narrowed() {
    let store = store();
    for (name, role) in [("ada", "admin"), ("ben", "user"), ("cleo", "user")] {
        store.usher(&["members", "add", "acme-chat", &format!("{name}@acme.example"), "--role", role]);
    }
    store.usher(&["members", "suspend", "acme-chat", "cleo@acme.example"]);
    for (filter, expected) in [
        (["--role", "user"], vec!["ben@acme.example", "cleo@acme.example"]),
        (["--status", "suspended"], vec!["cleo@acme.example"]),
        (["--email", "ada@acme.example"], vec!["ada@acme.example"]),
        (["--email", "nobody+1&role=x@acme.example"], vec![]),
    ] {
        let listed = store.usher(&[&["members", "list", "acme-chat", "--json"], filter.as_slice()].concat());
        let members = listed.json()["members"].as_array().unwrap().clone();
        let emails: Vec<_> = members.iter().map(|member| member["email"].as_str().unwrap()).collect();
        assert_eq!(emails, expected, "{filter:?}");
    }
}

#[test]
fn a_list_has_every_page() {
    let store = store();
    let agent = ureq::agent();
    let url = format!("http://{}/v1/organizations/acme-chat/members", store.address);
    let count = 501;
    for number in 0..count {
        let answer = agent
            .post(&url)
            .header("authorization", format!("Bearer {ADMIN_TOKEN}"))
            .send_json(json!({"email": format!("m{number:03}@acme.example")}))
            .unwrap();
        assert_eq!(answer.status(), 201);
    }
    let listed = store.usher(&["members", "list", "acme-chat", "--json"]);
    let members = listed.json()["members"].as_array().unwrap().clone();
    let mut emails: Vec<_> = members.iter().map(|member| member["email"].as_str().unwrap()).collect();
    emails.sort_unstable();
    emails.dedup();
    assert_eq!(emails.len(), count);
}

#[test]
fn the_store_s_no_is_told_with_its_code() {
    let store = store();
    store.usher(&["members", "add", "acme-chat", "ada@acme.example", "--seat-tier", "premium"]);
    for (arguments, code) in [
        (["members", "add", "acme-chat", "ada@acme.example"].as_slice(), "already_a_member: "),
        (&["members", "add", "acme-chat", "ben@acme.example", "--seat-tier", "premium"], "no_seat_available: "),
        (&["members", "add", "acme-chat", "ben@elsewhere.example"], "domain_not_verified: "),
        (&["members", "list", "nowhere"], "organization_not_found: "),
        (&["members", "list", "../../acme-chat"], "organization_not_found: "),
        (&["members", "show", "acme-chat", "no-such-id"], "member_not_found: "),
        (&["members", "remove", "acme-chat", "nobody@acme.example"], "member_not_found: "),
        (&["seats", "nowhere"], "organization_not_found: "),
    ] {
        let outcome = store.usher(arguments);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (1, ""), "{arguments:?}: {outcome:?}");
        assert!(outcome.stderr.starts_with(&format!("error: {code}")), "{arguments:?}: {outcome:?}");
    }
}

#[test]
fn a_token_is_needed_and_never_shown() {
    let store = store();
    let missing = outcome(store.command(&["seats", "acme-chat"]).env_remove("USHER_ADMIN_TOKEN"));
    assert_eq!(missing.code, 1);
    assert!(missing.stderr.contains("USHER_ADMIN_TOKEN"), "{missing:?}");

    let wrong = outcome(store.command(&["seats", "acme-chat"]).env("USHER_ADMIN_TOKEN", "guessed-and-wrong-token"));
    assert_eq!(wrong.code, 1);
    assert!(wrong.stderr.starts_with("error: unauthorized: USHER_ADMIN_TOKEN "), "{wrong:?}");
    assert!(!wrong.stderr.contains("guessed-and-wrong-token"), "{wrong:?}");
}

#[test]
fn a_store_that_is_none_is_told() {
    // A port that nobody listens on, for as long as this holds it.
    let held = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = held.local_addr().unwrap().port();
    drop(held);
    let url = format!("http://127.0.0.1:{port}");
    let store = store();
    let unreachable = outcome(&mut store.command(&["seats", "acme-chat", "--store", &url]));
    assert_eq!(unreachable.code, 1);
    assert!(unreachable.stderr.starts_with(&format!("error: the store at {url} does not answer: ")), "{unreachable:?}");

    let wrong = outcome(&mut store.command(&["seats", "acme-chat", "--store", "127.0.0.1"]));
    assert!(wrong.code == 1 && wrong.stderr.contains("must be http://HOST:PORT"), "{wrong:?}");
}

#[test]
fn what_another_server_answers_is_not_taken_for_the_store_s() {
    let store = store();
    for document in [json!([]), json!({}), json!({"ok": true}), json!("gone"), json!(null)] {
        let server = Server::start({
            let document = document.clone();
            move |_| Response::json(200, &document)
        })
        .unwrap();
        let url = format!("http://{}", server.address());
        for arguments in [
            ["seats", "acme-chat"].as_slice(),
            &["members", "list", "acme-chat"],
            &["members", "add", "acme-chat", "ada@acme.example"],
            &["members", "show", "acme-chat", "some-id"],
            &["members", "suspend", "acme-chat", "some-id"],
            &["members", "remove", "acme-chat", "some-id"],
            &["audit"],
            &["sync", "acme"],
        ] {
            let outcome = outcome(store.command(arguments).args(["--store", &url]));
            assert_eq!((outcome.code, outcome.stdout.as_str()), (1, ""), "{document} to {arguments:?}: {outcome:?}");
            let says = "this is not the answer of an usher store (200)";
            assert!(outcome.stderr.contains(says), "{document} to {arguments:?}: {outcome:?}");
        }
    }
}

#[test]
fn a_change_must_change_something() {
    let outcome = usher(&["members", "change", "acme-chat", "x"]);
    assert_eq!(outcome.code, 1);
    assert!(outcome.stderr.contains("--role") && outcome.stderr.contains("--seat-tier"), "{outcome:?}");
}

#[test]
fn the_audit_shows_who_changed_what_and_as_json_one_entry_a_line() {
    let store = store();
    store.usher(&["members", "add", "acme-chat", "ada@acme.example", "--role", "owner"]);
    store.usher(&["members", "change", "acme-chat", "ada@acme.example", "--role", "admin"]);
    let shown = store.usher(&["audit", "acme-chat"]);
    assert_eq!(shown.code, 0, "{shown:?}");
    let lines: Vec<_> = shown.stdout.lines().collect();
    assert_eq!(lines.len(), 3, "{shown:?}");
    assert!(lines[0].starts_with("AT ") && lines[0].ends_with("REQUEST"), "{shown:?}");
    assert!(lines[1].contains("administrator admin  member_created  acme-chat     ada@acme.example"), "{shown:?}");
    assert!(lines[2].contains("role owner -> admin") && lines[2].contains("changed by hand"), "{shown:?}");

    let all = store.usher(&["audit", "--json"]);
    let entries: Vec<Value> = all.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let actions = entries.iter().map(|entry| entry["action"].as_str().unwrap());
    // That the token was used is noted beside.
    let actions: Vec<_> = actions.filter(|action| *action != "token_used").collect();
    assert_eq!(actions, ["policy_in_force", "member_created", "member_changed"]);
    let id = entries.iter().find_map(|entry| entry["member"].as_str()).unwrap();
    assert_eq!(store.usher(&["audit", "--json", "--member", id]).stdout.lines().count(), 2);
    assert_eq!(store.usher(&["audit", "--json", "--since", "4102444800"]).stdout, "");
    let elsewhere = store.usher(&["audit", "elsewhere", "--json"]);
    assert_eq!((elsewhere.code, elsewhere.stdout.as_str()), (0, ""));
    assert!(elsewhere.stderr.contains("no entries"), "{elsewhere:?}");
    let unheard_of = store.usher(&["audit", "--request", "no-such-request"]);
    assert!(unheard_of.code == 0 && unheard_of.stderr.contains("no entries"), "{unheard_of:?}");
    assert_eq!(store.usher(&["audit", "acme-chat"]).stderr, "");
}

#[test]
fn members_are_exported_as_csv_over_all_pages_and_none_is_a_formula() {
    let store = store();
    let add = |member: Value| {
        let url = format!("http://{}/v1/organizations/acme-chat/members", store.address);
        let request = ureq::post(url).header("authorization", format!("Bearer {ADMIN_TOKEN}"));
        assert_eq!(request.send_json(member).unwrap().status(), 201);
    };
    add(json!({"email": "ada@acme.example", "name": "=HYPERLINK(\"http://evil.example\",\"Ada\")", "role": "owner"}));
    add(json!({"email": "+bea@acme.example", "name": "Bea \"B\" Miller, Ph.D."}));
    // More than one page, which has 500.
    for n in 0..500 {
        add(json!({"email": format!("m{n}@acme.example")}));
    }

    let exported = store.usher(&["members", "export", "acme-chat"]);
    assert_eq!((exported.code, exported.stderr.as_str()), (0, ""), "no progress where there is no terminal");
    let lines: Vec<_> = exported.stdout.split("\r\n").collect();
    assert_eq!((lines.len(), lines[503]), (504, ""));
    assert!(lines[0].starts_with("id,organization,email,name,issuer,subject,role,"), "{}", lines[0]);
    assert!(lines[1].contains(",ada@acme.example,\"'=HYPERLINK(\"\"http://evil.example\"\",\"\"Ada\"\")\",,,owner,standard,active,manual,false,"), "{}", lines[1]);
    assert!(lines[2].contains(",'+bea@acme.example,\"Bea \"\"B\"\" Miller, Ph.D.\",,,user,"), "{}", lines[2]);
    assert!(lines[502].contains(",m499@acme.example,"), "{}", lines[502]);

    let owners = store.usher(&["members", "export", "acme-chat", "--role", "owner", "--json"]);
    let owner: Value = serde_json::from_str(owners.stdout.trim()).unwrap();
    assert_eq!(owner["email"], "ada@acme.example");
    let listed = store.usher(&["members", "list", "acme-chat"]);
    assert_eq!((listed.stdout.lines().count(), listed.stderr.as_str()), (503, ""));
    let elsewhere = store.usher(&["members", "export", "elsewhere"]);
    assert!(elsewhere.code == 1 && elsewhere.stderr.contains("organization_not_found"), "{elsewhere:?}");
}
