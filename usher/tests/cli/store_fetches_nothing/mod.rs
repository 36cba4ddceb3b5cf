//! A store that is given URLs wherever a client can put text: nobody ever comes for what they name.

mod bait;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use serde_json::{Map, Value, json};

use self::bait::Bait;
use crate::store::{Process, store};
use crate::support::{Folder, policy};

/// Asks the store, and counts what came of it.
struct Client {
    address: String,
    answers: Mutex<BTreeMap<u16, usize>>,
}

const FILTER: &str = "the-filter-s-own-secret";
const ADMIN: &str = "an-administrator-s-secret";
const DIRECTORY: &str = "the-directory-s-own-secret";

impl Client {
    /// Sends anything at all as a request's target and headers.
    fn raw(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> (u16, String) {
        let mut request = format!("{method} {target} HTTP/1.1\r\n");
        let usual = [("host", self.address.as_str()), ("connection", "close"), ("content-type", "application/json")];
        let is_given = |name: &str| headers.iter().any(|(given, _)| *given == name);
        for (name, value) in usual.into_iter().filter(|(name, _)| !is_given(name)).chain(headers.iter().copied()) {
            request += &format!("{name}: {value}\r\n");
        }
        request += &format!("content-length: {}\r\n\r\n{body}", body.len());
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.unwrap_or_else(|| panic!("{request}\n{answer}"));
        *self.answers.lock().unwrap().entry(status).or_default() += 1;
        assert!(status < 500 || status == 501, "{request}\n{answer}");
        (status, body.to_owned())
    }

    /// Asks with the token that the route wants.
    fn ask(&self, method: &str, target: &str, body: Option<&Value>) -> (u16, Value) {
        let bearer = format!("Bearer {}", token(target));
        let body = body.map(Value::to_string).unwrap_or_default();
        let (status, answer) = self.raw(method, target, &[("authorization", &bearer)], &body);
        assert_ne!(status, 401, "{method} {target}");
        (status, serde_json::from_str(&answer).unwrap_or_default())
    }

    /// Makes something, and gives its id.
    #[track_caller]
    fn make(&self, target: &str, body: &Value) -> String {
        let (status, made) = self.ask("POST", target, Some(body));
        assert_eq!(status, 201, "{body}: {made}");
        made["id"].as_str().unwrap().to_owned()
    }
}

fn token(target: &str) -> &'static str {
    match target {
        _ if target.starts_with("/scim/") => DIRECTORY,
        _ if target.contains("/logins") || target.starts_with("/v1/changes") => FILTER,
        _ => ADMIN,
    }
}

fn escaped(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// The same value with this text in the place of one other, for each text in it.
fn with_text(value: &Value, text: &str) -> Vec<Value> {
    match value {
        // An email may have a URL for its local part.
        Value::String(email) if email.contains('@') => vec![json!(text), json!(format!("{text}@acme.example"))],
        Value::String(_) => vec![json!(text)],
        Value::Array(items) => {
            let put = |at: usize, item: Value| {
                let mut items = items.clone();
                items[at] = item;
                Value::Array(items)
            };
            let each = items.iter().enumerate();
            each.flat_map(|(at, item)| with_text(item, text).into_iter().map(move |item| put(at, item))).collect()
        }
        Value::Object(fields) => {
            let put = |name: &String, field: Value| {
                let mut fields = fields.clone();
                fields.insert(name.clone(), field);
                Value::Object(fields)
            };
            let each = fields.iter();
            each.flat_map(|(name, field)| with_text(field, text).into_iter().map(move |field| put(name, field)))
                .collect()
        }
        _ => vec![],
    }
}

/// All attributes of a SCIM schema, with this in each that takes text.
fn with_attributes(attributes: &Value, text: &str) -> Map<String, Value> {
    let value = |attribute: &Value| {
        let one = match attribute["type"].as_str().unwrap() {
            "boolean" => json!(true),
            "complex" => Value::Object(with_attributes(&attribute["subAttributes"], text)),
            "integer" => json!(1),
            _ => json!(text),
        };
        if attribute["multiValued"] == true { json!([one]) } else { one }
    };
    let name = |attribute: &Value| attribute["name"].as_str().unwrap().to_owned();
    attributes.as_array().unwrap().iter().map(|attribute| (name(attribute), value(attribute))).collect()
}

/// What is told of an operation: its name, its body's fields if it has one, and its parameters in the query.
fn operations(document: &Value) -> BTreeMap<String, (Option<BTreeSet<String>>, Vec<String>)> {
    let mut operations = BTreeMap::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let body = operation.get("requestBody").map(|body| {
                let schema = body["content"].as_object().unwrap().values().next().unwrap()["schema"].clone();
                let named = schema["$ref"].as_str().map(|name| name.trim_start_matches('#').to_owned());
                let schema = named.and_then(|name| document.pointer(&name).cloned()).unwrap_or(schema);
                schema["properties"].as_object().map(|fields| fields.keys().cloned().collect()).unwrap_or_default()
            });
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let queried = parameters.filter(|parameter| parameter["in"] == "query");
            let names = queried.map(|parameter| parameter["name"].as_str().unwrap().to_owned()).collect();
            operations.insert(format!("{} {path}", method.to_uppercase()), (body, names));
        }
    }
    operations
}

