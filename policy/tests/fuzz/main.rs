//! Whatever is read from outside, given what nobody would write: no panic, no second reading, and no more than came in.

#[cfg(test)]
mod differential;
#[cfg(test)]
mod mutate;
#[cfg(test)]
mod targets;
