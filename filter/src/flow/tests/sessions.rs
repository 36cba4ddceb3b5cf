//! Sessions: how long they are good for, what the store and the feed make of them, and which answer counts.

use super::*;

#[test]
fn a_login_is_put_to_the_store_once_and_then_remembered_without_crypto() {
    let mut world = World::new(policy(|_| {}));
    let token = token(|_| {});
    let Next::AskStore(expect) = world.present("/x", &token) else { panic!("the store is not asked") };
    assert!(expect.is_login());
    assert_eq!((expect.body().subject.as_str(), expect.body().preview), ("ada", false));
    let next = world.step(|desk| expect.answered(Ok(answer("member", "user")), desk));
    assert!(matches!(&next, Next::Allow(allow) if allow.is_login));
    let asked = world.verifier.asked.get();
    let next = world.present("/x", &token);
    assert_eq!(role(&next), "user");
    assert!(matches!(&next, Next::Allow(allow) if !allow.is_login));
    assert!(world.tally.session_hit);
    assert_eq!(world.verifier.asked.get(), asked);
}

#[test]
fn sessions_of_long_credentials_are_fewer_so_that_their_bytes_are_bounded() {
    // There is room for 8 sessions, and for 32 KiB of credentials.
    let mut world = World::new(policy(|_| {}));
    let long = |number: usize| {
        token(|claims| {
            claims["jti"] = json!(number);
            claims["padding"] = json!("x".repeat(11_000));
        })
    };
    for number in 0..6 {
        assert_eq!(role(&world.log_in("/x", &long(number), Ok(answer("member", "user")))), "user");
        assert_eq!((world.sessions.len(), world.tally.sessions_evicted), (2.min(number + 1), usize::from(number >= 2)));
    }
    assert_eq!(role(&world.present("/x", &long(5))), "user");
    let short = |number: usize| token(|claims| claims["jti"] = json!(number));
    for number in 0..8 {
        world.log_in("/x", &short(number), Ok(answer("member", "user")));
    }
    assert_eq!(world.sessions.len(), 8, "what has gone takes no room");
}

#[test]
fn a_session_is_for_one_organization_and_one_credential() {
    let mut world = World::new(policy(|document| {
        let mut other = document["parents"][0]["organizations"][0].clone();
        other["id"] = json!("acme-talk");
        other["hosts"] = json!(["other.acme.example"]);
        document["parents"][0]["organizations"].as_array_mut().unwrap().push(other);
    }));
    let ada = token(|_| {});
    world.log_in("/x", &ada, Ok(answer("member", "user")));
    let bearer = format!("Bearer {ada}");
    let elsewhere = world.request("/x", &[(":authority", "other.acme.example"), ("authorization", &bearer)]);
    assert!(matches!(elsewhere, Next::AskStore(expect) if expect.is_login()));
    assert!(matches!(world.present("/x", &token(|claims| claims["sub"] = json!("bob"))), Next::AskStore(_)));
}

#[test]
fn there_is_no_session_from_exp_on_though_the_skew_still_lets_in() {
    let mut world = World::new(policy(|_| {}));
    let token = token(|_| {});
    world.seconds = 599;
    world.log_in("/x", &token, Ok(answer("member", "user")));
    assert_eq!(role(&world.present("/x", &token)), "user");
    for seconds in [600, 601, 659] {
        world.seconds = seconds;
        assert_eq!(role(&world.log_in("/x", &token, Ok(answer("member", "user")))), "user", "{seconds}");
        assert_eq!(world.sessions.len(), 0, "{seconds}");
    }
    world.seconds = 660;
    assert_eq!(reason(&world.present("/x", &token)), Reason::Expired);
}

#[test]
fn a_session_is_confirmed_by_the_store_when_it_is_due_and_takes_up_what_changed() {
    let mut world = World::new(policy(|_| {}));
    let token = token(|_| {});
    world.log_in("/x", &token, Ok(answer("member", "user")));
    world.seconds = 3;
    assert_eq!(role(&world.present("/x", &token)), "user");
    world.seconds = 5;
    let Next::AskStore(expect) = world.present("/admin/", &token) else { panic!("the store is not asked") };
    assert!(!expect.is_login());
    assert_eq!(expect.turn_of(), None, "whoever has a session waits behind nobody who logs in");
    let next = world.step(|desk| expect.answered(Ok(answer("member", "admin")), desk));
    assert_eq!(role(&next), "admin");
    world.seconds = 8;
    assert_eq!(role(&world.present("/admin/", &token)), "admin");
}

