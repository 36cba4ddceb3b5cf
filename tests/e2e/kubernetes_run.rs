//! The store's Kubernetes manifests, with the real command and a real PostgreSQL: arguments, environment, ports, probes and end.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::Value;
use usher_tests::http::local;
use usher_tests::process::Process;
use usher_tests::{binaries, port, wait};

use crate::kubernetes::{applied, container, pod, secrets};
use crate::schemas::{config, find};
use crate::server;

/// The name under which gateways know the store.
const NAME: &str = "usher-store.usher.svc.cluster.local";

/// A pod of the Deployment, as Kubernetes would run it.
struct Pod {
    process: Process,
    address: SocketAddr,
    authority: CertificateDer<'static>,
}

impl Pod {
    /// Mounts become folders below `folder`, the database's address is the test's, and the port a free one.
    fn start(objects: &[Value], folder: &Path, database: &str) -> Result<Self> {
        std::fs::create_dir_all(folder)?;
        let authority = mounted(objects, folder)?;
        let mut environment = BTreeMap::new();
        let values = find(&secrets()?, "Secret", "usher-store")?["stringData"].clone();
        for name in values.as_object().context("values")?.keys() {
            environment.insert(name.clone(), format!("a-value-of-{name}-for-the-tests"));
        }
        for variable in container(objects)?["env"].as_array().context("variables")? {
            let text = |field: &str| variable[field].as_str().context("a text");
            environment.insert(text("name")?.to_owned(), text("value")?.to_owned());
        }
        let address = environment.insert("USHER_DATABASE".to_owned(), database.to_owned()).context("a database")?;
        ensure!(address.starts_with("postgres://") && address.contains("sslmode=verify-full"), "{address}");

        let listen = local(port::free()?);
        let mut command = Command::new(binaries::usher()?);
        for argument in container(objects)?["args"].as_array().context("arguments")? {
            let mut argument = argument.as_str().context("a text")?.to_owned();
            for (name, value) in &environment {
                argument = argument.replace(&format!("$({name})"), value);
            }
            if let Some(told) = argument.strip_prefix("--listen=") {
                let told: SocketAddr = told.parse()?;
                ensure!(told.ip().is_unspecified() && u64::from(told.port()) == container_port(objects)?, "{told}");
                argument = format!("--listen={listen}");
            }
            command.arg(argument.replace("/etc/usher/", &format!("{}/", folder.display())));
        }
        command.env_clear().envs(&environment).current_dir("/");
        let process = Process::start("the pod", command, folder.join("log"))?;
        Ok(Self { process, address: listen, authority })
    }

    /// What one of its probes is answered.
    fn probe(&self, objects: &[Value], name: &str) -> Result<u16> {
        let get = &container(objects)?[name]["httpGet"];
        let named = container(objects)?["ports"][0]["name"].as_str().context("a name")?;
        ensure!(get["port"] == named && get["scheme"] == "HTTPS", "{get}");
        Ok(self.ask("GET", get["path"].as_str().context("a path")?, None)?.0)
    }

    /// Status and body of an answer, over TLS with the store's name checked.
    fn ask(&self, method: &str, path: &str, body: Option<&str>) -> Result<(u16, String)> {
        let mut roots = RootCertStore::empty();
        roots.add(self.authority.clone())?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let client = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let client = client.with_root_certificates(roots).with_no_client_auth();
        let connection = ClientConnection::new(Arc::new(client), ServerName::try_from(NAME)?)?;
        let socket = TcpStream::connect_timeout(&self.address, Duration::from_secs(2))?;
        socket.set_read_timeout(Some(Duration::from_secs(10)))?;
        let mut stream = StreamOwned::new(connection, socket);
        let body = body.unwrap_or_default();
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nhost: {NAME}\r\nconnection: close\r\ncontent-type: application/json\r\n\
             authorization: Bearer a-value-of-USHER_ADMIN_TOKEN-for-the-tests\r\ncontent-length: {length}\r\n\r\n{body}"
        )?;
        let mut answer = Vec::new();
        // A peer that has answered may close without a word.
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8(answer)?;
        let status = answer.split(' ').nth(1).context("a status")?.parse()?;
        Ok((status, answer.split_once("\r\n\r\n").context("a body")?.1.to_owned()))
    }
}

