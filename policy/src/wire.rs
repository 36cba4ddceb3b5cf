//! What filter and store say to each other: a login (`POST /v1/organizations/{org}/logins`), a place in the change feed.

mod position;

use serde::{Deserialize, Serialize};

use crate::id::{ConnectionId, Email, Issuer, MemberId, OrganizationId, Role, Subject, Tier};
use crate::json::{Document, Json};
use crate::member::{Source, Status, names};
use crate::rules::plan::Plan;

pub use position::{NoPosition, Position};

/// One login: who, when, and what the rules say shall be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// The connection whose keys verified the assertion.
    pub connection: ConnectionId,
    /// The `iss`.
    pub issuer: Issuer,
    /// The `sub`.
    pub subject: Subject,
    /// The verified email.
    pub email: Email,
    /// The display name, if the assertion has one; at most 256 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The claim that the connection names as `external_id`; at most 256 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// The `iat`, whole seconds since the Unix epoch.
    pub issued_at: u64,
    /// What shall be done.
    pub plan: Plan,
    /// Decide and answer, but write nothing (shadow enforcement).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub preview: bool,
}

/// The store's answer to a login.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginAnswer {
    /// What came of it.
    pub answer: Answer,
    /// The member after this login, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<MemberFacts>,
    /// The change feed's position at which this was true; opaque.
    pub position: String,
}

/// Why an answer cannot be gone by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoLoginAnswer {
    /// It is about a member of another organization, or about somebody else.
    AboutAnother,
    /// It is no answer to a login.
    Unreadable,
}

impl LoginAnswer {
    /// Reads the answer to a login in an organization. Whatever stands between filter and store may mix up two answers: one
    /// about anybody else is none.
    ///
    /// # Errors
    /// See [`NoLoginAnswer`].
    pub fn parse_about(body: Vec<u8>, organization: &OrganizationId, login: &Login) -> Result<Self, NoLoginAnswer> {
        let document = Document::read(body).map_err(|_| NoLoginAnswer::Unreadable)?;
        let answer = Self::read(document.root(), Some(&login.email)).ok_or(NoLoginAnswer::Unreadable)?;
        let is_about = present(document.root(), "member").is_none_or(|member| is_about(member, organization, login));
        if is_about { Ok(answer) } else { Err(NoLoginAnswer::AboutAnother) }
    }

    /// Reads the answer as strictly as every other document: no member may come twice. What is not known is ignored.
    pub fn parse(body: &[u8]) -> Option<Self> {
        Self::read(Document::read(body.to_vec()).ok()?.root(), None)
    }

    /// `email` is the one that the member most likely has: a clone shares its text.
    fn read(document: Json<'_>, email: Option<&Email>) -> Option<Self> {
        let answer = Answer::named(document.text("answer")?)?;
        let member = match present(document, "member") {
            Some(member) => Some(MemberFacts::read(member, email)?),
            None => None,
        };
        Some(Self { answer, member, position: document.text("position")?.to_owned() })
    }
}

/// Whether a member is of the organization and, where they are linked, who logs in.
fn is_about(member: Json<'_>, organization: &OrganizationId, login: &Login) -> bool {
    let is = |name: &str, expected: &str| present(member, name).is_none_or(|found| found.as_str() == Some(expected));
    member.text("organization") == Some(organization.as_str())
        && is("issuer", login.issuer.as_str())
        && is("subject", login.subject.as_str())
}

impl MemberFacts {
    fn read(member: Json<'_>, email: Option<&Email>) -> Option<Self> {
        let stored = member.text("email")?;
        let seat_tier = match present(member, "seat_tier") {
            Some(tier) => Some(Tier::new(tier.as_str()?)),
            None => None,
        };
        Some(Self {
            // An empty id is none.
            id: MemberId::new(member.text("id").filter(|id| !id.is_empty())?),
            email: match email.filter(|email| email.as_str() == stored) {
                Some(email) => email.clone(),
                None => Email::parse(stored)?,
            },
            role: Role::new(member.text("role")?),
            seat_tier,
            status: Status::named(member.text("status")?)?,
            source: Source::named(member.text("source")?)?,
        })
    }
}

/// A member that is there and not `null`.
fn present<'v>(value: Json<'v>, name: &str) -> Option<Json<'v>> {
    value.get(name).filter(|value| !value.is_null())
}

/// What came of a login (design §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// No such member; nobody was made.
    Absent,
    /// The email or the external id belongs to somebody else, or to two.
    Conflict,
    /// A plan to remove was denied but the member kept.
    Kept,
    /// An active member.
    Member,
    /// Listed, but no seat is free.
    Pending,
    /// The member was removed.
    Removed,
    /// A single-use assertion came twice.
    Replayed,
    /// The assertion is not newer than a removal, suspension or logout.
    Revoked,
    /// The member is suspended.
    Suspended,
}

names!(Answer {
    Absent "absent",
    Conflict "conflict",
    Kept "kept",
    Member "member",
    Pending "pending",
    Removed "removed",
    Replayed "replayed",
    Revoked "revoked",
    Suspended "suspended"
});