#[test]
fn what_is_asked_about_a_session_is_what_was_asked_at_its_login_and_no_signature_is_checked_again() {
    for is_shadow in [false, true] {
        let mut world = World::new(policy(|document| {
            document["enforcement"] = json!(if is_shadow { "shadow" } else { "enforce" });
        }));
        let token = token(|claims| claims["name"] = json!("Ada L."));
        let Next::AskStore(login) = world.present("/x", &token) else { panic!("the store is not asked") };
        let first = login.body().clone();
        assert_eq!((first.name.as_deref(), first.preview), (Some("Ada L."), is_shadow));
        // A member who is called otherwise than the assertion says: what the store knows is not put to it.
        let mut stored = answer("member", "user");
        stored.member.as_mut().unwrap().email = usher_policy::id::Email::parse("ada.l@acme.example").unwrap();
        world.step(|desk| login.answered(Ok(stored), desk));
        let checked = world.verifier.asked.get();
        world.seconds = 5;
        let Next::AskStore(again) = world.present("/x", &token) else { panic!("the store is not asked") };
        assert_eq!((again.is_login(), again.body(), world.verifier.asked.get()), (false, &first, checked));
    }
}

#[test]
fn a_session_counts_as_confirmed_from_when_the_store_was_asked() {
    let mut world = World::new(policy(|_| {}));
    let token = token(|_| {});
    let Next::AskStore(expect) = world.present("/x", &token) else { panic!("the store is not asked") };
    world.seconds = 3;
    world.step(|desk| expect.answered(Ok(answer("member", "user")), desk));
    world.seconds = 5;
    assert!(matches!(world.present("/x", &token), Next::AskStore(expect) if !expect.is_login()));
}

#[test]
fn a_session_ends_with_the_reason_that_the_store_gives() {
    for (said, expected) in
        [("suspended", Reason::MemberSuspended), ("revoked", Reason::SessionRevoked), ("absent", Reason::NotAMember)]
    {
        let mut world = World::new(policy(|_| {}));
        let token = token(|_| {});
        world.log_in("/x", &token, Ok(answer("member", "user")));
        world.seconds = 5;
        assert_eq!(reason(&world.log_in("/x", &token, Ok(answer(said, "user")))), expected);
        assert_eq!(world.sessions.len(), 0);
    }
}

#[test]
fn while_a_session_is_checked_its_other_requests_go_on_as_it_was() {
    let mut world = World::new(policy(|_| {}));
    let token = token(|_| {});
    world.log_in("/x", &token, Ok(answer("member", "user")));
    world.seconds = 5;
    let Next::AskStore(expect) = world.present("/x", &token) else { panic!("the store is not asked") };
    for _ in 0..10 {
        assert_eq!(role(&world.present("/x", &token)), "user");
    }
    assert_eq!(role(&world.step(|desk| expect.answered(Ok(answer("member", "admin")), desk))), "admin");
    world.seconds = 8;
    assert_eq!(role(&world.present("/x", &token)), "admin");
}

#[test]
fn once_the_store_could_not_be_reached_nobody_goes_on_without_an_answer() {
    let mut world = World::new(policy(|_| {}));
    let token = token(|_| {});
    world.log_in("/x", &token, Ok(answer("member", "user")));
    world.seconds = 5;
    assert_eq!(reason(&world.log_in("/x", &token, Err(NoAnswer::Status(503)))), Reason::StoreUnavailable);
    let Next::AskStore(expect) = world.present("/x", &token) else { panic!("the store is not asked") };
    assert_eq!(reason(&world.present("/x", &token)), Reason::StoreUnavailable);
    world.step(|desk| expect.answered(Ok(answer("member", "user")), desk));
    assert_eq!(role(&world.present("/x", &token)), "user");
}

#[test]
fn an_older_answer_does_not_bring_back_a_session_that_was_ended() {
    let mut world = World::new(policy(|_| {}));
    let token = token(|_| {});
    world.log_in("/x", &token, Ok(answer("member", "user")));
    world.seconds = 5;
    let Next::AskStore(slow) = world.present("/x", &token) else { panic!("the store is not asked") };
    // By now the answer counts as lost.
    world.seconds = 7;
    world.log_in("/x", &token, Ok(answer("revoked", "user")));
    world.step(|desk| slow.answered(Ok(answer("member", "user")), desk));
    assert_eq!(world.sessions.len(), 0);
}

#[test]
fn an_older_answer_does_not_undo_what_a_newer_one_changed() {
    let mut world = World::new(policy(|_| {}));
    let token = token(|_| {});
    world.log_in("/x", &token, Ok(answer("member", "admin")));
    world.seconds = 5;
    let Next::AskStore(slow) = world.present("/x", &token) else { panic!("the store is not asked") };
    world.seconds = 7;
    world.log_in("/x", &token, Ok(answer("member", "user")));
    world.step(|desk| slow.answered(Ok(answer("member", "admin")), desk));
    assert_eq!(role(&world.present("/x", &token)), "user");
}

