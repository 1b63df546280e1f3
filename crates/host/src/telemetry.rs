//! Traces and metrics by OpenTelemetry, sent to a collector by OTLP over HTTP. Off unless a collector is named: then each request
//! is a span, with the statements, calls out and scheduled runs that belong to it, and durations and instances are counted.
//!
//! What is sent names routes, components, databases and what kind of statement it was. No path, query, header, body or parameter of
//! a statement is ever in it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use http::{Request, StatusCode};
use opentelemetry::metrics::{Counter, Histogram, Meter, MeterProvider as _, UpDownCounter};
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{SpanKind, Status, TraceContextExt as _, Tracer as _, TracerProvider as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{HeaderExtractor, HeaderInjector};
use opentelemetry_otlp::{MetricExporter, Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};

use crate::database::Database;

mod exchange;
mod statement;

/// To what something belongs: a span, and all above it.
pub(crate) type Trace = Context;

/// Who makes the spans.
const SCOPE: &str = env!("CARGO_PKG_NAME");
/// How long the last spans and figures may take to be sent when the host stops.
const LAST_WORDS: Duration = Duration::from_secs(5);
/// Upper bounds in seconds, as OpenTelemetry's conventions want them.
const OF_REQUESTS: [f64; 14] = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
const OF_STATEMENTS: [f64; 8] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0];
/// What a key-value store is called among databases.
const KEY_VALUE: &str = "spin.key_value";
/// The one way of the protocol that is spoken.
const SPOKEN: &str = "http/protobuf";

/// A collector to which traces and metrics are sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collector {
    /// Its address; none: the environment names it, for each of both.
    at: Option<String>,
    traces: bool,
    metrics: bool,
}

impl Collector {
    /// The collector at an address, such as `http://127.0.0.1:4318`.
    pub fn at(url: impl Into<String>) -> Self {
        Self { at: Some(url.into()), traces: true, metrics: true }
    }

    /// What the environment says, in the words that Spin reads too: `OTEL_EXPORTER_OTLP_ENDPOINT`, or
    /// `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` and `OTEL_EXPORTER_OTLP_METRICS_ENDPOINT`. None where it names no collector.
    pub fn of_environment() -> Option<Self> {
        Self::named_by(|name| std::env::var(name).ok())
    }