/// Bodies in which every text of the API has its place.
fn bodies(url: &str) -> BTreeMap<&'static str, Vec<Value>> {
    let login = |plan: Value| {
        json!({
            "connection": "okta", "issuer": url, "subject": "s", "email": "bea@acme.example", "name": "Bea",
            "external_id": "e", "issued_at": 1, "preview": false, "plan": plan,
        })
    };
    let plans = [
        json!({"do": "ensure", "role": "user"}),
        json!({"do": "assign", "role": "user", "seat_tier": "premium"}),
        json!({"do": "remove", "reason": "not_assigned"}),
    ];
    let member = json!({"email": "cyd@acme.example", "name": "Cyd", "role": "user", "seat_tier": "premium"});
    let change = json!({"role": "user", "seat_tier": "premium", "status": "active", "unlink": false});
    BTreeMap::from([
        ("POST /v1/organizations/{organization}/logins", plans.into_iter().map(login).collect()),
        ("POST /v1/organizations/{organization}/members", vec![member]),
        ("PATCH /v1/organizations/{organization}/members/{member}", vec![change]),
    ])
}

/// Headers by which some servers are told where to go.
const HEADERS: [&str; 28] = [
    "host",
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-forwarded-server",
    "x-forwarded-prefix",
    "x-original-url",
    "x-original-host",
    "x-rewrite-url",
    "x-real-ip",
    "x-request-id",
    "x-envoy-original-dst-host",
    "origin",
    "referer",
    "location",
    "content-location",
    "destination",
    "link",
    "callback",
    "x-callback-url",
    "webhook-request-callback",
    "proxy",
    "via",
    "from",
    "cookie",
    "content-type",
    "if-match",
];

#[test]
fn nothing_that_a_client_names_is_fetched() {
    let folder = Folder::new();
    let bait = Bait::laid(&folder);
    let (urls, own) = (bait.urls(), format!("http://127.0.0.1:{}/x", bait.port));
    // The policy's own URLs are the filter's business. In mode jit, a login writes what it says.
    let jwks = json!({"uri": own, "cluster": "okta"});
    let mut policy = policy(&jwks, &json!({"provisioning": {"mode": "jit"}}));
    policy["parents"][0]["connections"][0]["issuer"] = json!(own);
    let provisioned =
        json!({"id": "scim", "product": "claude", "hosts": ["scim.acme.example"], "provisioning": {"mode": "scim"}});
    policy["parents"][0]["organizations"].as_array_mut().unwrap().push(provisioned);
    let policy = folder.file("usher.json", &policy.to_string());
    let mut command = store(&folder, &policy);
    for variable in ["ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY"] {
        command.env(variable, &own).env(variable.to_lowercase(), &own);
    }
    let mut process = Process(command.stdout(Stdio::piped()).spawn().unwrap());
    let mut log = BufReader::new(process.0.stdout.take().unwrap());
    let mut line = String::new();
    log.read_line(&mut line).unwrap();
    let line: Value = serde_json::from_str(&line).unwrap();
    let client = Client { address: line["address"].as_str().unwrap().to_owned(), answers: Mutex::default() };
    // Its log must not fill the pipe.
    std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));

    for (n, url) in urls.iter().enumerate() {
        in_bodies(&client, url, &own);
        in_a_directory(&client, url, n);
        in_paths_and_queries(&client, url);
        in_headers(&client, url);
    }
    // As whoever takes it for a proxy asks.
    for target in [&urls[..], &[format!("127.0.0.1:{}", bait.port)]].concat() {
        for method in ["GET", "POST", "CONNECT"] {
            client.raw(method, &target, &[], "");
        }
    }
    assert_eq!(client.ask("POST", "/v1/parents/acme/sync?confirm=true", None).0, 200);
    let answers = client.answers.lock().unwrap().clone();
    let good: usize = answers.range(200..300).map(|(_, number)| number).sum();
    assert!(good > 1_000, "{answers:?}");

    // What it would do later, or as it stops, it would have done by now.
    std::thread::sleep(Duration::from_secs(1));
    let told = Command::new("kill").args(["-s", "TERM", &process.0.id().to_string()]).status().unwrap();
    assert!(told.success() && process.0.wait().unwrap().success());
    bait.is_untouched();
}

