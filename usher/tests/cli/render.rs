//! `usher render envoy`.

mod clusters;

use serde_json::{Value, json};
use usher_policy_file::yaml_to_json;

use crate::support::{Folder, Outcome, policy, usher};

fn render(folder: &Folder, policy: &Value, more: &[&str]) -> Outcome {
    let file = folder.file("usher.json", &policy.to_string());
    usher(&[&["render", "envoy", &file], more].concat())
}

fn rendered(policy: &Value, more: &[&str]) -> Value {
    let outcome = render(&Folder::new(), policy, more);
    assert_eq!(outcome.code, 0, "{outcome:?}");
    yaml_to_json(&outcome.stdout).unwrap()
}

/// How every WebAssembly module begins.
const MODULE: &str = "\0asm\u{1}\0\0\0";

fn with_keys_at(uri: &str) -> Value {
    policy(&json!({"uri": uri, "cluster": "okta"}), &json!({}))
}

fn with_second_connection(uri: &str, cluster: &str) -> Value {
    let mut policy = with_keys_at("https://acme.okta.example/keys");
    let second = json!({
        "id": "entra", "issuer": "https://entra.example", "audiences": ["usher"], "jwks": {"uri": uri, "cluster": cluster},
    });
    policy["parents"][0]["connections"].as_array_mut().unwrap().push(second);
    policy["parents"][0]["organizations"][0]["primary_owner"] =
        json!({"email": "owner@acme.example", "connection": "okta"});
    policy
}

fn manager(bootstrap: &Value) -> &Value {
    &bootstrap["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
}

fn cluster<'a>(bootstrap: &'a Value, name: &str) -> &'a Value {
    let clusters = bootstrap["static_resources"]["clusters"].as_array().unwrap();
    clusters.iter().find(|cluster| cluster["name"] == name).unwrap_or_else(|| panic!("no cluster {name}"))
}

