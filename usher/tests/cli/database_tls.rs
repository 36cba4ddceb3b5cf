//! `usher store` on a PostgreSQL that is reached by TCP: with TLS, without, and with the wrong certificates.

use std::io::{BufRead as _, BufReader};
use std::net::Ipv4Addr;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair,
};
use serde_json::{Value, json};

use crate::server::{self, INITDB, Postgres};
use crate::store::Process;
use crate::support::{Folder, Outcome, command, outcome, policy};

/// In the address of the database, where it is nobody else's to read.
const PASSWORD: &str = "sesame-of-the-database";

/// What would be read from the environment of whoever runs the tests.
const VARIABLES: &[&str] = &[
    "PGAPPNAME",
    "PGDATABASE",
    "PGHOST",
    "PGHOSTADDR",
    "PGOPTIONS",
    "PGPASSFILE",
    "PGPASSWORD",
    "PGPORT",
    "PGSSLCERT",
    "PGSSLKEY",
    "PGSSLMODE",
    "PGSSLROOTCERT",
    "PGUSER",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
];

/// An authority, and what it issues, as files.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// A certificate for a name or an address, and its key.
    fn server(&self, name: &str) -> [String; 2] {
        self.signed(CertificateParams::new(vec![name.to_owned()]).unwrap())
    }

    /// A certificate that says who comes, and its key.
    fn client(&self, user: &str) -> [String; 2] {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, user);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.signed(params)
    }

    fn signed(&self, params: CertificateParams) -> [String; 2] {
        let key = KeyPair::generate().unwrap();
        [params.signed_by(&key, &self.0).unwrap().pem(), key.serialize_pem()]
    }
}

/// A PostgreSQL of one's own, on an address of the loopback network that no other test has, so that its port is free.
struct Server {
    postgres: Postgres,
    host: String,
}

impl Server {
    fn start(number: u8) -> Self {
        let [.., high, low] = std::process::id().to_be_bytes();
        let host = Ipv4Addr::new(127, 80 + number, high, low.max(1)).to_string();
        let postgres = server::start("initdb", INITDB, &["-c", &format!("listen_addresses={host}")]);
        postgres.sql("postgres", "CREATE DATABASE usher");
        Self { postgres, host }
    }

    /// Writes a file into the server's folder, as the server does: its own, and nobody else's to read.
    fn file(&self, name: &str, content: &str) {
        self.postgres.sql(
            "postgres",
            &format!(
                "DO $do$ BEGIN EXECUTE format('COPY (SELECT * FROM regexp_split_to_table(%L, E''\n'')) TO PROGRAM %L', \
                 '{content}', format('umask 077; cat > %s/{name}', current_setting('data_directory'))); END $do$"
            ),
        );
    }

    /// Shows this certificate from now on.
    fn shows(&self, [certificate, key]: &[String; 2]) {
        self.file("server.crt", certificate);
        self.file("server.key", key);
        self.set("ssl", "on");
    }

    fn set(&self, name: &str, value: &str) {
        let logged = self.reloads();
        self.postgres.sql("postgres", &format!("ALTER SYSTEM SET {name} = '{value}'"));
        self.postgres.sql("postgres", "SELECT pg_reload_conf()");
        let began = Instant::now();
        while self.reloads() == logged {
            assert!(began.elapsed() < Duration::from_secs(10), "it is not read again: {}", self.postgres.log());
            std::thread::yield_now();
        }
        assert_eq!(self.postgres.sql("postgres", &format!("SHOW {name}")).trim(), value, "{}", self.postgres.log());
        assert!(!self.postgres.log().contains("was not reloaded"), "{}", self.postgres.log());
    }

    fn reloads(&self) -> usize {
        self.postgres.log().matches("received SIGHUP").count()
    }

    /// What `--database` takes.
    fn address(&self, parameters: &str) -> String {
        format!("postgres://usher:{PASSWORD}@{}/usher{parameters}", self.host)
    }
}

/// Stores on one server.
struct Stores<'a> {
    server: &'a Server,
    folder: Folder,
    policy: String,
}