/// In every field of the API.
fn in_bodies(client: &Client, url: &str, issuer: &str) {
    let document = client.ask("GET", "/openapi.json", None).1;
    let mut bodies = bodies(issuer);
    for (operation, (fields, _)) in operations(&document) {
        let (method, path) = operation.split_once(' ').unwrap();
        let Some(fields) = fields.filter(|_| !path.starts_with("/scim/")) else { continue };
        let bodies = bodies.remove(operation.as_str()).unwrap_or_else(|| panic!("what goes into {operation}?"));
        let member = json!({"email": "member@acme.example"});
        let id = path.contains("{member}").then(|| client.make("/v1/organizations/acme-chat/members", &member));
        let target = path.replace("{organization}", "acme-chat").replace("{member}", id.as_deref().unwrap_or_default());
        for body in bodies {
            let known: BTreeSet<_> = body.as_object().unwrap().keys().cloned().collect();
            assert_eq!(known, fields, "{operation}");
            for body in with_text(&body, url) {
                client.ask(method, &target, Some(&body));
            }
        }
        if let Some(id) = id {
            client.ask("DELETE", &format!("/v1/organizations/acme-chat/members/{id}"), None);
        }
    }
    assert_eq!(bodies.keys().next(), None);
}

/// In every attribute of SCIM, and around them.
fn in_a_directory(client: &Client, url: &str, n: usize) {
    let schemas = client.ask("GET", "/scim/v2/acme/Schemas", None).1["Resources"].clone();
    let of = |id: &str| {
        let schema = schemas.as_array().unwrap().iter().find(|schema| schema["id"] == id);
        schema.unwrap_or_else(|| panic!("{id}"))["attributes"].clone()
    };
    let core = |kind: &str| format!("urn:ietf:params:scim:schemas:core:2.0:{kind}");
    let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    for (kind, key) in [("Users", "userName"), ("Groups", "displayName")] {
        let home = format!("/scim/v2/acme/{kind}");
        let schema = core(kind.trim_end_matches('s'));
        let mut whole = with_attributes(&of(&schema), url);
        whole.insert("schemas".to_owned(), json!([schema]));
        whole.insert("externalId".to_owned(), json!(url));
        whole.insert("id".to_owned(), json!(url));
        whole.insert("meta".to_owned(), json!({"location": url, "resourceType": url, "version": url, "created": url}));
        if kind == "Users" {
            whole["schemas"].as_array_mut().unwrap().push(json!(enterprise));
            whole.insert(enterprise.to_owned(), Value::Object(with_attributes(&of(enterprise), url)));
            // A picture is at another's server.
            assert_eq!(whole["photos"][0]["value"], url);
        } else {
            // Nobody has a URL for an id.
            whole.insert("members".to_owned(), json!([]));
        }
        whole.insert(key.to_owned(), json!(format!("{url}#{n}")));
        let resource = Value::Object(whole.clone());
        let id = client.make(&home, &resource);
        let own = format!("{home}/{id}");
        assert_eq!(client.ask("PUT", &own, Some(&resource)).0, 200);
        // What it does not know.
        for (name, value) in
            [("schemas", json!([url])), (url, json!({"value": url})), ("members", json!([{"value": url, "$ref": url}]))]
        {
            let mut strange = whole.clone();
            strange.insert(key.to_owned(), json!(format!("{url}#strange{n}")));
            strange.insert(name.to_owned(), value);
            let (status, made) = client.ask("POST", &home, Some(&Value::Object(strange.clone())));
            if status == 201 {
                client.ask("DELETE", &format!("{home}/{}", made["id"].as_str().unwrap()), None);
            }
            client.ask("PUT", &own, Some(&Value::Object(strange)));
        }
        let mut operations = vec![
            json!({"op": "replace", "path": url, "value": url}),
            json!({"op": url, "path": "displayName", "value": url}),
            json!({"op": "add", "value": {"displayName": url, url: url}}),
            json!({"op": "add", "path": format!("emails[value eq {}].display", json!(url)), "value": url}),
            json!({"op": "add", "path": "members", "value": [{"value": url, "$ref": url, "display": url}]}),
        ];
        for (name, value) in with_attributes(&of(&schema), url) {
            operations.push(json!({"op": "replace", "path": name, "value": value}));
            for (inner, value) in value.as_object().into_iter().flatten() {
                operations.push(json!({"op": "replace", "path": format!("{name}.{inner}"), "value": value}));
            }
        }
        for operation in operations {
            let patch =
                json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [operation]});
            client.ask("PATCH", &own, Some(&patch));
        }
        for filter in [format!("{key} eq {}", json!(url)), format!("meta.location eq {}", json!(url)), url.to_owned()] {
            client.ask("GET", &format!("{home}?filter={}", escaped(&filter)), None);
            let search = json!({
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "filter": filter,
                "attributes": [url], "excludedAttributes": [url], "sortBy": url, "cursor": url,
            });
            for search in [search, json!({"filter": filter})] {
                client.ask("POST", &format!("{home}/.search"), Some(&search));
            }
        }
        // Who asks is told where it is; nobody goes there.
        assert_eq!(client.ask("GET", &own, None).0, 200);
        assert_eq!(client.ask("DELETE", &own, None).0, 204);
    }
    client.ask(
        "POST",
        "/scim/v2/acme/Bulk",
        Some(&json!({"Operations": [{"method": "GET", "path": url, "bulkId": url}]})),
    );
}

