//! Traces for OpenTelemetry: a span for each request and one for each statement of it, sent as OTLP over HTTP. Off unless
//! the standard variables name an endpoint.

use std::env;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;
use http::HeaderMap;
use opentelemetry::propagation::{Extractor, TextMapPropagator as _};
use opentelemetry::trace::{
    FutureExt as _, Span as _, SpanKind, Status, TraceContextExt as _, Tracer as _, TracerProvider as _,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{ExporterBuildError, SpanExporter};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};

use super::metrics::method_label;
use crate::clock::Clock;
use crate::tier::usage::Asked;

/// The variables that name an endpoint.
const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"];
/// The variables that name a protocol. Only one is spoken.
const PROTOCOLS: [&str; 2] = ["OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"];
const PROTOCOL: &str = "http/protobuf";
/// The time to send the last spans when the program ends.
const FAREWELL: Duration = Duration::from_secs(2);

static TRACES: OnceLock<(SdkTracerProvider, SdkTracer)> = OnceLock::new();

/// The variables do not describe an exporter.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// A protocol that is not spoken.
    #[error("{variable}: {value} is not supported, only {PROTOCOL}")]
    Protocol {
        /// The variable.
        variable: &'static str,
        /// Its value.
        value: String,
    },
    /// The exporter refused them.
    #[error("OTEL_EXPORTER_OTLP_ENDPOINT and its kin: {0}")]
    Exporter(#[from] ExporterBuildError),
}

/// Begins to send traces if the variables ask for it.
///
/// # Errors
/// Variables that the exporter cannot use.
pub fn install() -> Result<(), TraceError> {
    let set = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    let off = set("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true"))
        || set("OTEL_TRACES_EXPORTER").is_some_and(|value| value == "none");
    let Some(endpoint) = ENDPOINTS.iter().find_map(|name| set(name)).filter(|_| !off) else { return Ok(()) };
    for variable in PROTOCOLS {
        if let Some(value) = set(variable).filter(|value| value != PROTOCOL) {
            return Err(TraceError::Protocol { variable, value });
        }
    }
    let exporter = SpanExporter::builder().with_http().build()?;
    let mut resource =
        Resource::builder().with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")));
    if set("OTEL_SERVICE_NAME").is_none()
        && !set("OTEL_RESOURCE_ATTRIBUTES").is_some_and(|attributes| attributes.contains("service.name="))
    {
        resource = resource.with_service_name("thermocline");
    }
    let provider =
        SdkTracerProvider::builder().with_resource(resource.build()).with_batch_exporter(exporter).build();
    let tracer = provider.tracer("thermocline");
    // Without the part that may hold a user and a password.
    let host = endpoint.rsplit('@').next().unwrap_or_default().to_owned();
    if TRACES.set((provider, tracer)).is_ok() {
        tracing::info!(endpoint = host, "sending traces");
    }
    Ok(())
}

/// Sends the last spans. A collector that does not answer delays the end of the program by two seconds at most.
pub async fn shut_down() {
    let Some((provider, _)) = TRACES.get() else { return };
    let last = tokio::task::spawn_blocking(|| provider.shutdown_with_timeout(FAREWELL));
    if !matches!(tokio::time::timeout(FAREWELL, last).await, Ok(Ok(Ok(())))) {
        tracing::warn!("the last traces may be lost");
    }
}

/// Middleware that makes a span of each request, below the one that `traceparent` names. Probes have none.
pub async fn trace(request: Request, next: Next) -> Response {
    let Some((_, tracer)) = TRACES.get() else { return next.run(request).await };
    if super::PATHS.contains(&request.uri().path()) {
        return next.run(request).await;
    }
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let method = method_label(request.method());
    let parent = TraceContextPropagator::new().extract(&Headers(request.headers()));
    let span = tracer
        .span_builder(format!("{method} {route}"))
        .with_kind(SpanKind::Server)
        .with_attributes([KeyValue::new("http.request.method", method), KeyValue::new("http.route", route)])
        .start_with_context(tracer, &parent);
    let context = parent.with_span(span);
    let response = next.run(request).with_context(context.clone()).await;
    let span = context.span();
    let status = response.status();
    span.set_attribute(KeyValue::new("http.response.status_code", i64::from(status.as_u16())));
    if status.is_server_error() {
        span.set_status(Status::error(""));
    }
    span.end();
    response
}

/// Makes a span of a statement that was answered, if a traced request sent it.
pub(super) fn observe(asked: &Asked<'_>) {
    let Some((_, tracer)) = TRACES.get() else { return };
    let context = Context::current();
    if !context.has_active_span() {
        return;
    }
    let now = Clock::system().now().micros().cast_unsigned();
    let end = SystemTime::UNIX_EPOCH + Duration::from_micros(now);
    let mut attributes = vec![
        KeyValue::new("db.query.summary", asked.statement),
        KeyValue::new("thermocline.tier", asked.tier.name()),
    ];
    attributes.extend(asked.rows.map(|rows| KeyValue::new("db.response.returned_rows", rows as i64)));
    let mut span = tracer
        .span_builder(asked.statement)
        .with_kind(SpanKind::Client)
        .with_start_time(end.checked_sub(asked.waited).unwrap_or(end))
        .with_attributes(attributes)
        .start_with_context(tracer, &context);
    if asked.rows.is_none() {
        span.set_status(Status::error(""));
    }
    span.end_with_timestamp(end);
}

/// Returns the id of the trace that the current request belongs to, for its log line.
pub(super) fn current_id() -> Option<String> {
    let context = Context::current();
    let span = context.span().span_context().clone();
    span.is_valid().then(|| span.trace_id().to_string())
}

/// The headers of a request, for the propagator.
struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(http::HeaderName::as_str).collect()
    }
}
