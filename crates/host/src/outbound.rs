//! Calls of a component to other hosts: to those that the manifest allows (`allowed_outbound_hosts`), in Spin's words, and to
//! no other. What is allowed of `*.spin.internal` goes to the application's own components (`chaining`).

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail, ensure};
use http::Uri;
use http_body_util::BodyExt as _;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks, default_send_request};

use crate::chaining::{Inside, component_of};
use crate::manifest::Component;
use crate::telemetry::{Telemetry, Trace};

/// What stands in `allowed_outbound_hosts`: a scheme, a host and a port, each of which may be any.
#[derive(Debug, PartialEq)]
pub struct AllowedHost {
    /// None: any.
    scheme: Option<String>,
    host: Pattern,
    ports: Ports,
}

#[derive(Debug, PartialEq)]
enum Pattern {
    Any,
    /// A dot and the domain whose subdomains are meant.
    Below(String),
    One(String),
}

#[derive(Debug, PartialEq)]
enum Ports {
    Any,
    /// From the first up to, and without, the last.
    Range(u16, u16),
    One(u16),
}

impl AllowedHost {
    /// Reads `scheme://host:port`; without a port it is the scheme's own.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        let (scheme, rest) = text.split_once("://").with_context(|| format!("{text:?}: begin with a scheme, as https://"))?;
        ensure!(["http", "https", "*"].contains(&scheme), "{text:?}: only HTTP is supported, so the scheme is http, https or *");
        let rest = rest.trim_end_matches('/');
        ensure!(!rest.contains('/'), "{text:?}: a host without a path; networks by their bits are not supported");
        // a colon within brackets is of an IPv6 address
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, Some(port)),
            _ => (rest, None),
        };
        Ok(Self {
            scheme: (scheme != "*").then(|| scheme.to_owned()),
            host: Pattern::parse(host).with_context(|| format!("{text:?}"))?,
            ports: Ports::parse(port, scheme).with_context(|| format!("{text:?}"))?,
        })
    }

    /// The one component of the application that it names, if it does.
    pub(crate) fn component(&self) -> Option<&str> {
        match &self.host {
            Pattern::One(host) => component_of(host),
            Pattern::Any | Pattern::Below(_) => None,
        }
    }

    fn allows(&self, scheme: &str, host: &str, port: u16) -> bool {
        self.scheme.as_deref().is_none_or(|allowed| allowed == scheme) && self.host.allows(host) && self.ports.allows(port)
    }
}

impl Pattern {
    fn parse(host: &str) -> Result<Self> {
        ensure!(!host.is_empty() && !host.starts_with('{'), "one host, or * for any");
        ensure!(host != "self", "calls of an application to itself are not supported");
        if host == "*" {
            return Ok(Self::Any);
        }
        let domain = host.strip_prefix("*.");
        ensure!(!domain.unwrap_or(host).contains('*'), "a * stands alone, or before a dot for all subdomains");
        Ok(domain.map_or_else(|| Self::One(host.to_owned()), |domain| Self::Below(format!(".{domain}"))))
    }

    fn allows(&self, host: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Below(domain) => host.ends_with(domain),
            Self::One(one) => host == one,
        }
    }
}

impl Ports {
    fn parse(port: Option<&str>, scheme: &str) -> Result<Self> {
        let number = |text: &str| text.parse().with_context(|| format!("{text:?} is no port"));
        match port {
            Some("*") => Ok(Self::Any),
            Some(port) => match port.split_once("..") {
                Some((first, end)) => Ok(Self::Range(number(first)?, number(end)?)),
                None => Ok(Self::One(number(port)?)),
            },
            None => match own_port(scheme) {
                Some(port) => Ok(Self::One(port)),
                None => bail!("with any scheme a port is needed, or :* for any"),
            },
        }
    }

    fn allows(&self, port: u16) -> bool {
        match self {
            Self::Any => true,
            Self::Range(first, end) => (*first..*end).contains(&port),
            Self::One(one) => port == *one,
        }
    }
}

fn own_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    }
}

/// The hosts that a component may call, with the values of the application's variables.
pub(crate) fn allowed_hosts(component: &Component, values: &BTreeMap<String, String>) -> Result<Arc<[AllowedHost]>> {
    component.allowed_outbound_hosts.iter().map(|template| AllowedHost::parse(&template.fill(values)?)).collect()
}

/// The way out of an instance.
pub(crate) struct Outbound {
    pub(crate) allowed: Arc<[AllowedHost]>,
    /// The way to other components of the application.
    pub(crate) inside: Arc<Inside>,
    pub(crate) telemetry: Option<Arc<Telemetry>>,
    /// The run of the schedule that the instance is in.
    pub(crate) run: Option<Trace>,
}

impl Outbound {
    fn allows(&self, uri: &Uri) -> bool {
        let (Some(scheme), Some(host)) = (uri.scheme_str(), uri.host()) else { return false };
        let Some(port) = uri.port_u16().or_else(|| own_port(scheme)) else { return false };
        self.allowed.iter().any(|allowed| allowed.allows(scheme, &host.to_ascii_lowercase(), port))
    }
}

type Transfer = Box<dyn Future<Output = Result<(), Error>> + Send>;