    fn named_by(environment: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let named = |name: &str| environment(name).is_some_and(|value| !value.trim().is_empty());
        let (both, disabled) = (named("OTEL_EXPORTER_OTLP_ENDPOINT"), environment("OTEL_SDK_DISABLED"));
        let traces = both || named("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
        let metrics = both || named("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT");
        let wanted = (traces || metrics) && !disabled.is_some_and(|value| value.eq_ignore_ascii_case("true"));
        wanted.then_some(Self { at: None, traces, metrics })
    }

    /// The address for traces or metrics; none: the exporter reads it from the environment.
    fn endpoint(&self, signal: &str) -> Option<String> {
        self.at.as_ref().map(|url| format!("{}/v1/{signal}", url.trim_end_matches('/')))
    }

    fn spans(&self) -> Result<SpanExporter> {
        is_spoken("TRACES")?;
        let exporter = SpanExporter::builder().with_http().with_protocol(Protocol::HttpBinary);
        let exporter = exporter.with_http_client(exchange::Exchange::new("traces"));
        Ok(match self.endpoint("traces") {
            Some(url) => exporter.with_endpoint(url).build(),
            None => exporter.build(),
        }?)
    }

    fn figures(&self) -> Result<MetricExporter> {
        is_spoken("METRICS")?;
        let exporter = MetricExporter::builder().with_http().with_protocol(Protocol::HttpBinary);
        let exporter = exporter.with_http_client(exchange::Exchange::new("metrics"));
        Ok(match self.endpoint("metrics") {
            Some(url) => exporter.with_endpoint(url).build(),
            None => exporter.build(),
        }?)
    }
}

/// Another way than ours that the environment asks for is not passed over in silence.
fn is_spoken(signal: &str) -> Result<()> {
    for name in [format!("OTEL_EXPORTER_OTLP_{signal}_PROTOCOL"), "OTEL_EXPORTER_OTLP_PROTOCOL".to_owned()] {
        if let Ok(asked) = std::env::var(&name) {
            ensure!(asked.is_empty() || asked == SPOKEN, "{name}={asked}: only {SPOKEN} is supported");
        }
    }
    Ok(())
}

/// What makes spans and counts.
pub(crate) struct Telemetry {
    traces: Option<SdkTracerProvider>,
    metrics: Option<SdkMeterProvider>,
    tracer: Option<SdkTracer>,
    propagator: TraceContextPropagator,
    requests: Histogram<f64>,
    statements: Histogram<f64>,
    live: UpDownCounter<i64>,
    started: Counter<u64>,
    failed: Counter<u64>,
}

impl Telemetry {
    /// Begins to send to a collector, which need not be there yet.
    pub(crate) fn new(collector: &Collector, application: &str) -> Result<Self> {
        let resource = resource(application);
        let traces = if collector.traces { Some(collector.spans().context("traces can't be sent")?) } else { None };
        let metrics = if collector.metrics { Some(collector.figures().context("metrics can't be sent")?) } else { None };
        let traces =
            traces.map(|spans| SdkTracerProvider::builder().with_batch_exporter(spans).with_resource(resource.clone()).build());
        let metrics = metrics
            .map(|figures| SdkMeterProvider::builder().with_periodic_exporter(figures).with_resource(resource.clone()).build());
        let meter = metrics.as_ref().map_or_else(nothing, |provider| provider.meter(SCOPE));
        let durations = |name: &'static str, bounds: &[f64]| {
            meter.f64_histogram(name).with_unit("s").with_boundaries(bounds.to_vec()).build()
        };
        Ok(Self {
            tracer: traces.as_ref().map(|provider| provider.tracer(SCOPE)),
            propagator: TraceContextPropagator::new(),
            requests: durations("http.server.request.duration", &OF_REQUESTS),
            statements: durations("db.client.operation.duration", &OF_STATEMENTS),
            live: meter.i64_up_down_counter("component.instances").with_unit("{instance}").build(),
            started: meter.u64_counter("component.instances.started").with_unit("{instance}").build(),
            failed: meter.u64_counter("component.instances.failed").with_unit("{instance}").build(),
            traces,
            metrics,
        })
    }

    /// Sends what is left. Blocks.
    pub(crate) fn stop(&self) {
        let traces = self.traces.as_ref().map(|traces| traces.shutdown_with_timeout(LAST_WORDS));
        let metrics = self.metrics.as_ref().map(|metrics| metrics.shutdown_with_timeout(LAST_WORDS));
        for failed in [traces, metrics].into_iter().flatten().filter_map(Result::err) {
            eprintln!("host: the last traces or metrics were not sent: {failed}");
        }
    }

    /// A span below another one, or the first of a trace. What is made of it belongs to it.
    fn begin(&self, name: String, kind: SpanKind, attributes: Vec<KeyValue>, parent: &Context) -> Option<Context> {
        let tracer = self.tracer.as_ref()?;
        let span = tracer.span_builder(name).with_kind(kind).with_attributes(attributes);
        Some(parent.with_span(tracer.build_with_context(span, parent)))
    }

    /// A request that a component is going to answer. It is told in which trace, and whoever sent it may have begun that one.
    pub(crate) fn request<B>(self: &Arc<Self>, request: &mut Request<B>, route: &str, component: &str) -> Served {
        let parent = self.propagator.extract_with_context(&Context::new(), &HeaderExtractor(request.headers()));
        let method = method(request.method());
        let attributes = vec![
            KeyValue::new("http.request.method", method),
            KeyValue::new("http.route", route.to_owned()),
            KeyValue::new("url.scheme", "http"),
            KeyValue::new("component.id", component.to_owned()),
        ];
        let context = self.begin(format!("{method} {route}"), SpanKind::Server, attributes, &parent);
        if let Some(context) = &context {
            self.propagator.inject_context(context, &mut HeaderInjector(request.headers_mut()));
        }
        Served { telemetry: self.clone(), context, began: Instant::now(), method, route: route.to_owned() }
    }

