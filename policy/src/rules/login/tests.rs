//! Every sentence of design §2 that a login decides.

mod linking;
mod modes;
mod owners;
mod seats;
mod tickets;

use crate::Reason;
use crate::model::Provisioning;
use crate::rules::plan::Plan;
use crate::rules::testing::{World, assign, login, mappings, organization};

const NO_GROUP: Plan = Plan::Remove { reason: Reason::NoMappedGroup };
const UNASSIGNED: Plan = Plan::Remove { reason: Reason::NotAssigned };

fn manual() -> World {
    World::new(organization(Provisioning::Manual))
}

fn jit() -> World {
    World::new(organization(Provisioning::Jit))
}

fn mapped() -> World {
    World::new(organization(Provisioning::JitMapped(mappings())))
}

fn scim() -> World {
    World::new(organization(Provisioning::Scim))
}

fn role(world: &World, name: &str) -> String {
    world.member(name).role.to_string()
}

fn tier(world: &World, name: &str) -> Option<String> {
    world.member(name).seat_tier.map(|tier| tier.to_string())
}

/// A second owner, so that nobody is the last.
fn second_owner(world: &mut World) {
    world.login(&login("zoe", 1, assign("owner", None)));
}
