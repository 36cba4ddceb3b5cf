//! Makes a failing history as small as it fails with: fewer steps, simpler steps, a simpler policy.

use super::history::{Edit, Groups, History, Login, Step};
use super::policy::{Policy, Seats};

/// So many histories are tried at most: then the smallest so far has to do.
const TRIES: usize = 20_000;

/// The smallest history found that still fails.
pub(crate) fn shrink(history: &History, fails: impl Fn(&History) -> bool) -> History {
    let mut best = history.clone();
    let mut tries = 0;
    let mut is_smaller = |candidate: History, best: &mut History| {
        tries += 1;
        let smaller = tries <= TRIES && fails(&candidate);
        if smaller {
            *best = candidate;
        }
        smaller
    };
    loop {
        let mut went_on = false;
        let mut length = best.steps.len().next_power_of_two();
        while length > 0 {
            let mut at = 0;
            while at < best.steps.len() {
                let mut steps = best.steps.clone();
                steps.drain(at..(at + length).min(best.steps.len()));
                let is_left_out = is_smaller(History { steps, ..best.clone() }, &mut best);
                went_on |= is_left_out;
                at += if is_left_out { 0 } else { length };
            }
            length /= 2;
        }
        for at in 0..best.steps.len() {
            let mut simpler = simpler_steps(&best.steps[at]).into_iter();
            while let Some(step) = simpler.next() {
                let mut candidate = best.clone();
                candidate.steps[at] = step;
                if is_smaller(candidate, &mut best) {
                    went_on = true;
                    simpler = simpler_steps(&best.steps[at]).into_iter();
                }
            }
        }
        let mut simpler = simpler_policies(&best.policy).into_iter();
        while let Some(policy) = simpler.next() {
            let candidate = History { policy, steps: best.steps.clone() };
            if is_smaller(candidate, &mut best) {
                went_on = true;
                simpler = simpler_policies(&best.policy).into_iter();
            }
        }
        if !went_on {
            return best;
        }
    }
}

/// The step with one thing less each; never the same step, so that this ends.
fn simpler_steps(step: &Step) -> Vec<Step> {
    match step {
        Step::Add { email, role, tier } => {
            let without_role = role.map(|_| Step::Add { email, role: None, tier: *tier });
            let without_tier = tier.map(|_| Step::Add { email, role: *role, tier: None });
            without_role.into_iter().chain(without_tier).collect()
        }
        Step::Edit { email, edit } => {
            let parts = [
                Edit { role: None, ..edit.clone() },
                Edit { tier: None, ..edit.clone() },
                Edit { status: None, ..edit.clone() },
                Edit { unlink: false, ..edit.clone() },
            ];
            parts.into_iter().filter(|part| part != edit).map(|edit| Step::Edit { email, edit }).collect()
        }
        Step::Login(login) => simpler_logins(login).into_iter().map(Step::Login).collect(),
        Step::Policy(policy) => {
            simpler_policies(policy).into_iter().map(|policy| Step::Policy(Box::new(policy))).collect()
        }
        Step::Provision { email, external_id } => {
            external_id.map(|_| Step::Provision { email, external_id: None }).into_iter().collect()
        }
        Step::Wait(seconds) if *seconds > 1 => vec![Step::Wait(1), Step::Wait(seconds / 2)],
        Step::Remove { .. } | Step::Wait(_) => vec![],
    }
}

fn simpler_logins(login: &Login) -> Vec<Login> {
    let mut simpler = vec![
        Login { connection: 0, ..login.clone() },
        Login { external_id: None, ..login.clone() },
        Login { assigned: true, ..login.clone() },
        Login { method: "GET", ..login.clone() },
        Login { path: "/", ..login.clone() },
    ];
    if let Groups::Listed(groups) = &login.groups {
        for at in 0..groups.len() {
            let mut fewer = groups.clone();
            fewer.remove(at);
            simpler.push(Login { groups: Groups::Listed(fewer), ..login.clone() });
        }
    } else {
        simpler.push(Login { groups: Groups::Listed(vec![]), ..login.clone() });
    }
    for iat in [0, login.iat.signum(), 10 * login.iat.signum(), 100 * login.iat.signum(), login.iat / 2] {
        // A ticket from later than a stage's clock goes on meanwhile stays one.
        let is_still_later = login.iat < 100 || iat == 0 || iat >= 100;
        if iat.abs() < login.iat.abs() && is_still_later {
            simpler.push(Login { iat, ..login.clone() });
        }
    }
    simpler.retain(|simple| simple != login);
    simpler
}

fn simpler_policies(policy: &Policy) -> Vec<Policy> {
    let mut simpler = vec![
        Policy { access: vec![], ..policy.clone() },
        Policy { primary_owner: None, ..policy.clone() },
        Policy { removals_by_login: 100, ..policy.clone() },
        Policy { seats: None, ..policy.clone() },
        Policy { tier_groups: vec![], ..policy.clone() },
        Policy { role_groups: None, ..policy.clone() },
        Policy { connections: vec![policy.connections[0]], primary_owner: None, ..policy.clone() },
        Policy { connections: policy.connections.iter().map(|(id, _)| (*id, "email")).collect(), ..policy.clone() },
    ];
    for at in 0..policy.role_groups.as_ref().map_or(0, Vec::len) {
        let mut fewer = policy.clone();
        fewer.role_groups.as_mut().unwrap().remove(at);
        simpler.push(fewer);
    }
    for at in 0..policy.tier_groups.len() {
        let mut fewer = policy.clone();
        fewer.tier_groups.remove(at);
        simpler.push(fewer);
    }
    for at in 0..policy.access.len() {
        let mut fewer = policy.clone();
        fewer.access.remove(at);
        simpler.push(fewer);
    }
    if let Some(seats) = &policy.seats {
        let with = |seats: Seats| Policy { seats: Some(seats), ..policy.clone() };
        simpler.push(with(Seats { caps: None, ..seats.clone() }));
        simpler.push(with(Seats { default: "highest_available", ..seats.clone() }));
        simpler.push(with(Seats { when_full: "deny", ..seats.clone() }));
        for (at, (_, cap)) in seats.caps.iter().flatten().enumerate() {
            let mut fewer = seats.clone();
            let caps = fewer.caps.as_mut().unwrap();
            if *cap == 0 {
                caps.remove(at);
            } else {
                caps[at].1 -= 1;
            }
            simpler.push(with(fewer));
        }
    }
    // What may not be had together is no policy, and what is the same is not simpler.
    simpler.retain(|simple| simple != policy && simple.may_be_had());
    simpler
}