fn address(cluster: &Value) -> &Value {
    &cluster["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]["address"]["socket_address"]
}

#[test]
fn two_listeners_at_one_address_are_refused() {
    let policy = with_keys_at("https://acme.okta.example/keys");
    let outcome = render(&Folder::new(), &policy, &["--listen", "127.0.0.1:9901"]);
    assert_eq!(outcome.code, 1, "{outcome:?}");
    assert!(outcome.stderr.contains("`--listen` and `--admin` are both 127.0.0.1:9901"), "{outcome:?}");
    assert_eq!(render(&Folder::new(), &policy, &["--listen", "127.0.0.2:9901"]).code, 0);
}

#[test]
fn without_flags_the_bootstrap_is_complete() {
    let bootstrap = rendered(&with_keys_at("https://acme.okta.example/keys"), &[]);
    assert_eq!(bootstrap["admin"]["address"]["socket_address"], json!({"address": "127.0.0.1", "port_value": 9901}));
    let listener = &bootstrap["static_resources"]["listeners"][0];
    assert_eq!(listener["address"]["socket_address"], json!({"address": "127.0.0.1", "port_value": 10000}));
    assert_eq!(address(cluster(&bootstrap, "upstream")), &json!({"address": "127.0.0.1", "port_value": 8080}));
    assert_eq!(address(cluster(&bootstrap, "usher-store")), &json!({"address": "127.0.0.1", "port_value": 7070}));
    let filters = manager(&bootstrap)["http_filters"].as_array().unwrap();
    let names: Vec<_> = filters.iter().map(|filter| filter["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["usher", "envoy.filters.http.router"]);
}

#[test]
fn flags_say_where_things_are() {
    let flags = [
        "--listen",
        "0.0.0.0:8443",
        "--admin",
        "[::1]:9000",
        "--upstream",
        "App.internal:80",
        "--store",
        "10.0.0.7:7070",
    ];
    let bootstrap = rendered(&with_keys_at("https://acme.okta.example/keys"), &flags);
    let listener = &bootstrap["static_resources"]["listeners"][0];
    assert_eq!(listener["address"]["socket_address"], json!({"address": "0.0.0.0", "port_value": 8443}));
    assert_eq!(bootstrap["admin"]["address"]["socket_address"], json!({"address": "::1", "port_value": 9000}));
    let upstream = cluster(&bootstrap, "upstream");
    assert_eq!(
        (&upstream["type"], address(upstream)),
        (&json!("STRICT_DNS"), &json!({"address": "app.internal", "port_value": 80}))
    );
    let store = cluster(&bootstrap, "usher-store");
    assert_eq!(
        (&store["type"], address(store)),
        (&json!("STATIC"), &json!({"address": "10.0.0.7", "port_value": 7070}))
    );
}

#[test]
fn the_way_to_the_filter_hides_and_rewrites_nothing() {
    let bootstrap = rendered(&with_keys_at("https://acme.okta.example/keys"), &[]);
    let manager = manager(&bootstrap);
    assert_eq!(manager["normalize_path"], false);
    assert_eq!(manager["merge_slashes"], false);
    assert_eq!(manager["path_with_escaped_slashes_action"], "KEEP_UNCHANGED");
    let options = &manager["common_http_protocol_options"];
    assert_eq!(options["headers_with_underscores_action"], "DROP_HEADER");
    assert!(manager.get("strip_any_host_port").is_none() && manager.get("preserve_external_request_id").is_none());
}

#[test]
fn what_is_not_decided_goes_nowhere_and_is_not_waited_for_longer_than_a_verdict_takes() {
    let mut policy = with_keys_at("https://acme.okta.example/keys");
    for (store, keys, expected) in [("500ms", "2s", "11s"), ("3s", "2s", "18s"), ("100ms", "60s", "68s")] {
        policy["store"]["timeout"] = json!(store);
        policy["parents"][0]["connections"][0]["jwks"]["timeout"] = json!(keys);
        let bootstrap = rendered(&policy, &[]);
        let options = &manager(&bootstrap)["common_http_protocol_options"];
        assert_eq!(options["max_stream_duration"], expected, "{store}, {keys}");
    }
    let bootstrap = rendered(&policy, &[]);
    let routes = manager(&bootstrap)["route_config"]["virtual_hosts"][0]["routes"].as_array().unwrap().clone();
    let [decided @ .., last] = routes.as_slice() else { panic!("no routes") };
    assert_eq!((&last["match"], &last["direct_response"]), (&json!({"prefix": "/"}), &json!({"status": 503})));
    for route in decided {
        let key = route["match"]["filter_state"][0]["key"].as_str().unwrap();
        assert!(key.starts_with("wasm.usher."), "only the filter can set {key}");
        assert_eq!(route["route"]["max_stream_duration"]["max_stream_duration"], "3600s");
    }
}

#[test]
fn the_filter_gets_the_policy_as_a_string_value_and_is_restored_when_it_dies() {
    let source = with_keys_at("https://acme.okta.example/keys");
    let mut source_with_label = source.clone();
    source_with_label["store"] = json!({"cluster": "members", "token_env": "MY_TOKEN"});
    source_with_label["parents"][0]["organizations"][0]["provisioning"] = json!({"mode": "jit", "group_mappings": {"roles": [{"group": "${wasm}", "role": "user", "label": "Büro \"1\" 😀"}]}});
    let bootstrap = rendered(&source_with_label, &["--wasm", "filters/usher.wasm"]);
    let config = &manager(&bootstrap)["http_filters"][0]["typed_config"]["config"];
    assert_eq!(config["failure_policy"], "FAIL_RELOAD");
    assert_eq!(config["configuration"]["@type"], "type.googleapis.com/google.protobuf.StringValue");
    let document: Value = serde_json::from_str(config["configuration"]["value"].as_str().unwrap()).unwrap();
    assert_eq!(document, source_with_label);
    let vm = &config["vm_config"];
    assert_eq!(vm["runtime"], "envoy.wasm.runtime.v8");
    assert_eq!(vm["environment_variables"]["host_env_keys"], json!(["MY_TOKEN"]));
    let wasm = vm["code"]["local"]["filename"].as_str().unwrap();
    assert!(wasm.starts_with('/') && wasm.ends_with("/filters/usher.wasm"), "{wasm}");
    cluster(&bootstrap, "members");
}

#[test]
fn what_others_could_reach_or_read_comes_with_a_warning() {
    let folder = Folder::new();
    let keys = with_keys_at("https://acme.okta.example/keys");
    let quiet = render(&folder, &keys, &["--wasm", &folder.file("usher.wasm", MODULE)]);
    assert_eq!((quiet.code, quiet.stderr.as_str()), (0, ""));
    let wrong = render(&folder, &keys, &["--wasm", &folder.file("usher.yaml", "version: 1")]);
    assert_eq!((wrong.code, wrong.stdout.as_str()), (1, ""), "{wrong:?}");
    assert!(wrong.stderr.contains("not a WebAssembly module"), "{wrong:?}");
    let exposed = render(&folder, &keys, &["--admin", "0.0.0.0:9901", "--store", "store.internal:7070"]);
    assert!(exposed.stderr.contains("admin interface at 0.0.0.0:9901"), "{exposed:?}");
    assert!(exposed.stderr.contains("store at store.internal:7070 in plain http"), "{exposed:?}");
}

#[test]
fn the_access_log_shows_the_identity_and_never_a_credential() {
    let bootstrap = rendered(&with_keys_at("https://acme.okta.example/keys"), &[]);
    let fields = &manager(&bootstrap)["access_log"][0]["typed_config"]["log_format"]["json_format"];
    for name in ["organization", "member", "subject", "email", "role", "seat_tier", "reason"] {
        assert_eq!(fields[name], format!("%FILTER_STATE(wasm.usher.{name}:PLAIN)%"));
    }
    let text = fields.to_string().to_lowercase();
    for secret in ["%req(authorization", "%req(cookie", "%req(:path", "%path(wq"] {
        assert!(!text.contains(secret), "{text}");
    }
}

#[test]
fn the_same_input_renders_the_same() {
    let folder = Folder::new();
    let policy = with_second_connection("https://entra.example/keys", "entra");
    assert_eq!(render(&folder, &policy, &[]).stdout, render(&folder, &policy, &[]).stdout);
}

#[test]
fn what_cannot_be_rendered_is_told_and_nothing_is_printed() {
    let folder = Folder::new();
    let good = with_keys_at("https://acme.okta.example/keys");
    for (flags, message) in [
        (["--ca", "/no/such/ca.pem"], "--ca /no/such/ca.pem: cannot be read"),
        (["--listen", "edge.example:443"], "Envoy cannot listen on a name"),
        (["--store", "7070"], "must be host:port"),
        (["--upstream", "a b:1"], "neither an IP address"),
    ] {
        let outcome = render(&folder, &good, &flags);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (1, ""), "{outcome:?}");
        assert!(outcome.stderr.contains(message), "{outcome:?}");
    }
    let faulty = folder.file("faulty.yaml", "version: 1\nparents: 3\n");
    let (rendered, checked) = (usher(&["render", "envoy", &faulty]), usher(&["check", &faulty]));
    assert_eq!((rendered.code, rendered.stdout.as_str()), (1, ""));
    assert_eq!(rendered.stderr, checked.stderr);
}

#[test]
fn an_older_envoy_gets_what_it_has_and_a_warning_of_what_follows() {
    let good = with_keys_at("https://acme.okta.example/keys");
    let folder = Folder::new();
    let filter = |version: &str| {
        let outcome = render(&folder, &good, &["--envoy-version", version]);
        assert_eq!(outcome.code, 0, "{outcome:?}");
        let bootstrap = yaml_to_json(&outcome.stdout).unwrap();
        (manager(&bootstrap)["http_filters"][0]["typed_config"]["config"].clone(), outcome.stderr)
    };
    let (tested, quiet) = filter("1.36.4");
    assert!(
        tested["failure_policy"] == "FAIL_RELOAD" && tested["allow_on_headers_stop_iteration"] == false,
        "{tested}"
    );
    assert!(!quiet.contains("Envoy 1.36"), "{quiet}");
    let (older, warned) = filter("1.34");
    assert!(
        older["failure_policy"] == "FAIL_RELOAD" && older.get("allow_on_headers_stop_iteration").is_none(),
        "{older}"
    );
    assert!(warned.contains("tested on Envoy 1.36 to 1.40, and not on 1.34"), "{warned}");
    let (oldest, warned) = filter("1.32");
    assert!(oldest.get("failure_policy").is_none() && oldest.get("reload_config").is_none(), "{oldest}");
    assert!(warned.contains("a filter that dies stays dead"), "{warned}");
    let refused = render(&folder, &good, &["--envoy-version", "1.29"]);
    assert!(refused.code == 1 && refused.stdout.is_empty() && refused.stderr.contains("too old"), "{refused:?}");
}

#[test]
fn what_is_watched_is_in_files_that_envoy_reads_and_the_rest_in_the_bootstrap() {
    let folder = Folder::new();
    let watched = folder.path().join("new").join("watched");
    let name = watched.to_str().unwrap().to_owned();
    let keys = with_keys_at("https://acme.okta.example/keys");
    let outcome = render(&folder, &keys, &["--ecds", &name]);
    assert_eq!(outcome.code, 0, "{outcome:?}");
    let bootstrap = yaml_to_json(&outcome.stdout).unwrap();
    let names: Vec<_> =
        bootstrap["static_resources"]["clusters"].as_array().unwrap().iter().map(|c| &c["name"]).collect();
    assert_eq!(names, ["upstream"]);
    let filter = &manager(&bootstrap)["http_filters"][0];
    let source = &filter["config_discovery"]["config_source"]["path_config_source"]["path"];
    let (filter_file, clusters_file) = (watched.join("usher-filter.yaml"), watched.join("usher-clusters.yaml"));
    assert!(*source == json!(filter_file) && filter.get("typed_config").is_none(), "{filter}");
    let dynamic = &bootstrap["dynamic_resources"]["cds_config"]["path_config_source"]["path"];
    assert_eq!(*dynamic, json!(clusters_file));
    let read = |file: &std::path::Path| yaml_to_json(&std::fs::read_to_string(file).unwrap()).unwrap();
    let in_place = rendered(&keys, &[]);
    let filter = read(&filter_file)["resources"][0].clone();
    assert_eq!(filter["name"], "usher");
    assert_eq!(filter["typed_config"], manager(&in_place)["http_filters"][0]["typed_config"]);
    for mut cluster in read(&clusters_file)["resources"].as_array().unwrap().clone() {
        cluster.as_object_mut().unwrap().remove("@type");
        assert_eq!(&cluster, self::cluster(&in_place, cluster["name"].as_str().unwrap()));
    }
    let left: Vec<_> = std::fs::read_dir(&watched).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");

    let occupied = folder.file("file", "");
    let refused = render(&folder, &keys, &["--ecds", &occupied]);
    assert!(
        refused.code == 1 && refused.stdout.is_empty() && refused.stderr.contains("cannot be written"),
        "{refused:?}"
    );
}

#[test]
fn what_an_operator_adds_is_where_it_belongs() {
    let folder = Folder::new();
    let with = folder.file(
        "with.yaml",
        "before: [{name: first}]\nafter: [{name: second}]\nroutes: [{match: {prefix: /a}, route: {cluster: a}}]\nclusters: [{name: a}]\n",
    );
    let bootstrap = rendered(&with_keys_at("https://acme.okta.example/keys"), &["--with", &with]);
    let names: Vec<_> = manager(&bootstrap)["http_filters"].as_array().unwrap().iter().map(|f| &f["name"]).collect();
    assert_eq!(names, ["first", "usher", "second", "envoy.filters.http.router"]);
    let routes = &manager(&bootstrap)["route_config"]["virtual_hosts"][0]["routes"];
    assert_eq!(routes, &json!([{"match": {"prefix": "/a"}, "route": {"cluster": "a"}}]));
    cluster(&bootstrap, "a");
    cluster(&bootstrap, "upstream");
    for (text, words) in
        [("filters: []", "`filters` is not one of"), ("after: [", "YAML"), ("after: 1", "`after` must be a list")]
    {
        let refused =
            render(&folder, &with_keys_at("https://a.example/k"), &["--with", &folder.file("bad.yaml", text)]);
        assert!(refused.code == 1 && refused.stdout.is_empty() && refused.stderr.contains(words), "{refused:?}");
    }
}
