//! PATCH of a group's members: in every form, and as one change whatever their order.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::scim::error::{ScimError, ScimErrorKind};
use crate::scim::patch::{MemberChange, MemberDelta, Patch, fold};
use crate::scim::resource::Document;
use crate::scim::resource::ResourceType::Group;

fn ids(ids: &[&str]) -> BTreeSet<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

/// What operations on a group do to its members, where `a` to `d` are known.
fn members(operations: Value) -> Result<MemberDelta, ScimError> {
    let group = Document::from_stored(Group, Map::from_iter([("displayName".to_owned(), json!("staff"))]));
    let (document, changes) = Patch::read(&json!({"Operations": operations}))?.apply(Group, group)?;
    assert!(document.to_map().keys().all(|name| ["displayName", "externalId"].contains(&name.as_str())));
    Ok(fold(changes, |id| "abcd".contains(id)))
}

#[test]
fn members_are_added_and_removed_in_every_form() {
    let delta = |clear, remove: &[&str], add: &[&str]| Ok(MemberDelta { clear, remove: ids(remove), add: ids(add) });
    for (operations, expected) in [
        (
            json!([{"op": "Add", "path": "members", "value": [{"value": "a"}, {"value": "b"}]}]),
            delta(false, &[], &["a", "b"]),
        ),
        (json!([{"op": "add", "value": {"members": [{"value": "a"}]}}]), delta(false, &[], &["a"])),
        (json!([{"op": "remove", "path": "members[value eq \"a\"]"}]), delta(false, &["a"], &[])),
        (
            json!([{"op": "remove", "path": "members[value eq \"a\" or value eq \"b\"]"}]),
            delta(false, &["a", "b"], &[]),
        ),
        (json!([{"op": "Remove", "path": "members", "value": [{"value": "a"}]}]), delta(false, &["a"], &[])),
        (json!([{"op": "Remove", "path": "members", "value": []}]), delta(false, &[], &[])),
        (json!([{"op": "remove", "path": "members"}]), delta(true, &[], &[])),
        (json!([{"op": "replace", "path": "members", "value": [{"value": "a"}]}]), delta(true, &[], &["a"])),
        (json!([{"op": "replace", "path": "members", "value": []}]), delta(true, &[], &[])),
        (
            json!([{"op": "replace", "value": {"id": "g", "displayName": "x", "members": [{"value": "a"}]}}]),
            delta(true, &[], &["a"]),
        ),
        // Okta, in pages.
        (
            json!([
                {"op": "replace", "path": "members", "value": [{"value": "a"}]},
                {"op": "add", "path": "members", "value": [{"value": "b"}]},
            ]),
            delta(true, &[], &["a", "b"]),
        ),
        // The last word counts.
        (
            json!([
                {"op": "add", "path": "members", "value": [{"value": "a"}, {"value": "b"}]},
                {"op": "remove", "path": "members[value eq \"a\"]"},
                {"op": "remove", "path": "members[value eq \"c\"]"},
                {"op": "add", "path": "members", "value": [{"value": "c"}]},
            ]),
            delta(false, &["a"], &["b", "c"]),
        ),
        // Unknown users are passed over …
        (
            json!([{"op": "add", "path": "members", "value": [{"value": "x"}, {"value": "a"}]}]),
            delta(false, &[], &["a"]),
        ),
        (
            json!([{"op": "replace", "path": "members", "value": [{"value": "x"}, {"value": "a"}]}]),
            delta(true, &[], &["a"]),
        ),
        (json!([{"op": "remove", "path": "members[value eq \"x\"]"}]), delta(false, &[], &[])),
        // … and alone replace nobody.
        (json!([{"op": "replace", "path": "members", "value": [{"value": "x"}]}]), delta(false, &[], &[])),
        // What is not about members leaves them alone.
        (json!([{"op": "replace", "value": {"id": "g", "displayName": "x"}}]), delta(false, &[], &[])),
        (json!([{"op": "replace", "value": {"unknown": [{"value": "a"}]}}]), delta(false, &[], &[])),
        (json!([{"op": "replace", "path": "urn:custom:2.0:Group:members", "value": []}]), delta(false, &[], &[])),
        (json!([{"op": "replace", "path": "externalId", "value": "x"}]), delta(false, &[], &[])),
    ] {
        assert_eq!(members(operations.clone()), expected, "{operations}");
    }
}