    /// A call of a component to another host, of which neither path nor query is told. It belongs to the trace that the component
    /// names, or else to `run`.
    pub(crate) fn call<B>(self: &Arc<Self>, request: &mut Request<B>, run: Option<&Context>) -> Called {
        let told = self.propagator.extract_with_context(&Context::new(), &HeaderExtractor(request.headers()));
        let parent = if told.span().span_context().is_valid() { Some(&told) } else { run };
        let method = method(request.method());
        let mut attributes = vec![
            KeyValue::new("http.request.method", method),
            KeyValue::new("server.address", request.uri().host().unwrap_or_default().to_owned()),
        ];
        attributes.extend(request.uri().port_u16().map(|port| KeyValue::new("server.port", i64::from(port))));
        let context = self.begin(method.to_owned(), SpanKind::Client, attributes, parent.unwrap_or(&Context::new()));
        if let Some(context) = &context {
            self.propagator.inject_context(context, &mut HeaderInjector(request.headers_mut()));
        }
        Called { context }
    }

    /// A run of the schedule.
    pub(crate) fn run(&self, component: &str, expression: &str) -> Option<Run> {
        let attributes = vec![
            KeyValue::new("faas.trigger", "timer"),
            KeyValue::new("faas.cron", expression.to_owned()),
            KeyValue::new("component.id", component.to_owned()),
        ];
        self.begin(format!("cron {component}"), SpanKind::Internal, attributes, &Context::new()).map(Run)
    }

    /// A statement that is about to be sent.
    pub(crate) fn statement(self: &Arc<Self>, trace: Option<&Context>, database: &Database, statement: &str) -> Sent {
        let summary = || statement::summary(statement);
        self.asked(trace, database.system(), database.name(), statement::operation(statement), summary)
    }

    /// Something that is about to be asked of a key-value store.
    pub(crate) fn key_value(self: &Arc<Self>, trace: Option<&Context>, store: &str, operation: &'static str) -> Sent {
        self.asked(trace, KEY_VALUE, store, operation, || format!("{operation} {store}"))
    }

    fn asked(
        self: &Arc<Self>,
        trace: Option<&Context>,
        system: &'static str,
        name: &str,
        operation: &'static str,
        summary: impl FnOnce() -> String,
    ) -> Sent {
        let named = vec![
            KeyValue::new("db.system.name", system),
            KeyValue::new("db.namespace", name.to_owned()),
            KeyValue::new("db.operation.name", operation),
        ];
        let context = trace.and_then(|trace| {
            let summary = summary();
            let attributes = named.iter().cloned().chain([KeyValue::new("db.query.summary", summary.clone())]);
            self.begin(summary, SpanKind::Client, attributes.collect(), trace)
        });
        Sent { telemetry: self.clone(), context, began: Instant::now(), named }
    }

    /// An instance of a component that has begun.
    pub(crate) fn instance(self: &Arc<Self>, component: &str) -> Living {
        let named = [KeyValue::new("component.id", component.to_owned())];
        self.started.add(1, &named);
        self.live.add(1, &named);
        Living { telemetry: self.clone(), named }
    }

    /// An instance of a component has failed.
    pub(crate) fn instance_failed(&self, component: &str) {
        self.failed.add(1, &[KeyValue::new("component.id", component.to_owned())]);
    }
}

/// A request under way.
pub(crate) struct Served {
    telemetry: Arc<Telemetry>,
    context: Option<Context>,
    began: Instant,
    method: &'static str,
    route: String,
}

impl Served {
    /// What the component does for it belongs to this.
    pub(crate) fn trace(&self) -> Option<Context> {
        self.context.clone()
    }

