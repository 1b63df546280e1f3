//! A collector of OpenTelemetry on loopback: it keeps the traces and metrics that it is sent (OTLP over HTTP, protobuf).

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use prost::Message as _;

/// A piece of work that somebody did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// In hexadecimal digits, as are the others.
    pub trace: String,
    pub id: String,
    /// Empty for the first of a trace.
    pub parent: String,
    pub name: String,
    /// `SERVER`, `CLIENT` or `INTERNAL`.
    pub kind: &'static str,
    pub attributes: BTreeMap<String, String>,
    pub failed: bool,
}

/// What was sent: the path, and the body as it came.
type Sent = (String, Vec<u8>);

/// A collector; it runs as long as the tests do.
pub struct Collector {
    address: SocketAddr,
    sent: Arc<Mutex<Vec<Sent>>>,
}

impl Collector {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it has an address");
        let sent = Arc::new(Mutex::new(Vec::new()));
        let keeping = sent.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let keeping = keeping.clone();
                std::thread::spawn(move || take(&stream, &keeping));
            }
        });
        Self { address, sent }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every byte that was sent.
    pub fn bytes(&self) -> Vec<u8> {
        self.sent_to("").concat()
    }

    fn sent_to(&self, path: &str) -> Vec<Vec<u8>> {
        let sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        sent.iter().filter(|(to, _)| to.starts_with(path)).map(|(_, body)| body.clone()).collect()
    }

    /// The spans that were sent.
    pub fn spans(&self) -> Vec<Span> {
        let read = |body: Vec<u8>| ExportTraceServiceRequest::decode(body.as_slice()).expect("traces").resource_spans;
        let resources = self.sent_to("/v1/traces").into_iter().flat_map(read);
        let spans = resources.flat_map(|resource| resource.scope_spans).flat_map(|scope| scope.spans);
        let span = |span: opentelemetry_proto::tonic::trace::v1::Span| Span {
            trace: hexadecimal(&span.trace_id),
            id: hexadecimal(&span.span_id),
            parent: hexadecimal(&span.parent_span_id),
            kind: match span.kind {
                1 => "INTERNAL",
                2 => "SERVER",
                3 => "CLIENT",
                other => panic!("a span of the kind {other}"),
            },
            attributes: told(span.attributes),
            failed: span.status.is_some_and(|status| status.code == 2),
            name: span.name,
        };
        spans.map(span).collect()
    }

    /// What was counted, by the name of the metric: for each set of attributes the last count (of measurements, where it is a
    /// distribution).
    pub fn counts(&self) -> BTreeMap<String, BTreeMap<String, i64>> {
        let mut counts: BTreeMap<String, BTreeMap<String, i64>> = BTreeMap::new();
        for body in self.sent_to("/v1/metrics") {
            let request = ExportMetricsServiceRequest::decode(body.as_slice()).expect("metrics");
            let scopes = request.resource_metrics.into_iter().flat_map(|resource| resource.scope_metrics);
            for metric in scopes.flat_map(|scope| scope.metrics) {
                let points: Vec<_> = match metric.data {
                    Some(Data::Histogram(histogram)) => {
                        let count = |count: u64| i64::try_from(count).expect("a count");
                        histogram.data_points.into_iter().map(|point| (point.attributes, count(point.count))).collect()
                    }
                    Some(Data::Sum(sum)) => {
                        use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as Number;
                        let number = |number: Option<Number>| match number {
                            Some(Number::AsInt(number)) => number,
                            other => panic!("{other:?} is no whole number"),
                        };
                        sum.data_points.into_iter().map(|point| (point.attributes, number(point.value))).collect()
                    }
                    other => panic!("{other:?} is nothing that is counted"),
                };
                let of_metric = counts.entry(metric.name).or_default();
                of_metric.extend(points.into_iter().map(|(attributes, count)| (format!("{:?}", told(attributes)), count)));
            }
        }
        counts
    }
}

fn told(attributes: Vec<KeyValue>) -> BTreeMap<String, String> {
    let text = |value: Option<AnyValue>| match value.and_then(|value| value.value) {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        other => panic!("{other:?} is neither a text nor a whole number"),
    };
    attributes.into_iter().map(|attribute| (attribute.key, text(attribute.value))).collect()
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Takes one request.
fn take(mut stream: &TcpStream, sent: &Mutex<Vec<Sent>>) {
    let mut reader = BufReader::new(stream);
    let (mut path, mut length) = (String::new(), 0);
    let mut line = String::new();
    while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
        if path.is_empty() {
            path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        } else if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().expect("a length");
        }
        line.clear();
    }
    let mut body = vec![0; length];
    if reader.read_exact(&mut body).is_ok() {
        sent.lock().unwrap_or_else(PoisonError::into_inner).push((path, body));
        // whoever has gone needs no answer
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    }
}
