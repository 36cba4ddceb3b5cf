//! What the store tells of itself while it runs: its log, and traces where a collector is named.

use std::time::Duration;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry::{KeyValue, global};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};
use usher_store::TRACE_TARGET;

use super::collector::{Collector, traces_at};
use crate::command::Failure;

/// The variable with the log level or filter.
const LOG_ENV: &str = "USHER_LOG";
/// What is logged without it.
const DEFAULT_LOG: &str = "info";

/// Where statements are told of, with their text and without their values.
const STATEMENTS: &str = "sqlx::query";

/// How long the last traces may take at the end.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// What goes on until the store stops.
pub(super) struct Telemetry {
    traces: Option<SdkTracerProvider>,
}

impl Telemetry {
    /// Begins to log and, where a collector is named, to trace.
    ///
    /// # Errors
    /// `USHER_LOG` is no filter, or the collector's address is none.
    pub(super) fn start(collector: Option<&str>) -> Result<Self, Failure> {
        let wanted = std::env::var(LOG_ENV).ok().filter(|wanted| !wanted.is_empty());
        let wanted = wanted.unwrap_or_else(|| DEFAULT_LOG.to_owned());
        let filter = EnvFilter::builder().parse(wanted).map_err(|error| Failure::LogFilter(error.to_string()))?;
        let traces = collector.map(traces_to).transpose()?;
        let spans = traces.as_ref().map(|traces| {
            let of_a_trace = Targets::new()
                .with_target(TRACE_TARGET, LevelFilter::TRACE)
                .with_target(STATEMENTS, LevelFilter::DEBUG);
            let layer = tracing_opentelemetry::layer().with_location(false).with_threads(false);
            layer.with_tracer(traces.tracer("usher")).with_filter(of_a_trace)
        });
        let log = tracing_subscriber::fmt::layer().json().flatten_event(true).with_filter(filter);
        tracing_subscriber::registry().with(spans).with(log).init();
        Ok(Self { traces })
    }

    /// Sends what was not sent yet, for a while.
    pub(super) fn end(self) {
        if let Some(error) = self.traces.and_then(|traces| traces.shutdown_with_timeout(LAST_WORDS).err()) {
            tracing::warn!(%error, "the last traces were not sent");
        }
    }
}

/// What sends traces to a collector, from a thread of its own. Where it cannot keep up they are dropped: at most 2,048 spans wait.
fn traces_to(collector: &str) -> Result<SdkTracerProvider, Failure> {
    let wrong = || Failure::Collector(collector.to_owned());
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(Collector::new())
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(traces_at(collector).ok_or_else(wrong)?)
        .build()
        .map_err(|_| wrong())?;
    let resource = Resource::builder()
        .with_service_name("usher-store")
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build();
    // A request goes on with the trace that it comes with; whether that is sampled, its beginner has decided.
    global::set_text_map_propagator(TraceContextPropagator::new());
    Ok(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build())
}
