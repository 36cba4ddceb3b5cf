//! Envoy with its policy in a file that it watches: another one is put in its place while requests are served.

use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use super::System;
use super::envoy::Envoy;
use crate::wait;

/// What is in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watched {
    /// The filter alone (ECDS): the next request is judged by the new policy.
    Filter,
    /// The listener (LDS): the next connection is; those that are open are drained.
    Listener,
}

/// The file in which Envoy finds its policy.
#[derive(Debug)]
pub struct PolicyFile {
    watched: Watched,
    file: PathBuf,
    resource: Value,
}

impl System {
    /// Starts Envoy again, in its place and with the same policy, which it finds in a file from now on.
    ///
    /// # Errors
    /// It does not start.
    pub fn watch_policy(&mut self, watched: Watched) -> Result<PolicyFile> {
        let folder = self.folder().to_owned();
        let bootstrap = std::fs::read_to_string(folder.join("envoy.yaml"))?;
        let mut bootstrap = usher_policy_file::yaml_to_json(&bootstrap)
            .map_err(|faults| anyhow::anyhow!("the bootstrap is no YAML: {faults:?}"))?;
        let file = folder.join("watched.json");
        let resource = match watched {
            Watched::Filter => take_filter(&mut bootstrap, &file)?,
            Watched::Listener => take_listener(&mut bootstrap, &file)?,
        };
        let policy_file = PolicyFile { watched, file, resource };
        policy_file.write()?;
        if let Some(bootstrap) = bootstrap.as_object_mut() {
            // Envoy wants a name for whatever it asks for, even of a file.
            bootstrap.insert("node".to_owned(), json!({"id": "test", "cluster": "test"}));
        }
        let bootstrap_file = folder.join("watching.json");
        std::fs::write(&bootstrap_file, bootstrap.to_string())?;
        let (listen, admin) = (self.envoy.listen(), self.envoy.admin());
        self.envoy.kill();
        let drain = [super::envoy::ALONE, "--drain-time-s", "1", "--drain-strategy", "immediate"];
        self.envoy = Envoy::start_with(&folder, &bootstrap_file, listen, admin, &drain)?;
        Ok(policy_file)
    }
}

impl PolicyFile {
    /// Puts another policy in place; returns when Envoy has taken it up.
    ///
    /// # Errors
    /// It does not take it up.
    pub fn put(&mut self, envoy: &Envoy, policy: &Value) -> Result<()> {
        let before = self.taken_up(envoy)?;
        *self.configuration()? = json!(policy.to_string());
        self.write()?;
        wait::until("the policy is taken up", || Ok((self.taken_up(envoy)? > before).then_some(())))
    }

    /// Puts a policy in place that Envoy must not take up; returns when it has refused it.
    ///
    /// # Errors
    /// It does not refuse it.
    pub fn put_refused(&mut self, envoy: &Envoy, policy: &Value) -> Result<()> {
        let before = refused(envoy)?;
        *self.configuration()? = json!(policy.to_string());
        self.write()?;
        wait::until("the policy is refused", || Ok((refused(envoy)? > before).then_some(())))
    }

    fn taken_up(&self, envoy: &Envoy) -> Result<u64> {
        envoy.own_stat(match self.watched {
            Watched::Filter => "http_filter.usher.config_reload",
            Watched::Listener => "listener_manager.listener_in_place_updated",
        })
    }

    /// The place of the policy, as JSON in a text.
    fn configuration(&mut self) -> Result<&mut Value> {
        let filter = match self.watched {
            Watched::Filter => &mut self.resource,
            Watched::Listener => filter(&mut self.resource)?,
        };
        filter.pointer_mut("/typed_config/config/configuration/value").context("the filter has a configuration")
    }

    /// Envoy sees that another file has the name; what is written in place it might read half.
    fn write(&self) -> Result<()> {
        let half = self.file.with_extension("new");
        std::fs::write(&half, json!({"resources": [self.resource]}).to_string())?;
        Ok(std::fs::rename(half, &self.file)?)
    }
}

fn refused(envoy: &Envoy) -> Result<u64> {
    envoy.own_stat("config_fail")
}

/// Takes the filter out of the bootstrap; what is left there names the file.
fn take_filter(bootstrap: &mut Value, file: &std::path::Path) -> Result<Value> {
    let listener = bootstrap.pointer_mut("/static_resources/listeners/0").context("a bootstrap has a listener")?;
    let there = filter(listener)?;
    let typed_config = there.get("typed_config").context("the filter has a configuration")?.clone();
    let kind = typed_config.get("@type").context("of some type")?.clone();
    *there = json!({"name": "usher", "config_discovery": {"config_source": source(file), "type_urls": [kind]}});
    let extension = "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig";
    Ok(json!({"@type": extension, "name": "usher", "typed_config": typed_config}))
}

/// Takes the listener out of the bootstrap, which names the file instead.
fn take_listener(bootstrap: &mut Value, file: &std::path::Path) -> Result<Value> {
    let fixed = bootstrap.pointer_mut("/static_resources").and_then(Value::as_object_mut).context("a bootstrap")?;
    let mut listeners = fixed.remove("listeners").context("a bootstrap has a listener")?;
    let Some(listener) = listeners.get_mut(0).and_then(Value::as_object_mut) else { bail!("no listener") };
    let kind = json!("type.googleapis.com/envoy.config.listener.v3.Listener");
    ensure!(listener.insert("@type".to_owned(), kind).is_none(), "a listener of a bootstrap needs no type");
    let listener = Value::Object(listener.clone());
    let bootstrap = bootstrap.as_object_mut().context("a bootstrap")?;
    bootstrap.insert("dynamic_resources".to_owned(), json!({"lds_config": source(file)}));
    Ok(listener)
}

fn source(file: &std::path::Path) -> Value {
    json!({"path_config_source": {"path": file}, "resource_api_version": "V3"})
}

/// The filter among those of a listener.
fn filter(listener: &mut Value) -> Result<&mut Value> {
    let filters = listener.pointer_mut("/filter_chains/0/filters/0/typed_config/http_filters");
    let filters = filters.and_then(Value::as_array_mut).context("a listener has HTTP filters")?;
    filters.iter_mut().find(|filter| filter.get("name") == Some(&json!("usher"))).context("one of them is ours")
}
