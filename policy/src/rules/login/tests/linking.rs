//! Who is linked to whom: by email or by external id, once.

use super::{jit, scim};
use crate::member::Source;
use crate::model::ScimMatch;
use crate::rules::effects::Note;
use crate::rules::hand::Edit;
use crate::rules::plan::Plan;
use crate::rules::testing::{connection, email, ensure, login};
use crate::wire::Answer;

#[test]
fn another_subject_with_a_linked_email_is_a_conflict() {
    let mut world = jit();
    world.login(&login("ada", 10, ensure()));
    let mut other = login("imposter", 20, ensure());
    other.email = email("ADA@acme.example");
    assert_eq!(world.login(&other).answer, Answer::Conflict);
    assert_eq!(world.members.len(), 1);
    assert_eq!(world.tickets.len(), 2, "the denied login moved its last_iat");
}

#[test]
fn a_linked_member_with_anothers_email_is_let_in_and_keeps_the_old_one() {
    let mut world = jit();
    world.login(&login("ada", 10, ensure()));
    world.login(&login("bob", 10, ensure()));
    let mut renamed = login("bob", 20, ensure());
    renamed.email = email("ada@acme.example");
    let outcome = world.login(&renamed);
    assert_eq!((outcome.answer, outcome.effects.notes), (Answer::Member, vec![Note::EmailKept]));
    assert_eq!(outcome.member.unwrap().email, email("bob@acme.example"));
    // A free address is taken over.
    renamed.email = email("robert@acme.example");
    renamed.issued_at = 30;
    world.login(&renamed);
    assert!(world.find("robert").is_some());
}

#[test]
fn an_unlinked_member_may_come_from_another_provider() {
    let mut world = jit();
    let id = world.login(&login("ada", 10, ensure())).member.unwrap().id;
    world.edit("ada", &Edit { unlink: true, ..Edit::default() }).unwrap();
    assert_eq!(world.login(&login("ada", 1_000, ensure())).answer, Answer::Revoked, "the old identity's sessions end");
    let mut moved = login("ada-at-the-new-one", 20, ensure());
    moved.email = email("ada@acme.example");
    assert_eq!(world.login(&moved).member.unwrap().id, id);
}

#[test]
fn external_id_links_where_the_connection_says_so() {
    let by_id = |name: &str, id: &str, issued_at| {
        let mut login = login(name, issued_at, Plan::Require);
        login.external_id = Some(id.to_owned());
        login
    };
    let mut world = scim();
    world.organization.connections = vec![connection(ScimMatch::ExternalId)];
    world.provision("ada", Some("e-1"));
    world.provision("bob", Some("e-2"));
    // Ada's email with Bob's id: two candidates.
    assert_eq!(world.login(&by_id("ada", "e-2", 10)).answer, Answer::Conflict);
    // Ada's email with an id that nobody has: the directory's Ada is somebody else.
    assert_eq!(world.login(&by_id("ada", "e-9", 11)).answer, Answer::Conflict);
    assert_eq!(world.login(&by_id("ada", "e-1", 12)).answer, Answer::Member);
    let mut renamed = by_id("bob", "e-2", 10);
    renamed.email = email("robert@acme.example");
    assert_eq!(world.login(&renamed).answer, Answer::Member, "the id links whatever the email");
    let mut second = by_id("eve", "e-2", 20);
    second.email = email("eve@acme.example");
    assert_eq!(world.login(&second).answer, Answer::Conflict, "an id is linked once");
    // An id that the directory gave to two links neither of them.
    for name in ["dee", "eli"] {
        world.provision(name, Some("e-4"));
    }
    for name in ["fay", "dee", "eli"] {
        assert_eq!(world.login(&by_id(name, "e-4", 10)).answer, Answer::Conflict, "{name}");
    }
    // Where the connection links by email, the id plays no part.
    world.organization.connections = vec![connection(ScimMatch::Email)];
    world.provision("cy", Some("e-3"));
    assert_eq!(world.login(&by_id("cy", "e-2", 10)).answer, Answer::Member);
}

#[test]
fn where_the_id_links_only_who_was_added_by_hand_is_found_by_email() {
    for (source, external_id, expected) in [
        (Source::Manual, None, Answer::Member),
        (Source::Manual, Some("e-2"), Answer::Conflict),
        (Source::Scim, None, Answer::Conflict),
        (Source::Scim, Some("e-2"), Answer::Conflict),
    ] {
        let mut world = jit();
        world.organization.connections = vec![connection(ScimMatch::ExternalId)];
        world.provision("ada", external_id);
        world.members[0].source = source;
        assert_eq!(world.login(&login("ada", 10, ensure())).answer, expected, "{source:?} {external_id:?}");
    }
}
