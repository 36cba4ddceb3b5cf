//! `cargo xtask sbom`: what usher is made of, as CycloneDX 1.5, from the lock file; and whether all of it may be used.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::{paths, shell, target};

/// Licences that each let us do what we do; `deny.toml` has the same list.
const ALLOWED: [&str; 11] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Zlib",
];

/// The one registry that anything comes from.
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// What is shipped: a package, and the targets that it is built for.
const SHIPPED: [(&str, &[&str]); 2] =
    [("usher", &[target::STATIC_AMD64, target::STATIC_ARM64]), ("usher-filter", &[target::WASM])];

/// Writes `target/usher/usher.cdx.json` and `usher-filter.cdx.json`, or says what may not be used.
pub(crate) fn sbom() -> Result<()> {
    for (package, targets) in SHIPPED {
        let document = bill(package, &metadata(targets)?)?;
        let file = paths::output()?.join(format!("{package}.cdx.json"));
        std::fs::write(&file, serde_json::to_vec_pretty(&document)?)?;
        let count = document.get("components").and_then(Value::as_array).map_or(0, Vec::len);
        shell::progress(&format!("{}: {count} components", file.display()));
    }
    Ok(())
}

/// What cargo says of the workspace, as it is built for these targets; for every one there is, where none is named.
fn metadata(targets: &[&str]) -> Result<Value> {
    let mut cargo = shell::cargo()?;
    cargo.args(["metadata", "--format-version", "1", "--locked"]);
    for target in targets {
        cargo.args(["--filter-platform", target]);
    }
    Ok(serde_json::from_str(&shell::capture(&mut cargo, "install Rust with rustup")?)?)
}

/// A package of others that is in what is shipped.
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) version: String,
    /// An SPDX expression.
    pub(crate) licence: String,
    /// Its sources.
    pub(crate) folder: PathBuf,
}

/// Everything that the command or the filter is made of and that is not ours, by name and version.
pub(crate) fn parts() -> Result<Vec<Part>> {
    let mut parts = BTreeMap::new();
    for (package, targets) in SHIPPED {
        let metadata = metadata(targets)?;
        for found in
            reached(package, &metadata)?.iter().filter(|found| found.get("source").is_some_and(Value::is_string))
        {
            let (name, version) = (text(found, "name").to_owned(), text(found, "version").to_owned());
            let folder = Path::new(text(found, "manifest_path")).parent().context("a folder")?.to_owned();
            let licence = text(found, "license").to_owned();
            parts.insert((name.clone(), version.clone()), Part { name, version, licence, folder });
        }
    }
    Ok(parts.into_values().collect())
}

/// Everything that a package is built of, itself too; what only its tests or builds need left out.
fn reached<'m>(package: &str, metadata: &'m Value) -> Result<Vec<&'m Value>> {
    let packages = list(metadata, "packages");
    let nodes = metadata.get("resolve").map(|resolve| list(resolve, "nodes")).unwrap_or_default();
    let (mut reached, mut waiting) = (BTreeSet::new(), vec![text(named(package, metadata)?, "id").to_owned()]);
    while let Some(id) = waiting.pop() {
        if !reached.insert(id.clone()) {
            continue;
        }
        let node = nodes.iter().find(|node| text(node, "id") == id).with_context(|| id.clone())?;
        let normal = list(node, "deps").iter().filter(|dependency| {
            list(dependency, "dep_kinds").iter().any(|kind| kind.get("kind").is_some_and(Value::is_null))
        });
        waiting.extend(normal.map(|dependency| text(dependency, "pkg").to_owned()));
    }
    let find = |id: &String| packages.iter().find(|package| text(package, "id") == id).with_context(|| id.clone());
    reached.iter().map(find).collect()
}

fn named<'m>(package: &str, metadata: &'m Value) -> Result<&'m Value> {
    list(metadata, "packages").iter().find(|known| text(known, "name") == package).with_context(|| package.to_owned())
}

/// The bill of one package.
fn bill(package: &str, metadata: &Value) -> Result<Value> {
    let root = named(package, metadata)?;
    let (mut components, mut faults) = (Vec::new(), Vec::new());
    for package in reached(package, metadata)? {
        let (name, version, licence) = (text(package, "name"), text(package, "version"), text(package, "license"));
        if !may_be_used(licence) {
            faults.push(format!("{name} {version}: licence `{licence}`"));
        }
        match package.get("source").and_then(Value::as_str) {
            None => {}
            Some(REGISTRY) => components.push(json!({
                "type": "library",
                "bom-ref": format!("pkg:cargo/{name}@{version}"),
                "purl": format!("pkg:cargo/{name}@{version}"),
                "name": name,
                "version": version,
                "licenses": [{"expression": licence.replace(" / ", " OR ").replace('/', " OR ")}],
            })),
            Some(elsewhere) => faults.push(format!("{name} {version}: from {elsewhere}")),
        }
    }
    if !faults.is_empty() {
        bail!("may not be used: {}", faults.join("; "));
    }
    Ok(json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": {
            "type": "application", "name": package, "version": text(root, "version"), "licenses": [{"expression": text(root, "license")}],
        }},
        "components": components,
    }))
}

/// Whether an SPDX expression (with `/` for OR, as old packages write it) is met by what is allowed.
fn may_be_used(expression: &str) -> bool {
    let plain = expression.replace(['(', ')'], "").replace(" / ", " OR ").replace('/', " OR ");
    // AND binds stronger, but no package that we know mixes both without brackets around the OR: all parts must then do.
    plain.split(" AND ").all(|part| part.split(" OR ").any(|licence| ALLOWED.contains(&licence.trim())))
}

fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{ALLOWED, SHIPPED, bill, may_be_used, metadata};

    #[test]
    fn everything_that_is_shipped_may_be_used_and_comes_from_one_registry() {
        for (package, _) in SHIPPED {
            let document = bill(package, &metadata(&[]).unwrap()).unwrap();
            assert!(document["components"].as_array().unwrap().len() > 20, "{package}");
        }
    }

    #[test]
    fn an_expression_is_met_or_not() {
        for good in [
            "MIT",
            "MIT OR GPL-3.0",
            "MIT/Apache-2.0",
            "(MIT OR Apache-2.0) AND Unicode-3.0",
            "Apache-2.0 WITH LLVM-exception",
        ] {
            assert!(may_be_used(good), "{good}");
        }
        for bad in ["", "GPL-3.0", "MIT AND GPL-3.0", "AGPL-3.0-only OR SSPL-1.0", "Apache-2.0 WITH Unknown-exception"]
        {
            assert!(!may_be_used(bad), "{bad}");
        }
    }

    #[test]
    fn cargo_deny_is_told_the_same() {
        let deny = std::fs::read_to_string(crate::paths::root().unwrap().join("deny.toml")).unwrap();
        let listed: Vec<_> =
            deny.lines().filter_map(|line| line.trim().strip_prefix('"')?.strip_suffix("\",")).collect();
        assert_eq!(listed, ALLOWED);
    }
}
