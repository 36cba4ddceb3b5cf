//! All scenarios, natively and through Envoy; `SCENARIO=text` plays only those whose title has it.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Instant;

use anyhow::{Result, ensure};
use usher_policy::Reason;
use usher_scenario::Scenario;
use usher_scenario::native;
use usher_scenario::play::{self, Failed};
use usher_tests::scenarios;
use usher_tests::stage::envoy::RealEnvoy;

#[test]
fn scenarios_hold_by_the_rules_alone() -> Result<()> {
    let scenarios = chosen()?;
    let native: Vec<&Scenario> = scenarios.iter().filter(|scenario| scenario.only_envoy.is_none()).collect();
    let failures: Vec<String> =
        native.iter().filter_map(|scenario| failure(scenario, native::perform(scenario))).collect();
    report(native.len(), &failures)
}

#[test]
fn scenarios_hold_through_envoy() -> Result<()> {
    let mut scenarios = chosen()?;
    // What must be refused does not run.
    scenarios.retain(|scenario| scenario.refused.is_empty());
    // One Envoy for all scenarios under the same policy; as many at a time as there are cores.
    scenarios.sort_by_cached_key(|scenario| scenario.policy.to_string());
    let groups: Vec<&[Scenario]> = scenarios.chunk_by(|one, next| one.policy == next.policy).collect();
    let queue = Mutex::new(groups.into_iter());
    let failures = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                let next = || queue.lock().ok().and_then(|mut queue| queue.next());
                while let Some(group) = next() {
                    let failed = play_group(group);
                    if let Ok(mut failures) = failures.lock() {
                        failures.extend(failed);
                    }
                }
            });
        }
    });
    report(scenarios.len(), &failures.into_inner().unwrap_or_default())
}

#[test]
fn every_reason_has_a_scenario_through_envoy() -> Result<()> {
    // Single-use assertions (SAML) come with browser login; until then nothing can be replayed.
    let without: BTreeSet<&str> = BTreeSet::from([Reason::Replayed.code()]);
    let mut denied = BTreeSet::new();
    for scenario in scenarios::all()? {
        denied.extend(scenario.steps.iter().filter_map(|step| step.denied()).map(Reason::code));
    }
    let all: BTreeSet<&str> = Reason::ALL.iter().map(|reason| reason.code()).collect();
    let missing: Vec<&&str> = all.difference(&denied).filter(|code| !without.contains(**code)).collect();
    ensure!(missing.is_empty(), "no scenario is denied for {missing:?}");
    let too_many: Vec<&&str> = denied.intersection(&without).collect();
    ensure!(too_many.is_empty(), "no longer an exception: {too_many:?}");
    Ok(())
}

fn play_group(group: &[Scenario]) -> Vec<String> {
    let Some(first) = group.first() else { return Vec::new() };
    let mut stage = match RealEnvoy::start(&first.policy) {
        Ok(stage) => stage,
        Err(error) => return vec![format!("{} and {} more: {error:#}", first.title(), group.len() - 1)],
    };
    let mut failures = Vec::new();
    for scenario in group {
        let begun = Instant::now();
        let played = stage.clear().and_then(|()| play::perform(scenario, &mut stage));
        println!("{:>5} ms  {}", begun.elapsed().as_millis(), scenario.title());
        if let Some(failure) = failure(scenario, played) {
            failures.push(format!("{failure}\n{}", stage.log()));
        }
    }
    if let Err(error) = stage.no_token_was_logged() {
        failures.push(format!("{} and {} more: {error:#}", first.title(), group.len() - 1));
    }
    failures
}

fn failure(scenario: &Scenario, played: Result<Vec<Failed>>) -> Option<String> {
    let title = scenario.title();
    match played {
        Ok(failed) if failed.is_empty() => None,
        Ok(failed) => {
            let steps: Vec<String> = failed.iter().map(ToString::to_string).collect();
            Some(format!("{title}\n{}", steps.join("\n")))
        }
        Err(error) => Some(format!("{title}: {error:#}")),
    }
}

fn chosen() -> Result<Vec<Scenario>> {
    let mut scenarios = scenarios::all()?;
    if let Ok(wanted) = std::env::var("SCENARIO") {
        scenarios.retain(|scenario| scenario.title().contains(&wanted));
    }
    ensure!(!scenarios.is_empty(), "no scenario was chosen");
    Ok(scenarios)
}

fn report(played: usize, failures: &[String]) -> Result<()> {
    println!("{played} scenarios, {} failed", failures.len());
    ensure!(failures.is_empty(), "{} of {played} scenarios failed:\n\n{}", failures.len(), failures.join("\n\n"));
    Ok(())
}
