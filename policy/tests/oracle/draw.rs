//! Draws the steps of a long history: what is likely to matter in the state that the oracle is in. The same seed draws
//! the same steps, whatever any library does.

use super::history::{Edit, Groups, History, Login, START, Step};
use super::oracle::Oracle;
use super::policy::{GROUPS, Policy};

/// Subject, email, and what the directory calls them.
pub(crate) const PEOPLE: [(&str, &str, &str); 7] = [
    ("ada", "ada@acme.example", "e-ada"),
    ("bob", "bob@acme.example", "e-bob"),
    ("cy", "cy@acme.example", "e-cy"),
    ("dan", "dan@acme.example", "e-dan"),
    ("eva", "eva@acme.example", "e-eva"),
    ("fay", "fay@acme.example", "e-fay"),
    ("gus", "gus@acme.example", "e-gus"),
];

/// A history of so many steps. The clock stands still, as on the stages that play scenarios: what is revoked by hand is
/// revoked up to now, and who comes in again shows a ticket from later, which the connections' clock skew allows.
pub(crate) fn history(policy: Policy, seed: u64, steps: usize) -> History {
    let mut random = Random(seed);
    let asks_for_assignment = random.one_in(2);
    let mut draw = Draw { oracle: Oracle::new(policy.clone(), START), random, asks_for_assignment };
    // Whom a directory knows is there before; one of them is not.
    let known = if policy.mode == "scim" { &PEOPLE[1..] } else { &[] };
    let provision = |(_, email, id): &(_, &'static str, &'static str)| Step::Provision { email, external_id: Some(id) };
    let mut all: Vec<Step> = known.iter().map(provision).collect();
    for (_, email, id) in known {
        draw.oracle.provision(email, Some(id));
    }
    all.extend((0..steps).map(|at| draw.next_step(at, steps)));
    History { policy, steps: all }
}

struct Draw {
    oracle: Oracle,
    random: Random,
    asks_for_assignment: bool,
}

impl Draw {
    fn next_step(&mut self, at: usize, of: usize) -> Step {
        loop {
            let step = self.step(at, of);
            let mut tried = self.oracle.clone();
            let is_plain = match &step {
                Step::Add { email, role, tier } => tried.add(email, *role, *tier).map_err(|right| right.len() == 1),
                Step::Edit { email, edit } => {
                    tried.edit(email, edit).unwrap_or(Err(vec![])).map_err(|right| right.len() == 1)
                }
                Step::Remove { email } => tried.remove(email).unwrap_or(Err(vec![])).map_err(|right| right.len() == 1),
                Step::Login(login) => {
                    let _verdict = tried.login(login);
                    Ok(true)
                }
                Step::Directory(_) | Step::Policy(_) | Step::Provision { .. } | Step::Wait(_) => Ok(true),
            };
            // A step with nobody to do it to tells nothing; one that may be refused for several reasons expects none.
            if !matches!(is_plain, Err(false)) {
                self.oracle = tried;
                return step;
            }
        }
    }

    fn step(&mut self, at: usize, of: usize) -> Step {
        let product = self.oracle.policy.product;
        let email = self.email();
        let edit = |edit| Step::Edit { email, edit };
        match self.random.below(100) {
            0..66 => Step::Login(self.login(at, of)),
            66..74 => {
                let role = self.random.one_in(4).then(|| self.random.of(product.roles));
                let tier = (self.random.one_in(4) && !product.tiers.is_empty()).then(|| self.random.of(product.tiers));
                Step::Add { email, role, tier }
            }
            74..81 => edit(Edit { role: Some(self.random.of(product.roles)), ..Edit::default() }),
            81..88 if !product.tiers.is_empty() => {
                let tier = (!self.random.one_in(6)).then(|| self.random.of(product.tiers));
                edit(Edit { tier: Some(tier), ..Edit::default() })
            }
            81..90 => edit(Edit { status: Some("suspended"), ..Edit::default() }),
            90..95 => Step::Edit {
                email: self.somebody_suspended().unwrap_or(email),
                edit: Edit { status: Some("active"), ..Edit::default() },
            },
            95..97 => edit(Edit { unlink: true, ..Edit::default() }),
            _ => Step::Remove { email },
        }
    }

    fn email(&mut self) -> &'static str {
        self.random.of(&PEOPLE).1
    }

    fn somebody_suspended(&self) -> Option<&'static str> {
        let rows = self.oracle.rows();
        let is_suspended =
            |email: &str| rows.iter().any(|row| row.email.eq_ignore_ascii_case(email) && row.status == "suspended");
        PEOPLE.iter().map(|(_, email, _)| *email).find(|email| is_suspended(email))
    }

    fn login(&mut self, at: usize, of: usize) -> Login {
        let (subject, own_email, own_id) = self.random.of(&PEOPLE);
        let email = if self.random.one_in(12) { self.email() } else { own_email };
        let external_id = match self.random.below(12) {
            0 => None,
            1 => Some(self.random.of(&PEOPLE).2),
            _ => Some(own_id),
        };
        let policy = &self.oracle.policy;
        let connection = if self.random.one_in(5) { policy.connections.len() - 1 } else { 0 };
        let maps_tokens = policy.mode == "jit" && policy.role_groups.is_some();
        let groups = match self.random.below(20) {
            0 if maps_tokens => Groups::Overage,
            _ if !maps_tokens => Groups::Missing,
            1 => Groups::Missing,
            2 => Groups::Listed(vec![]),
            _ => Groups::Listed(GROUPS.iter().filter(|_| !self.random.one_in(3)).copied().collect()),
        };
        let path = if policy.access.is_empty() { "/" } else { self.random.of(&["/", "/admin", "/admin/x"]) };
        let (at, of) = (i64::try_from(at).unwrap(), i64::try_from(of).unwrap());
        let iat = match self.random.below(10) {
            // Before now: revoked by whatever was done by hand.
            0..4 if at * 2 < of => -300 + 299 * at / of,
            // A ticket of any age.
            0..3 => -300 + i64::try_from(self.random.below(600)).unwrap() / 100 * 50,
            // Later than now, by more than a stage's clock goes on meanwhile.
            _ => 100 + 190 * at / of,
        };
        // What lies between would be before a removal by hand here, and after it there.
        let iat = if (1..100).contains(&iat) { 0 } else { iat };
        Login {
            connection,
            subject,
            email,
            external_id,
            assigned: !(self.asks_for_assignment && self.random.one_in(20)),
            groups,
            iat,
            method: "GET",
            path,
        }
    }
}

/// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(bound).unwrap()).unwrap()
    }

    fn one_in(&mut self, number: usize) -> bool {
        self.below(number) == 0
    }

    fn of<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())]
    }
}
