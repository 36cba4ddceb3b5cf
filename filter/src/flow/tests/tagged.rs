//! What the upstream is told is visible ASCII, whoever it is about.

use super::*;
use crate::tags;

#[test]
fn what_is_no_visible_ascii_is_encoded_in_every_request_of_a_session() {
    let long = format!("{}é", "a".repeat(40));
    let encoded = format!("{}%C3%A9", "a".repeat(40));
    for (subject, expected) in
        [("auth0|ada", "auth0|ada"), ("ü|@ /%", "%C3%BC|@%20/%25"), (long.as_str(), encoded.as_str())]
    {
        let mut world = World::new(policy(|_| {}));
        let token = token(|claims| claims["sub"] = json!(subject));
        world.log_in("/x", &token, Ok(answer("member", "user")));
        let Next::Allow(allow) = world.present("/x", &token) else { panic!("{subject} is not let in") };
        let tags: Vec<_> = tags::of(&allow.permit).map(|(_, value)| value).collect();
        assert_eq!(tags, ["acme-chat", "m1", expected, "ada@acme.example", "user", "standard"]);
    }
}
