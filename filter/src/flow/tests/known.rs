//! Who is recognised without a look at the whole request, and who never is.

use super::*;

/// Who is recognised by these headers, beside `:method`.
fn recognised(world: &mut World, headers: &[(&str, &str)]) -> Option<String> {
    let headers: Vec<(&str, &str)> = [(":method", "GET")].into_iter().chain(headers.iter().copied()).collect();
    let headers = HeaderMap::decode(HeaderMap::encode(&headers)).unwrap();
    let mut role = None;
    world.step(|desk| {
        let reserved = Reserved::new(&desk.policy.headers);
        let glance = Glance::of(&headers, &reserved, |_| Ok::<_, Infallible>(())).unwrap();
        role = recognise(&headers, &glance, desk).map(|permit| permit.role().as_str().to_owned());
        arrive(&headers, desk)
    });
    role
}

/// One organization in which the path plays no part, and one in which it does.
fn two_organizations(document: &mut Value) {
    let organizations = document["parents"][0]["organizations"].as_array_mut().unwrap();
    let mut plain = organizations[0].clone();
    plain["id"] = json!("acme-plain");
    plain["hosts"] = json!(["plain.acme.example", "also.acme.example"]);
    plain["access"] = json!([]);
    plain["bypass"] = json!([]);
    organizations.push(plain);
}

fn member_of(organization: &str, role: &str) -> LoginAnswer {
    let mut answer = serde_json::to_value(answer("member", role)).unwrap();
    answer["member"]["organization"] = json!(organization);
    serde_json::from_value(answer).unwrap()
}

fn log_in_at(world: &mut World, host: &str, headers: &[(&str, &str)], answer: LoginAnswer) {
    let headers: Vec<(&str, &str)> = [(":authority", host)].into_iter().chain(headers.iter().copied()).collect();
    let Next::AskStore(expect) = world.request("/x", &headers) else { panic!("the store is not asked") };
    assert!(matches!(world.step(|desk| expect.answered(Ok(answer), desk)), Next::Allow(_)));
}

#[test]
fn a_session_is_recognised_at_every_host_of_its_organization_and_at_no_other() {
    let mut world = World::new(policy(two_organizations));
    let bearer = format!("Bearer {}", token(|_| {}));
    log_in_at(&mut world, "plain.acme.example", &[("authorization", &bearer)], member_of("acme-plain", "admin"));
    log_in_at(&mut world, "chat.acme.example", &[("authorization", &bearer)], member_of("acme-chat", "user"));
    // In turns, so that the host before is always another one.
    for _ in 0..2 {
        for (host, role) in [
            ("plain.acme.example", Some("admin")),
            ("chat.acme.example", Some("user")),
            ("also.acme.example", Some("admin")),
            ("PLAIN.acme.example:8443", Some("admin")),
            ("elsewhere.example", None),
            ("plain.acme.example.", Some("admin")),
            ("plain.acme.example..", None),
        ] {
            let headers = [(":authority", host), (":path", "/x"), ("authorization", &bearer)];
            assert_eq!(recognised(&mut world, &headers).as_deref(), role, "{host}");
        }
    }
}

#[test]
fn whoever_may_not_have_this_path_or_needs_no_session_for_it_is_not_recognised() {
    let mut world = World::new(policy(two_organizations));
    let bearer = format!("Bearer {}", token(|_| {}));
    log_in_at(&mut world, "chat.acme.example", &[("authorization", &bearer)], member_of("acme-chat", "user"));
    for (path, role) in [
        ("/x", Some("user")),
        ("/admin/x", None),
        ("/healthz", None),
        ("/a/../x", None),
        ("", None),
        ("/x?y", Some("user")),
    ] {
        let headers = [(":authority", "chat.acme.example"), (":path", path), ("authorization", &bearer)];
        assert_eq!(recognised(&mut world, &headers).as_deref(), role, "{path}");
    }
}

#[test]
fn a_credential_is_recognised_in_the_source_that_decides_and_alone() {
    let sources = json!({"sources": [{"header": "x-id-token"}, "authorization", {"cookie": "IdToken"}]});
    for (sources, recognising) in [(json!(null), [true, false, false]), (sources, [true, true, true])] {
        let mut world = World::new(policy(|document| {
            two_organizations(document);
            if !sources.is_null() {
                document["credentials"] = sources;
            }
        }));
        let (token, other) = (token(|_| {}), token(|claims| claims["sub"] = json!("bob")));
        let [bearer, others] = [&token, &other].map(|token| format!("Bearer {token}"));
        let cookie = format!("a=b; IdToken={token}");
        log_in_at(&mut world, "plain.acme.example", &[("authorization", &bearer)], member_of("acme-plain", "user"));
        let mut is_recognised = |headers: &[(&str, &str)]| {
            let headers = [&[(":authority", "plain.acme.example")], headers].concat();
            recognised(&mut world, &headers).is_some()
        };
        let found = [
            is_recognised(&[("authorization", &bearer)]),
            is_recognised(&[("cookie", &cookie)]),
            is_recognised(&[("x-id-token", &token)]),
        ];
        assert_eq!(found, recognising);
        assert!(is_recognised(&[("authorization", &bearer.replace("Bearer", "bEARER"))]));
        assert!(is_recognised(&[("authorization", &format!("{}  ", bearer.replace(' ', "\t ")))]));
        for headers in [
            &[("authorization", bearer.as_str()), ("authorization", bearer.as_str())][..],
            &[("authorization", &format!("{bearer}, {bearer}"))],
            &[("authorization", &format!("{bearer},"))],
            &[("authorization", &bearer.replace("Bearer", "Basic"))],
            &[("authorization", &bearer.replace("Bearer ", "Bearer"))],
            &[("authorization", &token)],
            &[("authorization", &format!("{bearer}=="))],
            &[("authorization", others.as_str())],
            &[("authorization", "Bearer ")],
            &[("authorization", "")],
            &[],
        ] {
            assert!(!is_recognised(headers), "{headers:?}");
        }
        if recognising[2] {
            assert!(!is_recognised(&[("x-id-token", &other), ("authorization", &bearer)]), "the first source decides");
        }
    }
}

#[test]
fn a_session_about_which_something_is_to_be_asked_is_not_recognised() {
    let mut world = World::new(policy(two_organizations));
    world.source.tenures = [("idp".to_owned(), Tenure::default())].into();
    let bearer = format!("Bearer {}", token(|_| {}));
    log_in_at(&mut world, "plain.acme.example", &[("authorization", &bearer)], member_of("acme-plain", "user"));
    let headers = [(":authority", "plain.acme.example"), ("authorization", bearer.as_str())];
    assert!(recognised(&mut world, &headers).is_some());
    world.withdraw("idp");
    assert!(recognised(&mut world, &headers).is_none(), "a key was withdrawn");
    assert!(recognised(&mut world, &headers).is_some(), "it was verified again");
    world.seconds = 6;
    assert!(recognised(&mut world, &headers).is_none(), "the store is to be asked");
    world.seconds = 600;
    assert!(recognised(&mut world, &headers).is_none(), "it has expired");
}
