//! Rules of paths that protect nothing.

use serde_json::{Value, json};

use super::check;

fn access(path: &str) -> (&'static str, Value) {
    ("{O}/access", json!([{"path": path, "roles": ["owner"]}]))
}

fn bypass(path: &str, methods: Value) -> (&'static str, Value) {
    let mut rule = json!({"path": path});
    if methods.is_array() {
        rule["methods"] = methods;
    }
    ("{O}/bypass", json!([rule]))
}

#[test]
fn a_rule_outside_the_prefix_is_warned_of() {
    let prefix = ("{O}/path_prefix", json!("/team"));
    let outside: &[_] = &[("path_outside_prefix", "{O}.access[0].path")];
    check(vec![
        (&[access("/admin/"), prefix.clone()], outside),
        (&[access("/teams/admin"), prefix.clone()], outside),
        (&[access("/Team/"), prefix.clone()], outside),
        (&[bypass("/healthz", Value::Null), prefix.clone()], &[("path_outside_prefix", "{O}.bypass[0].path")]),
        (&[access("/team/admin/"), prefix.clone()], &[]),
        (&[access("/team"), prefix.clone()], &[]),
        (&[access("/team/"), prefix.clone()], &[]),
        (&[access("/"), prefix], &[]),
        (&[access("/admin/")], &[]),
    ]);
}

#[test]
fn a_rule_that_a_bypass_passes_by_is_warned_of() {
    let passed: &[_] = &[("access_bypassed", "{O}.access[0].path")];
    let everywhere = Value::Null;
    let reads = ("{O}/access", json!([{"path": "/a/", "methods": ["GET"], "roles": ["owner"]}]));
    check(vec![
        (&[access("/a/b/"), bypass("/a/", everywhere.clone())], passed),
        (&[access("/a/"), bypass("/a/", everywhere.clone())], passed),
        (&[access("/a"), bypass("/a/", everywhere.clone())], passed),
        (&[access("/a"), bypass("/a", everywhere.clone())], passed),
        (&[reads.clone(), bypass("/a/", json!(["GET", "POST"]))], passed),
        // Exceptions of a rule are meant.
        (&[access("/a/"), bypass("/a/b/", everywhere.clone())], &[]),
        (&[access("/a/"), bypass("/a", everywhere.clone())], &[]),
        (&[access("/a/"), bypass("/a/", json!(["OPTIONS"]))], &[]),
        (&[reads, bypass("/a/", json!(["POST"]))], &[]),
        (&[access("/ab"), bypass("/a/", everywhere)], &[]),
    ]);
}