impl WasiHttpHooks for Outbound {
    fn send_request(
        &mut self,
        mut request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Transfer,
    ) -> Box<dyn Future<Output = Result<(http::Response<WasiBody>, Transfer), Error>> + Send> {
        if !self.allows(request.uri()) {
            // the path may hold a secret
            let host = request.uri().host().unwrap_or_default();
            eprintln!("host: a call to {host:?} was denied: allowed_outbound_hosts does not name it");
            return Box::new(async { Err(Error::HttpRequestDenied) });
        }
        let host = request.uri().host().unwrap_or_default().to_ascii_lowercase();
        let called = self.telemetry.as_ref().map(|telemetry| telemetry.call(&mut request, self.run.as_ref()));
        let inside = component_of(&host).map(|component| (component.to_owned(), self.inside.clone()));
        Box::new(async move {
            let answer = match inside {
                Some((component, inside)) => {
                    let response = inside.call(&component, request).await;
                    response.map(|response| (response, Box::new(async { Ok(()) }) as Transfer))
                }
                None => {
                    let answer = default_send_request(request, options).await;
                    answer.map(|(response, rest)| (response.map(|body| body.boxed_unsync()), Box::new(rest) as Transfer))
                }
            };
            if let Some(called) = called {
                called.answered(answer.as_ref().ok().map(|(response, _)| response.status()));
            }
            answer
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_allowed_as_on_spin() {
        for (allowed, asked, expected) in [
            ("https://hooks.example", "https://hooks.example/x", true),
            ("https://hooks.example", "https://HOOKS.example:443/x", true),
            ("https://hooks.example", "http://hooks.example/x", false),
            ("https://hooks.example", "https://hooks.example:8443/x", false),
            ("https://hooks.example", "https://evil.example/hooks.example", false),
            ("https://hooks.example/", "https://hooks.example/", true),
            ("https://*.example", "https://a.b.example/", true),
            ("https://*.example", "https://example/", false),
            ("https://*", "https://anything.example/", true),
            ("https://*", "https://anything.example:8443/", false),
            ("https://*:*", "https://anything.example:8443/", true),
            ("http://127.0.0.1:*", "http://127.0.0.1:8080/", true),
            ("http://[::1]:8080", "http://[::1]:8080/", true),
            ("http://[::1]", "http://[::1]:80/", true),
            ("*://hooks.example:8000..8010", "http://hooks.example:8009/", true),
            ("*://hooks.example:8000..8010", "http://hooks.example:8010/", false),
            ("http://till.spin.internal", "http://till.spin.internal/v1/orders", true),
            ("http://till.spin.internal", "http://office.spin.internal/v1/orders", false),
            ("http://*.spin.internal", "http://till.spin.internal/", true),
            ("https://*", "http://till.spin.internal/", false),
        ] {
            let outbound = only([AllowedHost::parse(allowed).unwrap()]);
            assert_eq!(outbound.allows(&asked.parse().unwrap()), expected, "{allowed} and {asked}");
        }
        assert!(!only([]).allows(&"https://hooks.example/".parse().unwrap()), "none is allowed");
    }

    fn only<const N: usize>(allowed: [AllowedHost; N]) -> Outbound {
        Outbound { allowed: allowed.into(), inside: Arc::default(), telemetry: None, run: None }
    }

    #[tokio::test]
    async fn a_component_calls_another_only_where_the_manifest_says_so() {
        let refusal = async |mut outbound: Outbound| {
            let body = http_body_util::Empty::new().map_err(|never| match never {}).boxed_unsync();
            let request = http::Request::get("http://till.spin.internal/v1/orders").body(body).unwrap();
            let sent = outbound.send_request(request, None, Box::new(async { Ok(()) }));
            Box::into_pin(sent).await.map(drop).unwrap_err()
        };
        for allowed in ["https://*", "http://*.example", "http://office.spin.internal", "http://till.spin.internal:8080"] {
            let refusal = refusal(only([AllowedHost::parse(allowed).unwrap()])).await;
            assert!(matches!(refusal, Error::HttpRequestDenied), "{allowed}");
        }
        // let through, and never out of the process: nobody is there
        for allowed in ["http://till.spin.internal", "http://*.spin.internal", "http://*"] {
            let refusal = refusal(only([AllowedHost::parse(allowed).unwrap()])).await;
            assert!(matches!(refusal, Error::DestinationNotFound), "{allowed}");
        }
    }

    #[test]
    fn one_component_is_named_by_its_whole_host() {
        let component = |text: &str| AllowedHost::parse(text).unwrap().component().map(str::to_owned);
        assert_eq!(component("http://till.spin.internal").as_deref(), Some("till"));
        for of_none in ["http://*.spin.internal", "https://till.example", "https://*"] {
            assert_eq!(component(of_none), None, "{of_none}");
        }
    }

    #[test]
    fn what_is_no_host_is_named() {
        for wrong in [
            "hooks.example",
            "",
            "redis://cache",
            "https://hooks.example/path",
            "https://10.0.0.0/8",
            "https://a.*.example",
            "https://{a,b}",
            "https://self",
            "*://hooks.example",
            "https://hooks.example:port",
        ] {
            let error = format!("{:#}", AllowedHost::parse(wrong).unwrap_err());
            assert!(error.contains(&format!("{wrong:?}")), "{error}");
        }
    }
}