    pub(crate) fn answered(self, status: StatusCode) {
        let status_code = KeyValue::new("http.response.status_code", i64::from(status.as_u16()));
        if let Some(context) = &self.context {
            let span = context.span();
            span.set_attribute(status_code.clone());
            if status.is_server_error() {
                span.set_status(Status::error(""));
            }
            span.end();
        }
        let named = [KeyValue::new("http.request.method", self.method), KeyValue::new("http.route", self.route), status_code];
        self.telemetry.requests.record(self.began.elapsed().as_secs_f64(), &named);
    }
}

/// A run of the schedule under way.
pub(crate) struct Run(Context);

impl Run {
    /// What the component does in it belongs to this.
    pub(crate) fn trace(&self) -> Context {
        self.0.clone()
    }

    pub(crate) fn ended(self, succeeded: bool) {
        if !succeeded {
            self.0.span().set_status(Status::error(""));
        }
        self.0.span().end();
    }
}

/// A call to another host under way.
pub(crate) struct Called {
    context: Option<Context>,
}

impl Called {
    /// It was answered with this status, or not at all.
    pub(crate) fn answered(self, status: Option<StatusCode>) {
        let Some(context) = self.context else { return };
        let span = context.span();
        if let Some(status) = status {
            span.set_attribute(KeyValue::new("http.response.status_code", i64::from(status.as_u16())));
        }
        if status.is_none_or(|status| status.is_client_error() || status.is_server_error()) {
            span.set_status(Status::error(""));
        }
        span.end();
    }
}

/// A statement under way.
pub(crate) struct Sent {
    telemetry: Arc<Telemetry>,
    context: Option<Context>,
    began: Instant,
    named: Vec<KeyValue>,
}

impl Sent {
    /// It had its effect, or failed: the reason may hold values and is not told.
    pub(crate) fn done(self, succeeded: bool) {
        if let Some(context) = &self.context {
            if !succeeded {
                context.span().set_status(Status::error(""));
            }
            context.span().end();
        }
        self.telemetry.statements.record(self.began.elapsed().as_secs_f64(), &self.named);
    }
}

/// An instance that lives as long as this.
pub(crate) struct Living {
    telemetry: Arc<Telemetry>,
    named: [KeyValue; 1],
}

impl Drop for Living {
    fn drop(&mut self) {
        self.telemetry.live.add(-1, &self.named);
    }
}

/// Who sends: the application's name, unless the environment has another one.
fn resource(application: &str) -> Resource {
    let named = std::env::var_os("OTEL_SERVICE_NAME").is_some()
        || std::env::var("OTEL_RESOURCE_ATTRIBUTES").is_ok_and(|attributes| attributes.contains("service.name="));
    let resource = Resource::builder();
    if named { resource.build() } else { resource.with_service_name(application.to_owned()).build() }
}

/// Where nobody wants metrics.
fn nothing() -> Meter {
    SdkMeterProvider::builder().build().meter(SCOPE)
}

/// A method, if it is a usual one; whatever else was sent has one name.
fn method(sent: &http::Method) -> &'static str {
    let usual = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"];
    usual.into_iter().find(|usual| *usual == sent.as_str()).unwrap_or("_OTHER")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_sent_unless_the_environment_names_a_collector() {
        let named = |variables: &[(&str, &str)]| {
            Collector::named_by(|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
        };
        assert_eq!(named(&[]), None);
        assert_eq!(named(&[("OTEL_EXPORTER_OTLP_ENDPOINT", " ")]), None);
        let both = Some(Collector { at: None, traces: true, metrics: true });
        assert_eq!(named(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318")]), both);
        let traces = Some(Collector { at: None, traces: true, metrics: false });
        assert_eq!(named(&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://collector:4318/v1/traces")]), traces);
        assert_eq!(named(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318"), ("OTEL_SDK_DISABLED", "true")]), None);
    }

    #[test]
    fn an_address_gets_the_paths_of_the_protocol() {
        assert_eq!(
            Collector::at("http://collector:4318/").endpoint("traces").as_deref(),
            Some("http://collector:4318/v1/traces")
        );
    }
}
