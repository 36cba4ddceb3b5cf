//! The built command as a person runs it: arguments in, exit code, output and messages out.

#[cfg(test)]
mod administration;
#[cfg(test)]
mod check;
#[cfg(test)]
mod database_tls;
#[cfg(test)]
mod demo;
#[cfg(test)]
mod discover;
#[cfg(test)]
mod discover_proxy;
#[cfg(test)]
mod environment;
#[cfg(test)]
mod examples;
#[cfg(test)]
mod explain;
#[cfg(test)]
mod guides;
#[cfg(test)]
mod help;
#[cfg(test)]
mod in_cluster;
#[cfg(test)]
mod links;
#[cfg(test)]
mod pages;
#[cfg(test)]
mod ready;
#[cfg(test)]
mod reasons_page;
#[cfg(test)]
mod render;
#[cfg(test)]
mod running_store;
#[cfg(test)]
mod scenario_docs;
#[cfg(test)]
mod scenario_faults;
#[cfg(test)]
mod scenarios;
#[cfg(test)]
#[path = "../../../store/tests/suite/server.rs"]
mod server;
#[cfg(test)]
mod store;
#[cfg(test)]
mod store_fetches_nothing;
#[cfg(test)]
mod store_tls;
#[cfg(test)]
mod support;
#[cfg(test)]
mod sync;
