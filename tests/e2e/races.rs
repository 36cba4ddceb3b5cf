//! Many at once: no seat is sold twice, and nobody becomes two members.

use anyhow::{Context, Result, bail, ensure};
use usher_tests::http::{Request, Response};
use usher_tests::policy;
use usher_tests::stage::denied;
use usher_tests::stage::envoy::RealEnvoy;
use usher_tests::system::upstream;

const PEOPLE: usize = 24;

#[test]
fn no_race_for_the_last_seats_oversells_them() -> Result<()> {
    // A race may take its time: what counts is who gets a seat.
    let few = "{options: {store: {timeout: 10s}}, organization: {seats: {caps: {premium: 3, standard: 2}}}}";
    let mut stage = RealEnvoy::start(&policy::changed("claude", few)?)?;
    let requests: Vec<Request> =
        (0..PEOPLE).map(|n| stage.request_of(&format!("{{login: person{n}, pass: true}}"))).collect::<Result<_>>()?;
    let mut let_in = 0;
    for response in all_at_once(&stage, requests)? {
        match upstream::saw(&response)? {
            Some(_) => let_in += 1,
            None => ensure!(denied(&response)?.code() == "no_seat_available", "{}", denied(&response)?.code()),
        }
    }
    ensure!(let_in == 5, "{let_in} were let in to 5 seats");
    stage.play(&format!("- {{seats: {{used: {{premium: 3, standard: 2}}, pending: {}}}}}", PEOPLE - 5))?;
    ensure!(stage.system.store.members("acme-chat")?.len() == PEOPLE, "everybody is listed once");
    Ok(())
}

#[test]
fn one_person_on_many_connections_becomes_one_member() -> Result<()> {
    let mut stage = RealEnvoy::start(&policy::changed("claude", "options: {store: {timeout: 10s}}")?)?;
    let requests: Vec<Request> =
        (0..PEOPLE).map(|_| stage.request_of("{login: ada, iat: -50, pass: true}")).collect::<Result<_>>()?;
    for response in all_at_once(&stage, requests)? {
        ensure!(upstream::saw(&response)?.is_some(), "ada is let in: {}", response.status);
    }
    stage.play("- {members: {ada: {subject: ada}}, seats: {used: {premium: 1}}}")
}

fn all_at_once(stage: &RealEnvoy, requests: Vec<Request>) -> Result<Vec<Response>> {
    let envoy = stage.system.envoy.address();
    let start = std::sync::Arc::new(std::sync::Barrier::new(requests.len()));
    let clients: Vec<_> = requests
        .into_iter()
        .map(|request| {
            let start = std::sync::Arc::clone(&start);
            std::thread::spawn(move || {
                start.wait();
                request.send(envoy)
            })
        })
        .collect();
    let answers = clients.into_iter().map(|client| match client.join() {
        Ok(answer) => answer,
        Err(_) => bail!("a client died"),
    });
    answers.collect::<Result<_>>().context("every client gets an answer")
}
