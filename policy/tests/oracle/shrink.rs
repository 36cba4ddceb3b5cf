//! Makes a failing history as small as it fails with: fewer steps, simpler steps, a simpler policy.

use super::draw::PEOPLE;
use super::history::{DirectoryUser, Edit, Groups, History, Login, Step};
use super::policy::{Policy, Seats};

/// So many histories are tried at most: then the smallest so far has to do.
const TRIES: usize = 20_000;

/// The smallest history found that still fails.
pub(crate) fn shrink(history: &History, fails: impl Fn(&History) -> bool) -> History {
    let mut best = history.clone();
    let mut tries = 0;
    let mut is_smaller = |candidate: &History| {
        tries += 1;
        tries <= TRIES && fails(candidate)
    };
    while let Some(smaller) = with_fewer_steps(&best, &mut is_smaller).or_else(|| simpler(&best).find(&mut is_smaller))
    {
        best = smaller;
    }
    best
}

/// Without as many steps at once as can be left out: half of them, a quarter, … one.
fn with_fewer_steps(history: &History, is_smaller: &mut impl FnMut(&History) -> bool) -> Option<History> {
    let mut best = history.clone();
    let mut length = best.steps.len();
    while length > 0 {
        let mut at = 0;
        while at < best.steps.len() {
            let mut candidate = best.clone();
            candidate.steps.drain(at..(at + length).min(best.steps.len()));
            if is_smaller(&candidate) {
                best = candidate;
            } else {
                at += length;
            }
        }
        length /= 2;
    }
    (best.steps.len() < history.steps.len()).then_some(best)
}

/// The history with one thing simpler each; never the same, so that shrinking ends.
fn simpler(history: &History) -> impl Iterator<Item = History> {
    let with_step = |at: usize, step: Step| {
        let mut simple = history.clone();
        simple.steps[at] = step;
        simple
    };
    let steps = history.steps.iter().enumerate();
    let steps = steps.flat_map(move |(at, step)| simpler_steps(step).into_iter().map(move |step| with_step(at, step)));
    let policies = simpler_policies(&history.policy);
    let policies = policies.into_iter().map(|policy| History { policy, steps: history.steps.clone() });
    under_one_policy(history)
        .chain(with_members_before(history))
        .chain(steps)
        .chain(policies)
        .chain(with_plain_times(history))
}

/// With whom the directory makes a member in the middle there from the beginning.
fn with_members_before(history: &History) -> impl Iterator<Item = History> {
    let is_provision = |step: &Step| matches!(step, Step::Provision { .. });
    let first_other = history.steps.iter().position(|step| !is_provision(step)).unwrap_or(0);
    let later = history.steps.iter().enumerate().skip(first_other).filter(move |(_, step)| is_provision(step));
    later.map(|(at, _)| {
        let mut simple = history.clone();
        let step = simple.steps.remove(at);
        simple.steps.insert(0, step);
        simple
    })
}

/// Under a later policy from the beginning.
fn under_one_policy(history: &History) -> impl Iterator<Item = History> {
    history.steps.iter().enumerate().filter_map(|(at, step)| {
        let Step::Policy(policy) = step else { return None };
        let mut steps = history.steps.clone();
        steps.remove(at);
        Some(History { policy: (**policy).clone(), steps })
    })
}

/// What has the same `iat` has another together.
fn with_plain_times(history: &History) -> impl Iterator<Item = History> {
    let iat = |step: &Step| if let Step::Login(login) = step { Some(login.iat) } else { None };
    let times = history.steps.iter().filter_map(iat).flat_map(|time| [(time, 0_i64), (time, 100), (time, -100)]);
    times.filter(|(time, plain)| plain.unsigned_abs() < time.unsigned_abs()).map(|(time, plain)| {
        let mut simple = history.clone();
        for step in &mut simple.steps {
            if let Step::Login(login) = step
                && login.iat == time
            {
                login.iat = plain;
            }
        }
        simple
    })
}

/// The step with one thing less each; never the same step, so that this ends.
fn simpler_steps(step: &Step) -> Vec<Step> {
    match step {
        Step::Add { email, role, tier } => {
            let without_role = role.map(|_| Step::Add { email, role: None, tier: *tier });
            let without_tier = tier.map(|_| Step::Add { email, role: *role, tier: None });
            without_role.into_iter().chain(without_tier).collect()
        }
        Step::Directory(user) => {
            let parts = [
                DirectoryUser { external_id: None, ..user.clone() },
                DirectoryUser { active: true, ..user.clone() },
                DirectoryUser { groups: user.groups.iter().take(1).copied().collect(), ..user.clone() },
                DirectoryUser { groups: vec![], ..user.clone() },
            ];
            parts.into_iter().filter(|part| part != user).map(Step::Directory).collect()
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
    let own_email = PEOPLE.iter().find(|(subject, _, _)| *subject == login.subject).map(|(_, email, _)| *email);
    let mut simpler = vec![
        Login { email: own_email.unwrap_or(login.email), ..login.clone() },
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

#[test]
fn a_long_history_shrinks_to_the_steps_that_matter() {
    use super::files::jit;
    use super::oracle::Oracle;

    let is_revoked_by_hand = |history: &History| {
        let mut oracle = Oracle::new(history.policy.clone(), super::history::START);
        let mut was_removed = false;
        history.steps.iter().any(|step| match step {
            Step::Remove { email } => {
                was_removed |= matches!(oracle.remove(email), Some(Ok(_)));
                false
            }
            Step::Login(login) => oracle.login(login) == Err("session_revoked".to_owned()) && was_removed,
            _ => false,
        })
    };
    let long = super::draw::history(jit(), 1, 200);
    let short = shrink(&long, is_revoked_by_hand);
    let steps: Vec<String> = short.steps.iter().map(ToString::to_string).collect();
    assert_eq!(
        steps,
        [
            "login of `dan`, connection 0, dan@acme.example, groups Listed([]), iat +0, GET /",
            "remove dan@acme.example",
            "login of `dan`, connection 0, dan@acme.example, groups Listed([]), iat +0, GET /",
        ]
    );
    assert!(short.policy.seats.is_none());
}