impl<'a> Stores<'a> {
    fn on(server: &'a Server) -> Self {
        let folder = Folder::new();
        let jwks = json!({"uri": "https://acme.okta.example/keys", "cluster": "okta"});
        let policy = folder.file("usher.json", &policy(&jwks, &json!({})).to_string());
        Self { server, folder, policy }
    }

    fn command(&self, parameters: &str, environment: &[(&str, &str)]) -> Command {
        let mut command = store(&self.policy, &self.server.address(parameters));
        command.envs(environment.iter().copied());
        command
    }

    /// Starts one, which serves; gives whether its connections are encrypted, and what it warned of.
    #[track_caller]
    fn serves(&self, parameters: &str, environment: &[(&str, &str)]) -> (bool, String) {
        let mut command = self.command(parameters, environment);
        let mut process = Process(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
        let mut told = String::new();
        let lines = BufReader::new(process.0.stdout.take().unwrap()).lines();
        let address = lines.map(Result::unwrap).find_map(|line| {
            told.push_str(&line);
            told.push('\n');
            serde_json::from_str::<Value>(&line).unwrap()["address"].as_str().map(str::to_owned)
        });
        let Some(address) = address else {
            let errors = std::io::read_to_string(process.0.stderr.take().unwrap()).unwrap();
            panic!("{parameters} {environment:?}: {errors}");
        };
        assert!(!told.contains(PASSWORD), "{told}");
        assert_eq!(ureq::get(format!("http://{address}/readyz")).call().unwrap().status(), 200);
        let encrypted = self.server.postgres.sql(
            "usher",
            "SELECT bool_and(ssl), bool_or(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
             WHERE application_name = 'usher' AND client_addr IS NOT NULL",
        );
        assert!(["t|t", "f|f"].contains(&encrypted.trim()), "{encrypted}");
        drop(process);
        let began = Instant::now();
        let left = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'usher'";
        while self.server.postgres.sql("usher", left).trim() != "0" {
            assert!(began.elapsed() < Duration::from_secs(10), "its connections stay");
            std::thread::yield_now();
        }
        (encrypted.starts_with('t'), told)
    }

    /// Starts one, which ends at once and says why, and what to do.
    #[track_caller]
    fn refused(&self, parameters: &str, environment: &[(&str, &str)], told: &[&str]) {
        let began = Instant::now();
        let Outcome { code, stdout, stderr } = outcome(&mut self.command(parameters, environment));
        assert_eq!(code, 1, "{parameters} {environment:?}: {stderr}");
        assert!(began.elapsed() < Duration::from_secs(4), "it waited for what does not change: {stderr}");
        for told in told.iter().copied().chain([self.server.host.as_str()]) {
            assert!(stderr.contains(told), "{parameters} {environment:?}: {told}: {stderr}");
        }
        for secret in [PASSWORD, "PRIVATE KEY", "BEGIN CERTIFICATE"] {
            assert!(!stderr.contains(secret) && !stdout.contains(secret), "{stderr}{stdout}");
        }
    }

    fn file(&self, name: &str, content: &str) -> String {
        self.folder.file(name, content)
    }
}

/// A store that is to be started.
fn store(policy: &str, database: &str) -> Command {
    let mut command = command(&["store", "--policy", policy, "--database", database, "--listen", "127.0.0.1:0"]);
    for variable in VARIABLES {
        command.env_remove(variable);
    }
    command
        .env("USHER_STORE_TOKEN", "the-filter-s-own-secret")
        .env("USHER_ADMIN_TOKEN", "an-administrator-s-secret")
        .env("ACME_SCIM_TOKEN", "the-directory-s-own-secret");
    command
}

const UNVERIFIED: &str = "the database's certificate is not verified";

#[test]
fn a_server_without_tls_is_refused_where_the_address_asks_for_it_and_taken_where_not() {
    let server = Server::start(0);
    let stores = Stores::on(&server);
    let ca = stores.file("ca.pem", &Authority::new("ours").0.pem());
    for mode in ["require", "verify-ca", "verify-full"] {
        let parameters = format!("?sslmode={mode}&sslrootcert={ca}");
        stores.refused(&parameters, &[], &["the server does not speak TLS", "turn `ssl` on"]);
        stores.refused("", &[("PGSSLMODE", mode)], &["the server does not speak TLS", "turn `ssl` on"]);
    }
    for parameters in ["", "?sslmode=prefer", "?sslmode=allow", "?sslmode=disable"] {
        let (encrypted, told) = stores.serves(parameters, &[]);
        assert!(!encrypted && told.contains(UNVERIFIED), "{parameters}: {told}");
    }
}

#[test]
fn over_a_socket_there_is_no_tls_to_ask_for() {
    let folder = Folder::new();
    let jwks = json!({"uri": "https://acme.okta.example/keys", "cluster": "okta"});
    let policy = folder.file("usher.json", &policy(&jwks, &json!({})).to_string());
    let database = format!("{}?sslmode=verify-full", server::postgres().address("postgres"));
    let refused = outcome(&mut store(&policy, &database));
    assert_eq!(refused.code, 1, "{refused:?}");
    for told in ["no TLS over a socket", "write `sslmode=disable`"] {
        assert!(refused.stderr.contains(told), "{refused:?}");
    }
}

#[test]
fn a_server_is_believed_by_its_authority_and_its_name() {
    let server = Server::start(1);
    let stores = Stores::on(&server);
    let (ours, others) = (Authority::new("ours"), Authority::new("others"));
    let (ca, other) = (stores.file("ca.pem", &ours.0.pem()), stores.file("other.pem", &others.0.pem()));
    server.shows(&ours.server(&server.host));
    let with = |ca: &str| format!("?sslmode=verify-full&sslrootcert={ca}");

    for (parameters, environment) in [
        (with(&ca), vec![]),
        (String::new(), vec![("PGSSLMODE", "verify-full"), ("PGSSLROOTCERT", ca.as_str())]),
        (String::new(), vec![("PGSSLMODE", "verify-full"), ("PGSSLROOTCERT", ours.0.pem().trim())]),
        ("?sslmode=verify-full".to_owned(), vec![("SSL_CERT_FILE", ca.as_str())]),
        ("?sslmode=verify-ca".to_owned(), vec![("SSL_CERT_FILE", ca.as_str())]),
        // Either is enough: the one adds to the other.
        (with(&ca), vec![("SSL_CERT_FILE", other.as_str())]),
        (with(&other), vec![("SSL_CERT_FILE", ca.as_str())]),
    ] {
        let (encrypted, told) = stores.serves(&parameters, &environment);
        assert!(encrypted && !told.contains(UNVERIFIED), "{parameters}: {told}");
        assert_eq!(told.contains("any authority"), parameters.contains("verify-ca"), "{told}");
    }
    let folder = Folder::new();
    folder.file("any-name.pem", &ours.0.pem());
    let (encrypted, _) = stores.serves("?sslmode=verify-full", &[("SSL_CERT_DIR", folder.path().to_str().unwrap())]);
    assert!(encrypted);

    for (parameters, environment) in [
        ("?sslmode=verify-full".to_owned(), vec![]),
        ("?sslmode=verify-ca".to_owned(), vec![]),
        (with(&other), vec![]),
        (with(&other), vec![("PGSSLROOTCERT", ca.as_str())]),
        ("?sslmode=verify-full".to_owned(), vec![("SSL_CERT_FILE", other.as_str())]),
    ] {
        stores.refused(&parameters, &environment, &["of no authority that is trusted here", "`sslrootcert`"]);
    }

    server.shows(&ours.server("db.elsewhere.example"));
    stores.refused(&with(&ca), &[], &["is not for `127.", "connect by a name that it has", "db.elsewhere.example"]);
    let (encrypted, told) = stores.serves(&with(&ca).replace("verify-full", "verify-ca"), &[]);
    assert!(encrypted && told.contains("any authority"), "{told}");

    // As `openssl req -x509` makes one.
    server.shows(&[ours.0.pem(), ours.0.key().serialize_pem()]);
    stores.refused(&with(&ca), &[], &["an authority's own", "let the authority sign one for the server"]);
}

#[test]
fn a_mode_that_verifies_nothing_encrypts_and_warns_whatever_authority_is_named() {
    let server = Server::start(2);
    let stores = Stores::on(&server);
    let other = stores.file("other.pem", &Authority::new("others").0.pem());
    server.shows(&Authority::new("ours").server("db.elsewhere.example"));
    for (parameters, expected) in [
        (String::new(), true),
        ("?sslmode=prefer".to_owned(), true),
        ("?sslmode=require".to_owned(), true),
        (format!("?sslmode=require&sslrootcert={other}"), true),
        ("?sslmode=allow".to_owned(), false),
        ("?sslmode=disable".to_owned(), false),
    ] {
        let (encrypted, told) = stores.serves(&parameters, &[]);
        assert_eq!(encrypted, expected, "{parameters}");
        assert!(told.contains(UNVERIFIED) && told.contains("add `sslmode=verify-full`"), "{parameters}: {told}");
    }
}

#[test]
fn files_that_cannot_be_used_are_named_and_not_taken_for_a_server_that_is_away() {
    let server = Server::start(3);
    let stores = Stores::on(&server);
    let ours = Authority::new("ours");
    server.shows(&ours.server(&server.host));
    let [certificate, key] = ours.client("usher");
    let (ca, empty) = (stores.file("ca.pem", &ours.0.pem()), stores.file("empty.pem", "\n"));
    let (certificate, key) = (stores.file("usher.pem", &certificate), stores.file("usher.key", &key));
    let base = format!("?sslmode=verify-full&sslrootcert={ca}");
    for (parameters, told) in [
        (
            "?sslmode=verify-full&sslrootcert=/nowhere/ca.pem".to_owned(),
            ["`sslrootcert` names `/nowhere/ca.pem`", "No such"],
        ),
        (format!("?sslmode=verify-ca&sslrootcert={empty}"), ["`sslrootcert` names", "no certificate in it"]),
        (
            format!("{base}&sslcert=/nowhere/usher.pem&sslkey={key}"),
            ["`sslcert` names `/nowhere/usher.pem`", "No such"],
        ),
        (format!("{base}&sslcert={empty}&sslkey={key}"), ["`sslcert` names", "no certificate in it"]),
        (format!("{base}&sslcert={certificate}&sslkey={certificate}"), ["`sslkey` names", "no private key in it"]),
        (format!("{base}&sslcert={certificate}"), ["`sslcert` and `sslkey`", "go together"]),
    ] {
        stores.refused(&parameters, &[], &told);
    }
    let nowhere = [("PGSSLROOTCERT", "/nowhere/ca.pem")];
    stores.refused("?sslmode=verify-full", &nowhere, &["`PGSSLROOTCERT` names `/nowhere/ca.pem`"]);
    let (encrypted, _) = stores.serves(&format!("{base}&sslcert={certificate}&sslkey={key}"), &[]);
    assert!(encrypted);
}

#[test]
fn a_server_that_asks_for_a_certificate_gets_the_one_that_is_named() {
    let server = Server::start(4);
    let stores = Stores::on(&server);
    let (ours, others) = (Authority::new("ours"), Authority::new("others"));
    server.shows(&ours.server(&server.host));
    server.file("clients.pem", &ours.0.pem());
    server.file("pg_hba.conf", "local all all trust\nhostssl all all all cert");
    server.set("ssl_ca_file", "clients.pem");

    let base = format!("?sslmode=verify-full&sslrootcert={}", stores.file("ca.pem", &ours.0.pem()));
    let shown = |name: &str, [certificate, key]: [String; 2]| {
        let certificate = stores.file(&format!("{name}.pem"), &certificate);
        format!("{base}&sslcert={certificate}&sslkey={}", stores.file(&format!("{name}.key"), &key))
    };
    let (encrypted, _) = stores.serves(&shown("usher", ours.client("usher")), &[]);
    assert!(encrypted);
    stores.refused(&base, &[], &["valid client certificate"]);
    stores.refused(&shown("eve", ours.client("eve")), &[], &["certificate authentication failed"]);
    stores.refused(&shown("other", others.client("usher")), &[], &["the server refused TLS", "`sslcert`"]);
    stores.refused("?sslmode=disable", &[], &["no encryption"]);
}
