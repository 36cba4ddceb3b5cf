//! An answer of the feed: read strictly, since whatever is lost here would not be missed until somebody asks.

use usher_policy::id::{Role, Tier};
use usher_policy::json::{Document, Json};
use usher_policy::wire::Position;

use super::MAX_PAGE;
use super::change::{Change, State};

/// What came after a position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Page {
    /// The changes, oldest first.
    pub(super) changes: Vec<Change>,
    /// Where to go on.
    pub(super) position: Position,
}

/// Reads an answer to the question what came after a position. Unknown members are ignored, an unknown status is none
/// that lets in.
///
/// # Errors
/// Why it is none: it is no such document, or it does not go on from there in order and without a gap at its end.
pub(super) fn read(body: &[u8], after: &Position) -> Result<Page, &'static str> {
    if body.len() > MAX_PAGE {
        return Err("the answer is too long");
    }
    let document = Document::read(body.to_vec()).map_err(|_| "the answer is not JSON")?;
    let document = document.root();
    let (Some(position), Some(list)) = (position(document), document.get("changes").and_then(Json::as_array)) else {
        return Err("the answer is no page of changes");
    };
    let mut changes = Vec::new();
    let mut last = after.clone();
    for item in list {
        let Some((position, change)) = change(item) else { return Err("the answer has a change that is none") };
        if position.database != last.database || position.number <= last.number {
            return Err("the answer's changes are not in order");
        }
        last = position;
        changes.push(change);
    }
    if position != last {
        return Err("the answer does not end where it says");
    }
    Ok(Page { changes, position })
}

fn change(item: Json<'_>) -> Option<(Position, Change)> {
    let text = |name: &str| item.get(name).and_then(Json::as_str).filter(|text| !text.is_empty());
    let seat_tier = match item.get("seat_tier").filter(|tier| !tier.is_null()) {
        Some(_) => Some(Tier::new(text("seat_tier")?)),
        None => None,
    };
    let state = match text("status")? {
        "active" => State::Active { role: Role::new(text("role")?), seat_tier },
        _ => State::Ended,
    };
    let position = position(item)?;
    let (organization, member) = (text("organization")?.to_owned(), text("member")?.to_owned());
    let change = Change { number: position.number, mark: position.mark.clone(), organization, member, state };
    Some((position, change))
}

fn position(value: Json<'_>) -> Option<Position> {
    value.get("position")?.as_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn after() -> Position {
        "d-m-7".parse().unwrap()
    }

    fn read_value(value: &Value) -> Result<Page, &'static str> {
        read(value.to_string().as_bytes(), &after())
    }

    fn page(change: impl FnOnce(&mut Value)) -> Value {
        let mut page = json!({
            "changes": [
                {"position": "d-x-8", "organization": "o", "member": "m1", "status": "active", "role": "user", "seat_tier": "standard"},
                {"position": "d-y-9", "organization": "o", "member": "m2", "status": "removed", "role": null, "seat_tier": null},
            ],
            "position": "d-y-9",
        });
        change(&mut page);
        page
    }

    #[test]
    fn a_page_gives_its_changes_in_order_and_where_to_go_on() {
        let page = read_value(&page(|_| {})).unwrap();
        let state = State::Active { role: Role::new("user"), seat_tier: Some(Tier::new("standard")) };
        let change = |number, mark: &str, member: &str, state| {
            let (mark, organization, member) = (mark.to_owned(), "o".to_owned(), member.to_owned());
            Change { number, mark, organization, member, state }
        };
        assert_eq!(page.changes, [change(8, "x", "m1", state), change(9, "y", "m2", State::Ended)]);
        assert_eq!(page.position.to_string(), "d-y-9");
    }

    #[test]
    fn an_empty_page_repeats_the_position() {
        assert_eq!(read_value(&json!({"changes": [], "position": "d-m-7"})).unwrap().changes, []);
        for other in ["d-m-8", "d-n-7", "d-m-6", "e-m-7", "7", ""] {
            assert!(read_value(&json!({"changes": [], "position": other})).is_err(), "{other}");
        }
    }

    #[test]
    fn only_an_active_member_stays_and_what_else_is_said_is_ignored() {
        for (status, stays) in [
            ("active", true),
            ("pending", false),
            ("suspended", false),
            ("removed", false),
            ("Active", false),
            ("new", false),
        ] {
            let page = page(|page| page["changes"][0]["status"] = json!(status));
            let page = read_value(&page).unwrap();
            assert_eq!(matches!(page.changes[0].state, State::Active { .. }), stays, "{status}");
        }
        let more = page(|page| {
            page["more"] = json!({"deep": [1]});
            page["changes"][0]["email"] = json!("ada@acme.example");
            page["changes"][0].as_object_mut().unwrap().remove("seat_tier");
        });
        let untiered = State::Active { role: Role::new("user"), seat_tier: None };
        assert_eq!(read_value(&more).unwrap().changes[0].state, untiered);
    }

    #[test]
    fn changes_out_of_order_repeated_of_another_database_or_beyond_the_end_are_refused() {
        for (path, value) in [
            ("/changes/0/position", "d-x-7"),
            ("/changes/0/position", "d-x-3"),
            ("/changes/0/position", "e-x-8"),
            ("/changes/1/position", "d-y-8"),
            ("/changes/1/position", "d-y-10"),
            ("/position", "d-x-8"),
            ("/position", "d-z-9"),
            ("/position", "d-y-10"),
        ] {
            let page = page(|page| *page.pointer_mut(path).unwrap() = json!(value));
            assert!(read_value(&page).is_err(), "{path} {value}");
        }
    }

    #[test]
    fn a_change_that_lacks_something_makes_the_page_unreadable() {
        for field in ["position", "organization", "member", "status", "role"] {
            for value in [Value::Null, json!(""), json!(1), json!(["x"])] {
                let page = page(|page| page["changes"][0][field] = value.clone());
                assert!(read_value(&page).is_err(), "{field} {value}");
            }
        }
        for value in [json!(""), json!(1), json!({})] {
            let page = page(|page| page["changes"][0]["seat_tier"] = value.clone());
            assert!(read_value(&page).is_err(), "{value}");
        }
    }

    #[test]
    fn what_is_no_page_or_too_long_is_refused() {
        for body in [
            &b""[..],
            b"null",
            b"[]",
            b"{}",
            b"\xff",
            br#"{"changes": {}, "position": "d-m-7"}"#,
            br#"{"changes": [], "changes": [], "position": "d-m-7"}"#,
            br#"{"changes": [], "position": "d-m-7"} {}"#,
            br#"{"changes": [null], "position": "d-m-7"}"#,
        ] {
            assert!(read(body, &after()).is_err(), "{body:?}");
        }
        let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        assert!(read(deep.as_bytes(), &after()).is_err());
        let mut long = br#"{"changes": [], "position": "d-m-7"}"#.to_vec();
        assert!(read(&long, &after()).is_ok());
        long.resize(MAX_PAGE + 1, b' ');
        assert!(read(&long, &after()).is_err());
    }

    proptest! {
        #[test]
        fn a_cut_page_is_no_page(cut in any::<prop::sample::Index>()) {
            let whole = page(|_| {}).to_string();
            prop_assert!(read(&whole.as_bytes()[..cut.index(whole.len())], &after()).is_err());
        }
    }
}