/// Makes the folders that the pod mounts, with what is in them; gives the certificate that is trusted then.
fn mounted(objects: &[Value], folder: &Path) -> Result<CertificateDer<'static>> {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(vec![NAME.to_owned()])?;
    for mount in container(objects)?["volumeMounts"].as_array().context("mounts")? {
        let volumes = pod(objects)?["volumes"].as_array().context("volumes")?;
        let volume = volumes.iter().find(|volume| volume["name"] == mount["name"]).context("a volume")?;
        let place = mount["mountPath"].as_str().and_then(|path| path.strip_prefix("/etc/usher/")).context("a place")?;
        let place = folder.join(place);
        std::fs::create_dir_all(&place)?;
        if volume.get("configMap").is_some() {
            std::fs::copy(config("kubernetes").join("usher.yaml"), place.join("usher.yaml"))?;
            continue;
        }
        let name = volume["secret"]["secretName"].as_str().context("a Secret")?;
        for key in find(&secrets()?, "Secret", name)?["stringData"].as_object().context("values")?.keys() {
            let value = if key == "tls.key" { signing_key.serialize_pem() } else { cert.pem() };
            std::fs::write(place.join(key), value)?;
        }
    }
    Ok(cert.der().clone())
}

/// The number of the port that Service and probes lead to.
fn container_port(objects: &[Value]) -> Result<u64> {
    let port = &container(objects)?["ports"][0];
    let service = &find(objects, "Service", "usher-store")?["spec"]["ports"][0];
    ensure!(service["targetPort"] == port["name"] && service["port"] == 7070, "{service}");
    let network = find(objects, "NetworkPolicy", "usher-store")?;
    ensure!(network["spec"]["ingress"][0]["ports"][0]["port"] == port["name"], "{network}");
    port["containerPort"].as_u64().context("a number")
}

#[test]
fn what_the_manifests_say_is_what_the_store_does() -> Result<()> {
    let objects = applied()?;
    let folder = tempfile::tempdir()?;
    let postgres = server::made();
    postgres.sql("postgres", "CREATE DATABASE pods");
    let database = postgres.address("pods");
    // Both at once, on an empty database, as a Deployment starts them.
    let mut pods = Vec::new();
    for number in 0..2 {
        pods.push(Pod::start(&objects, &folder.path().join(number.to_string()), &database)?);
    }
    for pod in &mut pods {
        for probe in ["startupProbe", "livenessProbe", "readinessProbe"] {
            wait::until(probe, || {
                pod.process.still_runs()?;
                Ok(pod.probe(&objects, probe).is_ok_and(|status| status == 200).then_some(()))
            })?;
        }
    }
    let [one, other] = pods.as_slice() else { anyhow::bail!("two pods") };
    let members = "/v1/organizations/acme-console/members";
    let (status, answer) = one.ask("POST", members, Some(r#"{"email": "ben@acme.example"}"#))?;
    ensure!(status == 201, "{status}: {answer}");
    let (status, answer) = other.ask("GET", members, None)?;
    ensure!(status == 200 && answer.contains("ben@acme.example"), "{status}: {answer}");

    // Without the database nobody is ready, and nobody need be started again.
    drop(postgres);
    for pod in &mut pods {
        wait::until("nobody is ready", || Ok((pod.probe(&objects, "readinessProbe")? == 503).then_some(())))?;
        ensure!(pod.probe(&objects, "livenessProbe")? == 200, "it would be started again");
    }
    ends_in_time(&objects, &mut pods)
}

/// SIGTERM ends them well, before Kubernetes would kill them.
fn ends_in_time(objects: &[Value], pods: &mut [Pod]) -> Result<()> {
    let seconds = |value: &Value| value.as_u64().context("seconds");
    let grace = seconds(&pod(objects)?["terminationGracePeriodSeconds"])?;
    let before = seconds(&container(objects)?["lifecycle"]["preStop"]["sleep"]["seconds"])?;
    for pod in pods {
        let begin = Instant::now();
        let told = Command::new("kill").args(["-TERM", &pod.process.id().to_string()]).status()?;
        ensure!(told.success() && pod.process.ends_well()?, "it does not end well");
        ensure!(begin.elapsed() < Duration::from_secs(grace - before), "{:?}", begin.elapsed());
        ensure!(!pod.process.log().contains("-for-the-tests"), "a secret was logged");
    }
    Ok(())
}
