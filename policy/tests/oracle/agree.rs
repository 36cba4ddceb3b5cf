//! Plays a history on both sides and compares them after each step.

use std::collections::BTreeSet;
use std::fmt::Debug;

use usher_policy::rules::hand::Refusal;

use super::history::{History, Login, START, Step, Verdict};
use super::invariants::{Seen, Watch};
use super::oracle::{Handled, Oracle};
use super::world::{World, organization};

/// The oracle and the real rules, side by side.
pub(crate) struct Pair {
    pub(crate) oracle: Oracle,
    pub(crate) world: World,
    /// Every reason and every refusal that came up.
    pub(crate) seen: BTreeSet<String>,
    told: String,
    watch: Watch,
}

impl Pair {
    pub(crate) fn new(history: &History) -> Self {
        Self {
            oracle: Oracle::new(history.policy.clone(), START),
            world: World::new(&history.policy, START),
            seen: BTreeSet::new(),
            told: format!("{:?}\n", history.policy),
            watch: Watch::default(),
        }
    }

    /// Takes one step on both sides.
    ///
    /// # Errors
    /// All that was told up to where they part.
    pub(crate) fn take(&mut self, step: &Step) -> Result<(), String> {
        self.told += &format!("at {}: {step}", self.oracle.now);
        let before = self.world.rows();
        let mut verdict = None;
        match step {
            Step::Add { email, role, tier } => {
                let oracle = self.oracle.add(email, *role, *tier);
                let world = self.world.add(email, *role, *tier);
                self.handled(Some(&oracle), Some(&world))?;
            }
            Step::Directory(user) => {
                self.oracle.directory(user);
                self.world.directory(user);
            }
            Step::Edit { email, edit } => {
                let (oracle, world) = (self.oracle.edit(email, edit), self.world.edit(email, edit));
                self.handled(oracle.as_ref(), world.as_ref())?;
            }
            Step::Login(login) => verdict = Some(self.agreed(login)?),
            Step::Policy(policy) => {
                self.world.organization = organization(policy);
                self.oracle.policy = (**policy).clone();
            }
            Step::Provision { email, external_id } => {
                self.oracle.provision(email, *external_id);
                self.world.provision(email, *external_id);
            }
            Step::Remove { email } => {
                let (oracle, world) = (self.oracle.remove(email), self.world.remove(email));
                self.handled(oracle.as_ref(), world.as_ref())?;
            }
            Step::Wait(seconds) => {
                self.oracle.now += seconds;
                self.world.now += seconds;
            }
        }
        self.told += "\n";
        let (oracle, world) = (self.oracle.rows(), self.world.rows());
        if oracle != world {
            return self.part("members", &oracle, &world);
        }
        let (oracle, seats) = (self.oracle.seats(), self.world.seats());
        if oracle != seats {
            return self.part("seats", &oracle, &seats);
        }
        let (policy, now) = (&self.oracle.policy, self.oracle.now);
        let seen = Seen { policy, now, step, verdict: verdict.as_ref(), before: &before, after: &world };
        match self.watch.broken(&seen) {
            Some(law) => Err(format!("{}\nboth break a law: {law}", self.told)),
            None => Ok(()),
        }
    }

    /// The verdict of both.
    ///
    /// # Errors
    /// All that was told up to where they part.
    pub(crate) fn agreed(&mut self, login: &Login) -> Result<Verdict, String> {
        let (oracle, verdict) = (self.oracle.login(login), self.world.login(login));
        self.seen.extend(verdict.clone().err());
        self.same("verdict", &oracle, &verdict)?;
        Ok(verdict)
    }

    fn handled(&mut self, oracle: Option<&Handled>, world: Option<&Result<bool, Refusal>>) -> Result<(), String> {
        match (oracle, world) {
            // Several refusals may be right at once; design §2 does not order them.
            (Some(Err(right)), Some(Err(refusal))) if right.contains(&refusal.code()) => {
                self.told += &format!(" -> {}", refusal.code());
                self.seen.insert(format!("{} by hand", refusal.code()));
                Ok(())
            }
            (Some(Ok(oracle)), Some(Ok(world))) => self.same("warning of the last owner", oracle, world),
            (None, None) => Ok(()),
            _ => self.part("outcome", &oracle, &world),
        }
    }

    fn same<T: Debug + PartialEq>(&mut self, what: &str, oracle: &T, world: &T) -> Result<(), String> {
        if oracle != world {
            return self.part(what, oracle, world);
        }
        self.told += &format!(" -> {world:?}");
        Ok(())
    }

    fn part(&self, what: &str, oracle: &dyn Debug, world: &dyn Debug) -> Result<(), String> {
        Err(format!("{}\n{what} by the oracle: {oracle:#?}\n{what} by the rules: {world:#?}", self.told))
    }
}

/// Plays a whole history.
///
/// # Errors
/// All that was told up to where the two sides part.
pub(crate) fn play(history: &History) -> Result<Pair, String> {
    let mut pair = Pair::new(history);
    history.steps.iter().try_for_each(|step| pair.take(step))?;
    Ok(pair)
}
