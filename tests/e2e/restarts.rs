//! What survives: a restart of Envoy, a restart of the store, a trap in the filter.

use anyhow::{Result, ensure};
use usher_tests::binaries;
use usher_tests::policy;
use usher_tests::stage::envoy::RealEnvoy;
use usher_tests::system::{Setup, upstream};
use usher_tests::wait;

#[test]
fn after_a_restart_of_envoy_sessions_are_gone_and_logins_work() -> Result<()> {
    let mut stage = RealEnvoy::start(&policy::base("claude")?)?;
    stage.play("- {login: ada, allow: {role: user, seat_tier: premium}}")?;
    let id = stage.system.store.id_of("acme-chat", "ada@acme.example")?;
    let asked = stage.system.logins();
    stage.system.restart_envoy()?;
    stage.play("- {again: ada, allow: {role: user, seat_tier: premium}}")?;
    ensure!(stage.system.logins() > asked, "no session outlives its worker");
    ensure!(stage.system.store.id_of("acme-chat", "ada@acme.example")? == id, "the member is the same");
    Ok(())
}

#[test]
fn after_a_restart_of_the_store_everything_it_acknowledged_is_there() -> Result<()> {
    let mut stage = RealEnvoy::start(&policy::base("claude")?)?;
    stage.play(
        "
        - {login: ada, iat: -50, allow: {role: user, seat_tier: premium}}
        - {login: bob, iat: -50, allow: {role: user, seat_tier: premium}}
        - {change: ada, role: admin}
        - {remove: bob, members: {ada: {role: admin}}}
        ",
    )?;
    let id = stage.system.store.id_of("acme-chat", "ada@acme.example")?;
    stage.system.restart_store()?;
    stage.play(
        "
        - {members: {ada: {role: admin, subject: ada}}}
        - {login: ada, iat: -40, allow: {role: admin, seat_tier: premium}}
        - {login: bob, iat: -40, deny: session_revoked, members: {ada: {}}}
        ",
    )?;
    ensure!(stage.system.store.id_of("acme-chat", "ada@acme.example")? == id, "the member is the same");
    Ok(())
}

#[test]
fn a_trap_costs_one_request_and_envoy_makes_a_new_filter() -> Result<()> {
    let setup = Setup { filter: Some(binaries::filter_with_trap()?), ..Setup::default() };
    let mut stage = RealEnvoy::start_with(&policy::base("claude")?, &setup)?;
    let good = stage.request_of("{login: ada, pass: true}")?;
    let trapped = good.clone().header("x-usher-trap", "now");
    let mut connection = stage.system.envoy.connect()?;
    for round in 0..3 {
        ensure!(connection.send(&good)?.status == 200, "round {round}: ada is let in");
        let response = connection.send(&trapped)?;
        ensure!(response.status == 503, "round {round}: the trapped request gets {}", response.status);
        ensure!(upstream::saw(&response)?.is_none(), "round {round}: the trapped request does not pass");
        // The same worker, so the same VM: until it is made anew, requests are refused, and none passes unchecked.
        wait::until("the worker has a new filter", || {
            let response = connection.send(&good)?;
            match upstream::saw(&response)? {
                Some(headers) => {
                    ensure!(headers.iter().any(|(name, _)| name == "x-usher-role"), "passed without tags");
                    Ok(Some(()))
                }
                None => Ok(None),
            }
        })?;
    }
    wait::until("the sessions of filters that died are no longer counted", || {
        Ok((stage.system.envoy.stat("usher_sessions")? == 1).then_some(()))
    })?;
    stage.no_token_was_logged()
}
