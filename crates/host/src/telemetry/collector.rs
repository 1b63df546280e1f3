//! Where traces and metrics are sent, and in whose name.

use anyhow::{Result, ensure};
use opentelemetry_otlp::{MetricExporter, Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;

use super::exchange::Exchange;

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

    /// What sends traces, if any are wanted.
    pub(super) fn span_exporter(&self) -> Result<Option<SpanExporter>> {
        if !self.traces {
            return Ok(None);
        }
        is_spoken("TRACES")?;
        let exporter = SpanExporter::builder().with_http().with_protocol(Protocol::HttpBinary);
        let exporter = exporter.with_http_client(Exchange::new("traces"));
        let built = match self.endpoint("traces") {
            Some(url) => exporter.with_endpoint(url).build(),
            None => exporter.build(),
        };
        Ok(Some(built?))
    }

    /// What sends metrics, if any are wanted.
    pub(super) fn metric_exporter(&self) -> Result<Option<MetricExporter>> {
        if !self.metrics {
            return Ok(None);
        }
        is_spoken("METRICS")?;
        let exporter = MetricExporter::builder().with_http().with_protocol(Protocol::HttpBinary);
        let exporter = exporter.with_http_client(Exchange::new("metrics"));
        let built = match self.endpoint("metrics") {
            Some(url) => exporter.with_endpoint(url).build(),
            None => exporter.build(),
        };
        Ok(Some(built?))
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

/// Who sends: the application's name, unless the environment has another one.
pub(super) fn resource(application: &str) -> Resource {
    let named = std::env::var_os("OTEL_SERVICE_NAME").is_some()
        || std::env::var("OTEL_RESOURCE_ATTRIBUTES").is_ok_and(|attributes| attributes.contains("service.name="));
    let resource = Resource::builder();
    if named { resource.build() } else { resource.with_service_name(application.to_owned()).build() }
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
