//! Sessions in a real Envoy's VM: each is found by its whole credential, and by nothing that is nearly that. What is kept of an
//! assertion is compared by vector instructions that only the filter there has.

use anyhow::{Context, Result, ensure};
use usher_tests::http::Request;
use usher_tests::policy;
use usher_tests::stage::envoy::RealEnvoy;
use usher_tests::system::upstream;

const PEOPLE: usize = 24;

/// What makes room for everybody, and lets nothing but a change of the credential end a session.
const ROOMY: &str = "organization: {seats: {caps: {premium: 50, standard: 50}}}";

#[test]
fn a_session_is_found_again_whatever_is_in_its_credential() -> Result<()> {
    let mut stage = RealEnvoy::start(&policy::changed("claude", ROOMY)?)?;
    // Of every length, so that every way of ending in base64url is among them, and with every letter of it.
    let requests: Vec<Request> = (0..PEOPLE).map(|n| of(&mut stage, n)).collect::<Result<_>>()?;
    // One connection is one worker, which has sessions of its own.
    let mut connection = stage.system.envoy.connect()?;
    for round in 0..3 {
        for (n, request) in requests.iter().enumerate() {
            ensure!(upstream::saw(&connection.send(request)?)?.is_some(), "{n} is let in, round {round}");
        }
        ensure!(stage.system.logins() == PEOPLE, "one login for each: {}", stage.system.logins());
    }
    stage.no_filter_died()
}

#[test]
fn a_credential_with_another_letter_anywhere_is_no_session() -> Result<()> {
    let mut stage = RealEnvoy::start(&policy::changed("claude", ROOMY)?)?;
    let mut connection = stage.system.envoy.connect()?;
    // The second is kept as what it has that the first has not.
    for n in [0, 7] {
        let request = of(&mut stage, n)?;
        ensure!(upstream::saw(&connection.send(&request)?)?.is_some(), "{n} is let in");
        let (logins, value) = (stage.system.logins(), request.first("authorization").context("a bearer")?.to_vec());
        let token = value.strip_prefix(b"Bearer ").context("a bearer")?;
        let mut sent = |token: &[u8]| {
            let changed = Request::new("GET", "chat.acme.example", "/");
            connection.send(&changed.header("authorization", [b"Bearer ", token].concat()))
        };
        for at in 0..token.len() {
            // Its neighbour by one bit (no comma, which would be two credentials), and one that is far from it.
            for other in
                [if token[at] == b'-' { b'/' } else { token[at] ^ 1 }, if token[at] == b'q' { b'7' } else { b'q' }]
            {
                let changed = [&token[..at], &[other], &token[at + 1..]].concat();
                let response = sent(&changed)?;
                ensure!(upstream::saw(&response)?.is_none(), "{n}: {at} is {:?}", char::from(other));
                ensure!(response.status == 401, "{n}: {at} is {:?}: {}", char::from(other), response.status);
            }
        }
        for cut in [1, 2, 3, 4, 100, token.len() - 1] {
            ensure!(sent(&token[..token.len() - cut])?.status == 401, "{n}: without its last {cut}");
        }
        ensure!(stage.system.logins() == logins, "nobody else has logged in");
        ensure!(upstream::saw(&sent(token)?)?.is_some(), "it is still there");
        ensure!(stage.system.logins() == logins, "and is a session");
    }
    stage.no_filter_died()?;
    stage.no_token_was_logged()
}

/// A login of a person whose assertion is longer than that of the one before.
fn of(stage: &mut RealEnvoy, n: usize) -> Result<Request> {
    let filler: String = ('!'..='~').filter(|letter| !"'\\".contains(*letter)).cycle().skip(n * 5).take(n).collect();
    stage.request_of(&format!("{{login: person{n}, claims: {{filler: '{filler}'}}, pass: true}}"))
}
