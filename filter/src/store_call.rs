//! The one call to the store: how a login is written, and how strictly its answer is read.

use std::fmt;
use std::time::Duration;

use usher_policy::id::{OrganizationId, Tier};
use usher_policy::model::Organization;
use usher_policy::rules::plan::Plan;
use usher_policy::wire::{Login, LoginAnswer, NoLoginAnswer};

use crate::json_object::JsonObject;

/// The longest answer that is read, in bytes.
pub(crate) const MAX_ANSWER: usize = 64 * 1024;

/// How much longer than its timeout a call to the store is waited for: the host ends it in time, this is for a lost answer.
pub(crate) const STORE_MARGIN: Duration = Duration::from_secs(1);

/// Why there is nothing to go by. For the log: whoever is denied learns only `store_unavailable`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NoAnswer {
    /// The answer is longer than [`MAX_ANSWER`].
    TooLong,
    /// It is the answer to another's login.
    AboutAnother,
    /// It is no answer to a login.
    Unreadable,
    /// It names a role or a tier that the organization's product does not have.
    Unfitting,
    /// There was none: the request waited for its turn in vain.
    Unasked,
    /// The call could not be sent.
    Unsent,
    /// It ended without an answer.
    Reset,
    /// The status was another than 200.
    Status(u16),
    /// The status was this one, in an answer that no store writes.
    NotTheStores(u16),
}

impl NoAnswer {
    /// Whether the store was not reached: what it would have said is not known. A refusal is an answer, and so is one that
    /// does not fit.
    pub(crate) fn is_unreachable(&self) -> bool {
        match self {
            Self::Status(status) => *status >= 500,
            Self::Unfitting => false,
            Self::AboutAnother
            | Self::NotTheStores(_)
            | Self::Reset
            | Self::TooLong
            | Self::Unasked
            | Self::Unreadable
            | Self::Unsent => true,
        }
    }
}

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(f, "the answer is longer than {MAX_ANSWER} bytes"),
            Self::AboutAnother => f.write_str("the answer is about somebody else"),
            Self::Unreadable => f.write_str("the answer is not one to a login"),
            Self::Unfitting => f.write_str("the answer names a role or tier that the product does not have"),
            Self::Unasked => f.write_str("it was not asked: too many calls for its parent are under way"),
            Self::Unsent => f.write_str("the call could not be sent"),
            Self::Reset => f.write_str("there was no answer"),
            Self::Status(status) => write!(f, "the answer's status is {status}"),
            Self::NotTheStores(status) => {
                write!(f, "the store was not reached: the answer, with status {status}, is not its own")
            }
        }
    }
}

/// The path of an organization's logins.
pub(crate) fn path(organization: &OrganizationId) -> String {
    let mut path = String::with_capacity(PATH.len() + organization.as_str().len() + PATH_END.len());
    path.push_str(PATH);
    for byte in organization.as_str().bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => path.push(char::from(byte)),
            _ => path.push_str(&format!("%{byte:02X}")),
        }
    }
    path.push_str(PATH_END);
    path
}

const PATH: &str = "/v1/organizations/";
const PATH_END: &str = "/logins";

/// The body of the call: the login as JSON, member by member as its type has them.
pub(crate) fn body(login: &Login) -> String {
    let Login { connection, issuer, subject, email, name, external_id, issued_at, plan, preview } = login;
    let body = JsonObject::with_room(BODY)
        .text("connection", Some(connection.as_str()))
        .text("issuer", Some(issuer.as_str()))
        .text("subject", Some(subject.as_str()))
        .text("email", Some(email.as_str()))
        .text("name", name.as_deref())
        .text("external_id", external_id.as_deref())
        .number("issued_at", Some(*issued_at))
        .object("plan", |object| match plan {
            Plan::Assign { role, seat_tier } => object
                .text("do", Some("assign"))
                .text("role", Some(role.as_str()))
                .text("seat_tier", seat_tier.as_ref().map(Tier::as_str)),
            Plan::Ensure { role } => object.text("do", Some("ensure")).text("role", Some(role.as_str())),
            Plan::Remove { reason } => object.text("do", Some("remove")).text("reason", Some(reason.code())),
            Plan::Require => object.text("do", Some("require")),
        });
    if *preview { body.flag("preview", true).end() } else { body.end() }
}

/// Nearly every body has room in so many bytes.
const BODY: usize = 512;