/// What the filter needs to know of a member; the store sends more, which is ignored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberFacts {
    /// The member's id.
    pub id: MemberId,
    /// The stored email after this login.
    pub email: Email,
    /// The role.
    pub role: Role,
    /// The seat, if any.
    pub seat_tier: Option<Tier>,
    /// Whether they may come in.
    pub status: Status,
    /// How they came.
    pub source: Source,
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn parsed(change: impl FnOnce(&mut Value)) -> Option<LoginAnswer> {
        let mut answer = serde_json::json!({
            "answer": "member",
            "member": {
                "id": "m1", "organization": "acme-chat", "email": "ada@acme.example", "name": null, "role": "user",
                "seat_tier": "standard", "status": "active", "source": "jit", "created_at": 1,
            },
            "position": "d-m-7",
        });
        change(&mut answer);
        LoginAnswer::parse(answer.to_string().as_bytes())
    }

    #[test]
    fn an_answer_is_read_as_it_was_written() {
        let answer = parsed(|_| {}).unwrap();
        assert_eq!(answer.answer, Answer::Member);
        assert_eq!(LoginAnswer::parse(&serde_json::to_vec(&answer).unwrap()), Some(answer));
        for answer in ["absent", "conflict", "kept", "pending", "removed", "replayed", "revoked", "suspended"] {
            let read = LoginAnswer::parse(format!(r#"{{"answer":"{answer}","position":""}}"#).as_bytes()).unwrap();
            assert_eq!(serde_json::to_value(read.answer).unwrap(), answer);
            assert_eq!(read.member, None);
        }
        assert_eq!(
            parsed(|answer| answer["member"]["seat_tier"] = Value::Null).unwrap().member.unwrap().seat_tier,
            None
        );
    }

    #[test]
    fn an_answer_about_anybody_else_is_none() {
        let (organization, login) = (OrganizationId::new("acme-chat"), login());
        let about = |edits: Value| {
            let mut member = serde_json::json!({
                "id": "m1", "organization": "acme-chat", "email": "ada@acme.example", "role": "user", "seat_tier": null,
                "status": "active", "source": "jit", "issuer": "https://idp.acme.example", "subject": "u-1",
            });
            for (name, value) in edits.as_object().unwrap() {
                member[name] = value.clone();
            }
            let answer = serde_json::json!({"answer": "member", "member": member, "position": ""});
            LoginAnswer::parse_about(answer.to_string().into_bytes(), &organization, &login).map(|answer| answer.answer)
        };
        for edits in [serde_json::json!({}), serde_json::json!({"issuer": null, "subject": null})] {
            assert_eq!(about(edits), Ok(Answer::Member));
        }
        for edits in [
            serde_json::json!({"organization": "globex-chat"}),
            serde_json::json!({"organization": "Acme-Chat"}),
            serde_json::json!({"organization": null}),
            serde_json::json!({"organization": ""}),
            serde_json::json!({"organization": ["acme-chat"]}),
            serde_json::json!({"subject": "u-2"}),
            serde_json::json!({"subject": 1}),
            serde_json::json!({"issuer": "https://idp.globex.example"}),
            serde_json::json!({"issuer": null, "subject": "u-2"}),
        ] {
            assert_eq!(about(edits.clone()), Err(NoLoginAnswer::AboutAnother), "{edits}");
        }
        let nobody = LoginAnswer::parse_about(br#"{"answer":"absent","position":""}"#.to_vec(), &organization, &login);
        assert_eq!(nobody.map(|answer| answer.answer), Ok(Answer::Absent));
        assert_eq!(LoginAnswer::parse_about(b"{}".to_vec(), &organization, &login), Err(NoLoginAnswer::Unreadable));
    }

    fn login() -> Login {
        Login {
            connection: ConnectionId::new("okta"),
            issuer: Issuer::new("https://idp.acme.example"),
            subject: Subject::new("u-1"),
            email: Email::parse("ada@acme.example").unwrap(),
            name: None,
            external_id: None,
            issued_at: 1,
            plan: Plan::Require,
            preview: false,
        }
    }

    #[test]
    fn an_answer_that_lacks_something_or_says_it_twice_is_none() {
        for path in
            ["/answer", "/position", "/member/id", "/member/email", "/member/role", "/member/status", "/member/source"]
        {
            for value in [Value::Null, Value::from(1), Value::from(vec!["x"])] {
                assert_eq!(parsed(|answer| *answer.pointer_mut(path).unwrap() = value), None, "{path}");
            }
        }
        for (path, value) in [
            ("/answer", "yes"),
            ("/member", "ada"),
            ("/member/status", "removed"),
            ("/member/source", "me"),
            ("/member/email", "ada"),
            ("/member/id", ""),
        ] {
            assert_eq!(parsed(|answer| *answer.pointer_mut(path).unwrap() = Value::from(value)), None, "{path}");
        }
        assert_eq!(parsed(|answer| answer["member"]["seat_tier"] = Value::from(1)), None);
        for bad in [&b""[..], b"{}", b"null", b"\xff", br#"{"answer":"absent","answer":"member","position":""}"#] {
            assert_eq!(LoginAnswer::parse(bad), None, "{bad:?}");
        }
    }
}