#[test]
fn members_cannot_be_changed_nor_selected_in_other_ways() {
    use ScimErrorKind::{InvalidFilter, InvalidPath, InvalidValue, Mutability, NoTarget};
    for (operation, kind) in [
        (json!({"op": "replace", "path": "members[value eq \"x\"]", "value": {"value": "a"}}), NoTarget),
        (json!({"op": "replace", "path": "members[value eq \"a\"].value", "value": "b"}), Mutability),
        (json!({"op": "replace", "path": "members.value", "value": "b"}), Mutability),
        (json!({"op": "remove", "path": "members[type eq \"User\"]"}), InvalidFilter),
        (json!({"op": "remove", "path": "members[display eq \"a\"]"}), InvalidFilter),
        (json!({"op": "remove", "path": "members[value ne \"a\"]"}), InvalidFilter),
        (json!({"op": "replace", "path": "unknown", "value": []}), InvalidPath),
        (json!({"op": "add", "path": "members", "value": [{"display": "a"}]}), InvalidValue),
        (json!({"op": "add", "path": "members"}), InvalidValue),
        (json!({"op": "add", "path": "members", "value": vec!["a"; 20_001]}), InvalidValue),
        (json!({"op": "remove", "path": "displayName"}), Mutability),
    ] {
        assert_eq!(members(json!([operation.clone()])).map_err(|error| error.kind), Err(kind), "{operation}");
    }
}

/// The members after the changes, done one by one.
fn naive(before: &BTreeSet<String>, changes: &[MemberChange]) -> BTreeSet<String> {
    let known = |ids: &BTreeSet<String>| ids.iter().filter(|id| "abcd".contains(id.as_str())).cloned().collect();
    let mut members = before.clone();
    for change in changes {
        match change {
            MemberChange::Add(ids) => members.append(&mut known(ids)),
            MemberChange::Clear => members.clear(),
            MemberChange::Remove(ids) => members.retain(|id| !ids.contains(id)),
            MemberChange::Replace(ids) => {
                let known: BTreeSet<String> = known(ids);
                if !known.is_empty() {
                    members = known;
                }
            }
        }
    }
    members
}

fn any_ids() -> impl Strategy<Value = BTreeSet<String>> {
    prop::collection::btree_set("[a-f]", 0..4)
}

#[test]
fn members_are_changed_by_as_many_operations_as_there_may_be() {
    let operations: Vec<_> =
        (0..5_000).map(|n| json!({"op": "add", "path": "members", "value": n.to_string()})).collect();
    assert_eq!(members(json!(operations)).unwrap().add.len(), 0, "none of them is known");
}

proptest! {
    #[test]
    fn folded_changes_do_the_same_as_one_after_the_other(
        before in prop::collection::btree_set("[a-d]", 0..4),
        changes in prop::collection::vec(
            prop_oneof![
                any_ids().prop_map(MemberChange::Add),
                any_ids().prop_map(MemberChange::Remove),
                any_ids().prop_map(MemberChange::Replace),
                Just(MemberChange::Clear),
            ],
            0..6,
        ),
    ) {
        let delta = fold(changes.clone(), |id| "abcd".contains(id));
        let mut members = if delta.clear { BTreeSet::new() } else { before.clone() };
        members.retain(|id| !delta.remove.contains(id));
        members.extend(delta.add.iter().cloned());
        prop_assert_eq!(members, naive(&before, &changes));
        prop_assert!(delta.add.is_disjoint(&delta.remove));
    }
}
