//! One trace from Envoy over the filter's call and the store to the database, for a collector that is told of nothing else.

use anyhow::{Context, Result, ensure};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Attribute;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use prost::Message as _;
use usher_scenario::read;
use usher_scenario::token::KeyRing;
use usher_tests::http::{Request, Response};
use usher_tests::server::{Fault, Server};
use usher_tests::stage::envoy::RealEnvoy;
use usher_tests::system::store::ADMIN_TOKEN;
use usher_tests::system::{Setup, upstream};
use usher_tests::{binaries, wait};

const AMY: &str = "{login: amy, organization: acme-chat, groups: [staff], pass: true}";
const MEMBERS: &str = "/v1/organizations/acme-chat/members";

/// A span, as far as it is looked at.
#[derive(Clone, Debug)]
struct Span {
    service: String,
    name: String,
    kind: i32,
    trace: Vec<u8>,
    id: Vec<u8>,
    parent: Vec<u8>,
    attributes: Vec<(String, String)>,
    events: Vec<(String, Vec<(String, String)>)>,
}

impl Span {
    fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

fn collector() -> Result<Server> {
    Server::start(|_| Response { status: 200, headers: Vec::new(), body: Vec::new() })
}

/// The system of the example, with this collector for Envoy and for the store.
fn traced(collector: &Server) -> Result<RealEnvoy> {
    let examples = binaries::workspace().join("envoy-config").join("examples");
    let text = std::fs::read_to_string(examples.join("tracing.yaml"))?;
    let port = "port_value: 4318";
    ensure!(text.contains(port), "the example's collector has another port");
    let with = Some(text.replace(port, &format!("port_value: {}", collector.address().port())));
    KeyRing::Main.jwks()?;
    let policy = read::policy(&examples.join("usher.yaml"))?;
    RealEnvoy::start_with(&policy, &Setup { with, collector: Some(collector.address()), ..Setup::default() })
}

fn text(attribute: &Attribute) -> String {
    match attribute {
        Attribute::StringValue(text) => text.clone(),
        Attribute::IntValue(number) => number.to_string(),
        other => format!("{other:?}"),
    }
}

/// Everything that a collector was told.
fn told(collector: &Server) -> Result<Vec<Span>> {
    let mut spans = Vec::new();
    for request in collector.requests() {
        ensure!(request.target == b"/v1/traces", "{}", String::from_utf8_lossy(&request.target));
        let export = ExportTraceServiceRequest::decode(request.body.as_slice())?;
        let pairs = |list: &[opentelemetry_proto::tonic::common::v1::KeyValue]| -> Vec<(String, String)> {
            let value = |pair: &opentelemetry_proto::tonic::common::v1::KeyValue| {
                pair.value.as_ref().and_then(|value| value.value.as_ref()).map(text).unwrap_or_default()
            };
            list.iter().map(|pair| (pair.key.clone(), value(pair))).collect()
        };
        for resource in export.resource_spans {
            let of = resource.resource.map(|resource| pairs(&resource.attributes)).unwrap_or_default();
            let service = of.into_iter().find(|(name, _)| name == "service.name").map(|(_, value)| value);
            for span in resource.scope_spans.into_iter().flat_map(|scope| scope.spans) {
                spans.push(Span {
                    service: service.clone().unwrap_or_default(),
                    name: span.name,
                    kind: span.kind,
                    trace: span.trace_id,
                    id: span.span_id,
                    parent: span.parent_span_id,
                    attributes: pairs(&span.attributes),
                    events: span.events.iter().map(|event| (event.name.clone(), pairs(&event.attributes))).collect(),
                });
            }
        }
    }
    Ok(spans)
}

/// The spans of a service with this name, once there are any.
fn spans(collector: &Server, service: &str, name: &str) -> Result<Vec<Span>> {
    wait::until(&format!("{service} tells of {name}"), || {
        let found: Vec<_> =
            told(collector)?.into_iter().filter(|span| span.service == service && span.name == name).collect();
        Ok(if found.is_empty() { None } else { Some(found) })
    })
}

fn one(mut spans: Vec<Span>) -> Result<Span> {
    ensure!(spans.len() == 1, "{spans:#?}");
    spans.pop().context("one")
}

#[test]
fn a_login_is_one_trace_from_envoy_to_the_database() -> Result<()> {
    let collector = collector()?;
    let mut stage = traced(&collector)?;
    let request = stage.request_of(AMY)?;
    let answer = stage.system.envoy.send(&request)?;
    let seen = upstream::saw(&answer)?.with_context(|| format!("not let in: {}", answer.status))?;

    let login = one(spans(&collector, "usher-store", "POST /v1/organizations/{organization}/logins")?)?;
    let at_the_edge: Vec<_> = wait::until("Envoy tells of the request", || {
        let all = told(&collector)?.into_iter().filter(|span| span.service == "edge" && span.trace == login.trace);
        Ok(Some(all.collect::<Vec<_>>()).filter(|spans| !spans.is_empty()))
    })?;
    ensure!(at_the_edge.iter().any(|span| span.id == login.parent), "{login:#?} has no parent in {at_the_edge:#?}");
    ensure!(login.kind == SpanKind::Server as i32, "{login:#?}");
    for (name, expected) in [
        ("http.request.method", "POST"),
        ("http.route", "/v1/organizations/{organization}/logins"),
        ("http.response.status_code", "200"),
    ] {
        ensure!(login.attribute(name) == Some(expected), "{name}: {login:#?}");
    }
    let id = seen.iter().find(|(name, _)| name == "x-request-id").map(|(_, value)| value.as_str());
    ensure!(id.is_some() && login.attribute("usher.request_id") == id, "{id:?}: {login:#?}");

    // A first login looks whether there is something to write, then writes it.
    for operation in ["look", "transaction"] {
        let asked = one(spans(&collector, "usher-store", operation)?)?;
        ensure!(asked.trace == login.trace && asked.parent == login.id, "{asked:#?} is not under {login:#?}");
        ensure!(asked.kind == SpanKind::Client as i32, "{asked:#?}");
        ensure!(asked.attribute("db.system.name") == Some("sqlite"), "{asked:#?}");
    }
    // The product is told of the same trace, by Envoy itself.
    let onward = seen.iter().find(|(name, _)| name == "traceparent").map(|(_, value)| value.as_str());
    let trace: String = login.trace.iter().map(|byte| format!("{byte:02x}")).collect();
    ensure!(onward.is_some_and(|onward| onward.contains(&trace)), "{onward:?} is not of {trace}");
    stage.no_token_was_logged()
}

#[test]
fn nothing_in_a_trace_tells_of_a_person_or_opens_a_door() -> Result<()> {
    let collector = collector()?;
    let mut stage = traced(&collector)?;
    let request = stage.request_of(AMY)?;
    stage.system.envoy.send(&request)?;
    stage.system.store.call("GET", MEMBERS, None)?;
    spans(&collector, "usher-store", "POST /v1/organizations/{organization}/logins")?;
    spans(&collector, "usher-store", "GET /v1/organizations/{organization}/members")?;
    let token = request.first("authorization").context("a token")?;
    let token = String::from_utf8_lossy(token.strip_prefix(b"Bearer ").unwrap_or(token)).into_owned();
    let spans: Vec<_> = told(&collector)?.into_iter().filter(|span| span.service == "usher-store").collect();
    ensure!(spans.iter().any(|span| span.name == "transaction" && !span.events.is_empty()), "statements: {spans:#?}");
    let all = format!("{spans:?}");
    ensure!(!spans.iter().any(|span| span.name.contains("changes") || span.name.contains("readyz")), "{spans:#?}");
    for secret in [token.as_str(), ADMIN_TOKEN, "amy", "@acme.example"] {
        ensure!(!all.contains(secret), "{secret} is told: {all}");
    }
    Ok(())
}

#[test]
fn a_request_goes_on_with_the_trace_it_names_and_with_its_own_where_it_names_none() -> Result<()> {
    let collector = collector()?;
    let stage = traced(&collector)?;
    let ask = |traceparent: &str| -> Result<()> {
        let request = Request::new("GET", "store", MEMBERS).bearer(ADMIN_TOKEN).header("traceparent", traceparent);
        let response = request.send(stage.system.store.address())?;
        ensure!(response.status == 200, "{}", response.status);
        Ok(())
    };
    ask("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")?;
    for malformed in ["00-zzz92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "00-", "'; DROP TABLE members", "ff"] {
        ask(malformed)?;
    }
    // Whoever does not record their trace has it not recorded here.
    ask("00-4bf92f3577b34da6a3ce929d0e0e4737-00f067aa0ba902b7-00")?;
    let name = "GET /v1/organizations/{organization}/members";
    let all = wait::until("the store tells of five requests", || {
        let found = told(&collector)?.into_iter().filter(|span| span.name == name).collect::<Vec<_>>();
        Ok(Some(found).filter(|spans| spans.len() >= 5))
    })?;
    ensure!(all.len() == 5, "{all:#?}");
    let (named, own): (Vec<_>, Vec<_>) = all.into_iter().partition(|span| !span.parent.is_empty());
    let named = one(named)?;
    ensure!(
        named.trace.starts_with(&[0x4b, 0xf9, 0x2f, 0x35]) && named.parent.starts_with(&[0x00, 0xf0]),
        "{named:#?}"
    );
    ensure!(own.iter().all(|span| span.trace != named.trace), "{own:#?}");
    Ok(())
}

#[test]
fn a_collector_that_is_away_costs_nobody_a_login_and_the_log_two_lines() -> Result<()> {
    let collector = collector()?;
    collector.fault(Some(Fault::Error(503)));
    let mut stage = traced(&collector)?;
    let request = stage.request_of(AMY)?;
    ensure!(upstream::saw(&stage.system.envoy.send(&request)?)?.is_some(), "let in without a collector");
    let away = |stage: &RealEnvoy| stage.system.store.log().matches("does not take traces").count();
    wait::until("the log tells of it", || Ok((away(&stage) == 1).then_some(())))?;
    for _ in 0..20 {
        stage.system.store.call("GET", MEMBERS, None)?;
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    ensure!(away(&stage) == 1, "told of once: {}", stage.system.store.log());
    collector.fault(None);
    wait::until("traces are taken again", || {
        stage.system.store.call("GET", MEMBERS, None)?;
        Ok(stage.system.store.log().contains("takes traces again").then_some(()))
    })
}
