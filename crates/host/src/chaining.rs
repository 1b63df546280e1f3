//! Calls of one component to another of the same application, which never leave the process: Spin's local service chaining. A
//! component calls `http://{id}.spin.internal/path`, its manifest allows that host, and the component of that id answers the path,
//! whether or not a route leads there.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, OnceLock, Weak};

use anyhow::Result;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, Uri, header};
use wasmtime_wasi_http::{Error, WasiBody};

use crate::instances::Entrance;
use crate::server;

/// Below it each component has a host of its own.
const DOMAIN: &str = "spin.internal";

/// Whom a component takes for the client of such a call, as on Spin.
const NOBODY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

/// Spin takes a chained call for one that a route for everything leads to.
const ROUTE: &str = "/...";

/// The component that a host stands for, if it stands for one.
pub(crate) fn component_of(host: &str) -> Option<&str> {
    let (component, domain) = host.split_once('.')?;
    (domain == DOMAIN).then_some(component)
}

/// The components that can be called, once the application runs. Entrances lead to components, and each component to this: only
/// the server keeps them alive.
#[derive(Default)]
pub(crate) struct Inside(OnceLock<BTreeMap<String, Weak<Entrance>>>);

impl Inside {
    /// Opens the way to these components, once.
    pub(crate) fn open(&self, entrances: &BTreeMap<String, Arc<Entrance>>) {
        self.0.get_or_init(|| entrances.iter().map(|(id, entrance)| (id.clone(), Arc::downgrade(entrance))).collect());
    }

    /// Lets a component answer a request of another one.
    ///
    /// # Errors
    /// `DestinationNotFound` for a component that is not there or answers no HTTP; `HttpRequestUriInvalid` for a path that no
    /// header can tell.
    pub(crate) async fn call(&self, component: &str, mut request: Request<WasiBody>) -> Result<Response<WasiBody>, Error> {
        let entrance = self.0.get().and_then(|entrances| entrances.get(component)?.upgrade());
        let Some(entrance) = entrance else {
            eprintln!("host: {component:?} was called by another component, but there is no such component with an HTTP trigger");
            return Err(Error::DestinationNotFound);
        };
        // Spin sends none along: the address has it
        request.headers_mut().remove(header::HOST);
        let uri = request.uri().clone();
        let path = uri.path().to_owned();
        tell(request.headers_mut(), &uri, Matched { route: ROUTE, prefix: "", rest: &path }, NOBODY)
            .map_err(|_| Error::HttpRequestUriInvalid)?;
        Ok(server::answered_by(&entrance, ROUTE, request).await)
    }
}

/// How a request came to a component.
#[derive(Clone, Copy)]
pub(crate) struct Matched<'a> {
    /// The route as the manifest has it.
    pub(crate) route: &'a str,
    /// The route without its wildcard.
    pub(crate) prefix: &'a str,
    /// What the wildcard stands for.
    pub(crate) rest: &'a str,
}

/// Writes into a request's headers how it came to the component, as Spin does.
///
/// # Errors
/// For a text that no header can hold.
pub(crate) fn tell(headers: &mut HeaderMap, uri: &Uri, matched: Matched<'_>, client: SocketAddr) -> Result<()> {
    let mut set = |name, value: &str| -> Result<()> {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_str(value)?);
        Ok(())
    };
    set("spin-full-url", &uri.to_string())?;
    set("spin-path-info", matched.rest)?;
    set("spin-matched-route", matched.route)?;
    set("spin-raw-component-route", matched.route)?;
    set("spin-component-route", matched.prefix)?;
    set("spin-base-path", "/")?;
    set("spin-client-addr", &client.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_component_has_a_host_below_spin_internal() {
        assert_eq!(component_of("registration.spin.internal"), Some("registration"));
        for elsewhere in
            ["spin.internal", "registration.spin.internal.example", "a.registration.spin.internal", "registration.internal", ""]
        {
            assert_eq!(component_of(elsewhere), None, "{elsewhere}");
        }
    }

    #[test]
    fn a_component_learns_how_it_was_called_and_not_what_the_caller_says_of_it() {
        let mut headers = HeaderMap::new();
        headers.insert("spin-client-addr", HeaderValue::from_static("203.0.113.1:1"));
        let uri = "http://till.spin.internal/v1/orders?limit=1".parse().unwrap();
        tell(&mut headers, &uri, Matched { route: ROUTE, prefix: "", rest: uri.path() }, NOBODY).unwrap();
        for (name, value) in [
            ("spin-full-url", "http://till.spin.internal/v1/orders?limit=1"),
            ("spin-path-info", "/v1/orders"),
            ("spin-matched-route", "/..."),
            ("spin-component-route", ""),
            ("spin-client-addr", "0.0.0.0:0"),
        ] {
            assert_eq!(headers[name], value, "{name}");
            assert_eq!(headers.get_all(name).iter().count(), 1, "{name}");
        }
    }

    #[tokio::test]
    async fn whoever_is_not_there_does_not_answer() {
        use http_body_util::BodyExt as _;
        let empty = || http_body_util::Empty::new().map_err(|never| match never {}).boxed_unsync();
        let request = || Request::get("http://till.spin.internal/").body(empty()).unwrap();
        let inside = Inside::default();
        assert!(matches!(inside.call("till", request()).await, Err(Error::DestinationNotFound)), "before it is open");
        inside.open(&BTreeMap::new());
        assert!(matches!(inside.call("till", request()).await, Err(Error::DestinationNotFound)));
    }
}