#[test]
fn no_answer_means_no_at_every_login() {
    let silences = [
        NoAnswer::TooLong,
        NoAnswer::Unreadable,
        NoAnswer::Unfitting,
        NoAnswer::Unsent,
        NoAnswer::Reset,
        NoAnswer::Status(500),
    ];
    for silence in silences {
        let mut world = World::new(policy(|document| document["sessions"]["offline"] = json!({"keep": "15m"})));
        assert_eq!(reason(&world.log_in("/x", &token(|_| {}), Err(silence))), Reason::StoreUnavailable);
        assert_eq!(world.sessions.len(), 0);
    }
}

#[test]
fn offline_decides_how_long_a_session_lives_without_the_store() {
    for (offline, seconds, goes_on) in [
        (json!("deny"), 5, false),
        (json!({"keep": "10s"}), 5, true),
        (json!({"keep": "10s"}), 10, true),
        (json!({"keep": "10s"}), 11, false),
    ] {
        let mut world = World::new(policy(|document| document["sessions"]["offline"] = offline.clone()));
        let token = token(|_| {});
        world.log_in("/x", &token, Ok(answer("member", "user")));
        world.seconds = seconds;
        let next = world.log_in("/x", &token, Err(NoAnswer::Reset));
        match goes_on {
            true => assert_eq!(role(&next), "user", "{offline} {seconds}"),
            false => assert_eq!(reason(&next), Reason::StoreUnavailable, "{offline} {seconds}"),
        }
        // It was not confirmed: the store is asked again, at once or after a while.
        world.seconds += if goes_on { 4 } else { 0 };
        assert!(matches!(world.present("/x", &token), Next::AskStore(expect) if !expect.is_login()));
    }
}

#[test]
fn a_session_that_is_kept_asks_once_in_an_interval() {
    let mut world = World::new(policy(|document| document["sessions"]["offline"] = json!({"keep": "15m"})));
    let token = token(|_| {});
    world.log_in("/x", &token, Ok(answer("member", "user")));
    for seconds in [5, 9, 13] {
        world.seconds = seconds;
        assert_eq!(role(&world.log_in("/x", &token, Err(NoAnswer::Reset))), "user");
        for later in 0..4 {
            world.seconds = seconds + later;
            assert_eq!(role(&world.present("/x", &token)), "user");
        }
    }
}

#[test]
fn a_refusal_of_the_store_is_an_answer_and_keeps_nobody() {
    for (silence, is_kept) in [
        (NoAnswer::Reset, true),
        (NoAnswer::Unsent, true),
        (NoAnswer::Unreadable, true),
        (NoAnswer::TooLong, true),
        (NoAnswer::Status(500), true),
        (NoAnswer::Status(503), true),
        (NoAnswer::NotTheStores(503), true),
        (NoAnswer::Status(401), false),
        (NoAnswer::Status(403), false),
        (NoAnswer::Status(404), false),
        (NoAnswer::Status(409), false),
        (NoAnswer::Unfitting, false),
    ] {
        let mut world = World::new(policy(|document| document["sessions"]["offline"] = json!({"keep": "15m"})));
        let token = token(|_| {});
        world.log_in("/x", &token, Ok(answer("member", "user")));
        world.seconds = 5;
        let next = world.log_in("/x", &token, Err(silence.clone()));
        match is_kept {
            true => assert_eq!(role(&next), "user", "{silence}"),
            false => assert_eq!(reason(&next), Reason::StoreUnavailable, "{silence}"),
        }
        assert_eq!(world.sessions.len(), usize::from(is_kept), "{silence}");
    }
}

#[test]
fn without_the_store_a_session_goes_on_only_as_the_last_answer_left_it() {
    for (said, expected) in [("member", Ok("user")), ("suspended", Err(Reason::StoreUnavailable))] {
        let mut world = World::new(policy(|document| document["sessions"]["offline"] = json!({"keep": "15m"})));
        let token = token(|_| {});
        world.log_in("/x", &token, Ok(answer("member", "admin")));
        world.seconds = 5;
        let Next::AskStore(slow) = world.present("/x", &token) else { panic!("the store is not asked") };
        world.seconds = 7;
        world.log_in("/x", &token, Ok(answer(said, "user")));
        let next = world.step(|desk| slow.answered(Err(NoAnswer::Reset), desk));
        match expected {
            Ok(expected) => assert_eq!(role(&next), expected),
            Err(expected) => assert_eq!(reason(&next), expected),
        }
    }
}

#[test]
fn a_session_about_which_nobody_can_be_asked_is_over_also_where_it_would_be_kept() {
    let mut world = World::new(policy(|document| document["sessions"]["offline"] = json!({"keep": "15m"})));
    let token = token(|_| {});
    world.log_in("/x", &token, Ok(answer("member", "user")));
    world.seconds = 5;
    let Next::AskStore(expect) = world.present("/x", &token) else { panic!("the store is not asked") };
    expect.end_session(&mut world.sessions);
    assert!(matches!(world.present("/x", &token), Next::AskStore(expect) if expect.is_login()));
}
