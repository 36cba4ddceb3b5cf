//! Kubernetes objects, and the schemas of their kinds.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, anyhow, ensure};
use serde_json::{Value, json};
use usher_policy_file::yaml_to_json;
use usher_tests::binaries;

/// A folder of the ready configurations.
pub(crate) fn config(name: &str) -> PathBuf {
    binaries::workspace().join("envoy-config").join(name)
}

/// The objects of a file.
pub(crate) fn objects(text: &str) -> Result<Vec<Value>> {
    let documents = text.split("\n---\n").map(|text| text.strip_prefix("---\n").unwrap_or(text));
    documents.map(|text| yaml_to_json(text).map_err(|faults| anyhow!("{faults:?}: {text}"))).collect()
}

/// One object, by its kind and name.
pub(crate) fn find<'a>(objects: &'a [Value], kind: &str, name: &str) -> Result<&'a Value> {
    let named = |object: &&Value| object.pointer("/metadata/name").and_then(Value::as_str) == Some(name);
    let found = objects.iter().filter(|object| object.get("kind").and_then(Value::as_str) == Some(kind)).find(named);
    found.with_context(|| format!("no {kind} {name}"))
}

/// What the schemas say; nothing where all is well.
pub(crate) fn faults(objects: &[Value]) -> Result<String> {
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), serde_json::to_vec(objects)?)?;
    let output = Command::new(binaries::node())
        .arg("check.mjs")
        .arg(file.path())
        .current_dir(binaries::kinds()?)
        .output()
        .context("Node.js is needed: run `cargo xtask test`")?;
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success() == words.is_empty(), "{}: {words}", output.status);
    Ok(words)
}

/// Breaks an object of a kind in each of these places (null takes the field away): the schemas must find all of it.
pub(crate) fn are_noticed(broken: &[(&[Value], &str, &str, Value)]) -> Result<()> {
    let mut all = Vec::new();
    for (number, (objects, kind, pointer, value)) in broken.iter().enumerate() {
        let mut object =
            objects.iter().find(|object| object["kind"] == *kind).with_context(|| format!("no {kind}"))?.clone();
        object["metadata"]["name"] = json!(format!("broken-{number}"));
        let (parent, field) = pointer.rsplit_once('/').context("a pointer")?;
        let parent = object.pointer_mut(parent).and_then(Value::as_object_mut).context("a parent")?;
        match value {
            Value::Null => drop(parent.remove(field)),
            value => drop(parent.insert(field.to_owned(), value.clone())),
        }
        all.push(object);
    }
    let faults = faults(&all)?;
    for (number, (_, kind, pointer, _)) in broken.iter().enumerate() {
        let told = format!("{kind} broken-{number}: ");
        ensure!(faults.lines().any(|line| line.starts_with(&told)), "{kind}{pointer} goes unnoticed: {faults}");
    }
    Ok(())
}