/// In the place of every part of a path, and in every parameter.
fn in_paths_and_queries(client: &Client, url: &str) {
    let document = client.ask("GET", "/openapi.json", None).1;
    let value = escaped(url);
    for (operation, (_, parameters)) in operations(&document) {
        let (method, path) = operation.split_once(' ').unwrap();
        let body = json!({});
        let body = Some(&body).filter(|_| method != "GET" && method != "DELETE");
        let usual = [("{organization}", "acme-chat"), ("{parent}", "acme"), ("{member}", "x"), ("{id}", "x")];
        let plain = usual.iter().fold(path.to_owned(), |path, (name, value)| path.replace(name, value));
        for (name, _) in usual.iter().filter(|(name, _)| path.contains(name)) {
            let target = path.replace(name, &value);
            let target = usual.iter().fold(target, |path, (name, value)| path.replace(name, value));
            let bearer = format!("Bearer {}", token(&target));
            client.raw(method, &target, &[("authorization", &bearer)], &body.map(Value::to_string).unwrap_or_default());
        }
        for parameter in parameters.iter().map(String::as_str).chain(["url", "callback", "redirect_uri"]) {
            client.ask(method, &format!("{plain}?{parameter}={value}"), body);
        }
    }
}

fn in_headers(client: &Client, url: &str) {
    let user = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": url}).to_string();
    for header in HEADERS {
        for (method, target, body) in [
            ("GET", "/v1/organizations/acme-chat/seats", ""),
            ("POST", "/v1/organizations/acme-chat/members", r#"{"email": "dee@acme.example"}"#),
            ("GET", "/v1/changes", ""),
            ("GET", "/scim/v2/acme/Users", ""),
            ("POST", "/scim/v2/acme/Users", user.as_str()),
            ("GET", "/healthz", ""),
        ] {
            let bearer = format!("Bearer {}", token(target));
            client.raw(method, target, &[("authorization", &bearer), (header, url)], body);
        }
    }
    for credential in [url.to_owned(), format!("Bearer {url}"), format!("Negotiate {url}")] {
        client.raw("GET", "/v1/audit", &[("authorization", &credential)], "");
    }
}
