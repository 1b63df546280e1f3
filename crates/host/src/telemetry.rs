//! Traces and metrics by OpenTelemetry, sent to a collector by OTLP over HTTP. Off unless a collector is named: then each request
//! is a span, with the statements, calls out and scheduled runs that belong to it, and durations and instances are counted.
//!
//! What is sent names routes, components, databases and what kind of statement it was. No path, query, header, body or parameter of
//! a statement is ever in it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use http::Request;
use opentelemetry::metrics::{Counter, Histogram, Meter, MeterProvider as _, UpDownCounter};
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{SpanKind, TraceContextExt as _, Tracer as _, TracerProvider as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{HeaderExtractor, HeaderInjector};
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};

use crate::database::Database;
use statement::{Name, Names};

mod collector;
mod exchange;
mod statement;
mod under_way;

pub use collector::Collector;
pub(crate) use under_way::{Called, Living, Run, Sent, Served};

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
    /// What statements are called.
    names: Names,
}

impl Telemetry {
    /// Begins to send to a collector, which need not be there yet.
    pub(crate) fn new(collector: &Collector, application: &str) -> Result<Self> {
        let resource = collector::resource(application);
        let traces = collector.span_exporter().context("traces can't be sent")?;
        let metrics = collector.metric_exporter().context("metrics can't be sent")?;
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
            names: Names::default(),
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
        let Name { operation, summary } = self.names.of(statement);
        self.asked(trace, database.system(), database.name(), operation, || summary)
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

/// Where nobody wants metrics.
fn nothing() -> Meter {
    SdkMeterProvider::builder().build().meter(SCOPE)
}

/// A method, if it is a usual one; whatever else was sent has one name.
fn method(sent: &http::Method) -> &'static str {
    let usual = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"];
    usual.into_iter().find(|usual| *usual == sent.as_str()).unwrap_or("_OTHER")
}
