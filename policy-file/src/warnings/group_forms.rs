//! Groups are matched by id or path: a name for people among them is mostly a mistake.

use std::collections::HashSet;

use usher_policy::model::Organization;

use super::place::Place;
use super::{Findings, WarningCode};
use crate::field_path::quoted;

/// What a group's value looks like.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// With spaces or capitals, as people write names.
    DisplayName,
    /// An identifier: nobody would call a group so.
    Id,
    /// A path from a root, as Keycloak sends it.
    Path,
    /// A word that could be either.
    Word,
}

/// Names for people where all the others are ids or paths; also a word where all the others are paths.
pub(super) fn display_names<'d>(organization: &Organization, place: &Place<'d>, findings: &mut Findings<'d>) {
    let Some(mappings) = organization.provisioning.mappings() else {
        return;
    };
    let roles = mappings.roles.iter().map(|mapping| mapping.group.as_str());
    let tiers = mappings.seat_tiers.iter().map(|mapping| mapping.group.as_str());
    let distinct: HashSet<&str> = roles.clone().chain(tiers.clone()).collect();
    let count = |wanted: Form| distinct.iter().filter(|group| form(group) == wanted).count();
    let (names, words, ids, paths) = (count(Form::DisplayName), count(Form::Word), count(Form::Id), count(Form::Path));
    // Where there are neither ids nor paths, nothing is odd among the others.
    let all_paths = ids == 0;
    let odd = if all_paths { names + words } else { names };
    if odd > ids + paths || !all_paths && words > 0 {
        return;
    }
    let is_odd = |group: &str| match form(group) {
        Form::DisplayName => true,
        Form::Word => all_paths,
        Form::Id | Form::Path => false,
    };
    let others = if all_paths { "paths" } else { "ids" };
    let mappings = place.member("provisioning").member("group_mappings");
    let mut add = |field: &'static str, number: usize, group: &str| {
        if is_odd(group) {
            findings.add(
                WarningCode::DisplayNameGroup,
                &mappings.member(field).item(number).member("group"),
                format!(
                    "{} looks like a display name, while the other groups are {others}. Groups are matched exactly: \
                     write what the provider sends, and the name as `label`",
                    quoted(group)
                ),
            );
        }
    };
    roles.enumerate().for_each(|(number, group)| add("roles", number, group));
    tiers.enumerate().for_each(|(number, group)| add("seat_tiers", number, group));
}

fn form(group: &str) -> Form {
    if group.starts_with('/') {
        Form::Path
    } else if is_id(group) {
        Form::Id
    } else if group.chars().any(|character| character.is_whitespace() || character.is_uppercase()) {
        Form::DisplayName
    } else {
        Form::Word
    }
}

/// UUIDs, SIDs, numbers, long hexadecimal, Okta's ids, distinguished names, URNs, addresses.
fn is_id(group: &str) -> bool {
    const UUID: [usize; 5] = [8, 4, 4, 4, 12];
    let hexadecimal = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_uuid = group.split('-').map(str::len).eq(UUID) && group.split('-').all(hexadecimal);
    let is_number = group.len() >= 4 && group.bytes().all(|byte| byte.is_ascii_digit());
    let is_okta =
        group.len() == 20 && group.starts_with("00g") && group.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let is_distinguished_name = group.contains('=') && group.contains(',');
    let is_address = group.contains('@') && !group.contains(char::is_whitespace);
    is_uuid
        || is_number
        || is_okta
        || is_distinguished_name
        || is_address
        || group.len() >= 16 && hexadecimal(group)
        || group.starts_with("S-1-")
        || group.starts_with("urn:")
}

#[cfg(test)]
mod tests {
    use super::{Form, form};

    #[test]
    fn a_value_shows_what_it_is() {
        for (group, is) in [
            ("2b1ff9b8-9f0e-4f0f-8ddb-1fd8e2d8ba11", Form::Id),
            ("00g1a2b3c4D5e6F7g8h9", Form::Id),
            ("S-1-5-21-3623811015-3361044348-30300820-1013", Form::Id),
            ("CN=Chat Admins,OU=Groups,DC=acme,DC=example", Form::Id),
            ("urn:acme:Staff", Form::Id),
            ("Staff@acme.example", Form::Id),
            ("40417", Form::Id),
            ("0123456789abcdef", Form::Id),
            ("/Staff/Chat Admins", Form::Path),
            ("Chat Admins", Form::DisplayName),
            ("chat admins", Form::DisplayName),
            ("Chat, Admins", Form::DisplayName),
            ("Staff", Form::DisplayName),
            ("00g1a2b3c4", Form::Word),
            ("chat-admins", Form::Word),
            ("dept=chat", Form::Word),
            ("404", Form::Word),
        ] {
            assert!(form(group) == is, "{group}");
        }
    }
}
