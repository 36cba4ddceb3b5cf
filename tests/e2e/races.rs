//! Many at once: no seat is sold twice, nobody becomes two members, and an owner stays.

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

#[test]
fn one_token_on_many_connections_asks_the_store_once_in_each_worker() -> Result<()> {
    let mut stage = RealEnvoy::start(&policy::changed("claude", "options: {store: {timeout: 10s}}")?)?;
    let request = stage.request_of("{login: ada, pass: true}")?;
    for response in all_at_once(&stage, vec![request; PEOPLE])? {
        ensure!(upstream::saw(&response)?.is_some(), "ada is let in: {}", response.status);
    }
    let asked = stage.system.logins();
    ensure!((1..=2).contains(&asked), "the store was asked {asked} times by two workers");
    Ok(())
}

#[test]
fn of_many_owners_who_lose_their_group_at_once_the_last_one_stays() -> Result<()> {
    let mapped = "{options: {store: {timeout: 10s}}, organization: {provisioning: \
                  {group_mappings: {roles: [{group: founders, role: owner}]}}}}";
    let mut stage = RealEnvoy::start(&policy::changed("claude", mapped)?)?;
    for _ in 0..3 {
        stage.clear()?;
        for n in 0..PEOPLE {
            let tags = "{role: owner, seat_tier: premium}";
            stage.play(&format!("- {{login: person{n}, groups: [founders], iat: -100, allow: {tags}}}"))?;
        }
        let requests: Vec<Request> = (0..PEOPLE)
            .map(|n| stage.request_of(&format!("{{login: person{n}, groups: [], iat: -50, pass: true}}")))
            .collect::<Result<_>>()?;
        for response in all_at_once(&stage, requests)? {
            ensure!(denied(&response)?.code() == "no_mapped_group", "{}", denied(&response)?.code());
        }
        let left = stage.system.store.members("acme-chat")?;
        let owners = left.iter().filter(|member| member["role"] == "owner" && member["status"] == "active").count();
        ensure!((left.len(), owners) == (1, 1), "{left:#?}");
    }
    Ok(())
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