/// Reads the answer. The store sends more about a member than the filter needs, which is ignored; nothing else is.
///
/// # Errors
/// Whatever is not a readable, fitting answer with status 200.
pub(crate) fn read(
    organization: &Organization,
    login: &Login,
    status: Option<u16>,
    body: Vec<u8>,
) -> Result<LoginAnswer, NoAnswer> {
    match status {
        None => return Err(NoAnswer::Reset),
        Some(200) => {}
        // What a store refuses it says in JSON; Envoy and other proxies, that they cannot reach it, in text.
        Some(status @ 500..) if !body.starts_with(b"{") => return Err(NoAnswer::NotTheStores(status)),
        Some(status) => return Err(NoAnswer::Status(status)),
    }
    if body.len() > MAX_ANSWER {
        return Err(NoAnswer::TooLong);
    }
    let mut answer = LoginAnswer::parse_about(body, &organization.id, login).map_err(|error| match error {
        NoLoginAnswer::AboutAnother => NoAnswer::AboutAnother,
        NoLoginAnswer::Unreadable => NoAnswer::Unreadable,
    })?;
    if let Some(member) = &mut answer.member {
        // The catalog's own copies: sessions share them.
        let product = &organization.product;
        member.role = product.role(&member.role).ok_or(NoAnswer::Unfitting)?.clone();
        if let Some(tier) = &mut member.seat_tier {
            *tier = product.tier(tier).ok_or(NoAnswer::Unfitting)?.clone();
        }
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};
    use usher_policy::Reason;
    use usher_policy::id::{ConnectionId, Issuer, Role, Subject};
    use usher_policy::wire::Answer;

    use super::*;

    fn read_value(status: Option<u16>, body: &[u8]) -> Result<LoginAnswer, NoAnswer> {
        let document = include_bytes!("../testdata/policy.json");
        let policy = usher_policy_file::from_json(document).unwrap();
        let login = serde_json::from_value(json!({
            "connection": "okta", "issuer": "https://acme.okta.example", "subject": "ada", "email": "ada@acme.example",
            "issued_at": 1, "plan": Plan::Require,
        }));
        read(policy.organization("acme-chat").unwrap(), &login.unwrap(), status, body.to_vec())
    }

    fn member(change: impl FnOnce(&mut Value)) -> Vec<u8> {
        let mut answer = json!({
            "answer": "member",
            "member": {
                "id": "m1", "organization": "acme-chat", "email": "ada@acme.example", "name": null, "role": "user",
                "seat_tier": "standard", "status": "active", "source": "jit", "created_at": 1,
            },
            "position": "7",
        });
        change(&mut answer);
        answer.to_string().into_bytes()
    }

    #[test]
    fn a_readable_fitting_answer_is_taken() {
        let answer = read_value(Some(200), &member(|_| {})).unwrap();
        assert_eq!(answer.answer, Answer::Member);
        let untiered = read_value(Some(200), &member(|answer| answer["member"]["seat_tier"] = Value::Null));
        assert_eq!(untiered.unwrap().member.unwrap().seat_tier, None);
        assert!(read_value(Some(200), br#"{"answer":"absent","position":"7"}"#).is_ok());
    }

    #[test]
    fn whatever_else_comes_is_no_answer() {
        for (status, expected) in
            [(None, NoAnswer::Reset), (Some(201), NoAnswer::Status(201)), (Some(504), NoAnswer::Status(504))]
        {
            assert_eq!(read_value(status, &member(|_| {})).unwrap_err(), expected);
        }
        for (status, expected) in [(503, NoAnswer::NotTheStores(503)), (404, NoAnswer::Status(404))] {
            assert_eq!(read_value(Some(status), b"no healthy upstream").unwrap_err(), expected);
        }
        for unreadable in [
            &b""[..],
            b"{}",
            b"null",
            b"\xff",
            br#"{"answer":"yes","position":"7"}"#,
            br#"{"answer":"absent","answer":"member","position":"7"}"#,
            br#"{"answer":"absent","position":"7"} {}"#,
        ] {
            assert_eq!(read_value(Some(200), unreadable).unwrap_err(), NoAnswer::Unreadable, "{unreadable:?}");
        }
        for (field, value) in [("role", "emperor"), ("seat_tier", "throne")] {
            let unfitting = member(|answer| answer["member"][field] = value.into());
            assert_eq!(read_value(Some(200), &unfitting).unwrap_err(), NoAnswer::Unfitting, "{field}");
        }
        for (field, value) in [("organization", "globex-chat"), ("subject", "eve"), ("issuer", "https://evil.example")]
        {
            let of_another = member(|answer| answer["member"][field] = value.into());
            assert_eq!(read_value(Some(200), &of_another).unwrap_err(), NoAnswer::AboutAnother, "{field}");
        }
        assert_eq!(read_value(Some(200), &vec![b' '; MAX_ANSWER + 1]).unwrap_err(), NoAnswer::TooLong);
    }

    proptest! {
        #[test]
        fn a_login_is_written_as_its_type_is_read(
            texts in prop::array::uniform6("[a-z\"\\\\\n\u{7f}-\u{a0}\u{2028}\u{10ffff}]{1,9}"),
            name in prop::option::of(".{0,9}"), external_id in prop::option::of(".{0,9}"), has_tier: bool,
            issued_at: u64, kind in 0..4_u8, preview: bool,
        ) {
            let [connection, issuer, subject, local, role, tier] = &texts;
            let plan = match kind {
                0 => Plan::Assign { role: Role::new(role), seat_tier: has_tier.then(|| Tier::new(tier)) },
                1 => Plan::Ensure { role: Role::new(role) },
                2 => Plan::Remove { reason: if has_tier { Reason::NotAssigned } else { Reason::NoMappedGroup } },
                _ => Plan::Require,
            };
            let login = Login {
                connection: ConnectionId::new(connection), issuer: Issuer::new(issuer), subject: Subject::new(subject),
                email: serde_json::from_value(json!(format!("{local}@acme.example"))).unwrap(),
                name, external_id, issued_at, plan, preview,
            };
            let written: Value = serde_json::from_str(&body(&login)).unwrap();
            prop_assert_eq!(&written, &serde_json::to_value(&login).unwrap());
            prop_assert_eq!(serde_json::from_value::<Login>(written).unwrap(), login);
        }
    }

    #[test]
    fn an_organization_is_one_segment_of_the_path() {
        assert_eq!(path(&OrganizationId::new("acme-chat")), "/v1/organizations/acme-chat/logins");
        assert_eq!(path(&OrganizationId::new("a/b?c")), "/v1/organizations/a%2Fb%3Fc/logins");
    }
}
