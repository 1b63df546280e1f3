//! The routes of the API that change something, as its document has them.

use std::collections::BTreeSet;

use serde_json::Value;

/// Routes that are no change though they are a `POST`.
const QUESTIONS: [(&str, &str); 2] = [("POST", "/v1/quotes"), ("POST", "/v1/simulations")];

/// The API's document.
#[must_use]
pub fn document() -> Value {
    let document = include_str!("../../components/registration/openapi.json");
    serde_json::from_str(document).expect("the document of the API is JSON")
}

/// Every route of the API: method and path.
#[must_use]
pub fn all() -> Vec<(String, String)> {
    let document = document();
    let paths = document["paths"].as_object().expect("it has paths");
    let routes = paths.iter().flat_map(|(path, item)| {
        let methods = item.as_object().expect("a path has methods").keys();
        methods.map(move |method| (method.to_uppercase(), path.clone()))
    });
    routes.collect()
}

/// Changes of the API that nobody has drawn, as "METHOD path". `drawn` are methods and paths as they were sent; `excused` those
/// that nobody needs to draw.
#[must_use]
pub fn undrawn(drawn: &BTreeSet<(String, String)>, excused: &[(&str, &str)]) -> Vec<String> {
    let routes = all().into_iter();
    let changes = routes.filter(|(method, _)| ["POST", "PUT", "PATCH", "DELETE"].contains(&method.as_str()));
    let wanted = changes.filter(|(method, path)| {
        let named = |routes: &[(&str, &str)]| routes.contains(&(method.as_str(), path.as_str()));
        !named(&QUESTIONS) && !named(excused)
    });
    let was_drawn = |method: &str, path: &str| drawn.iter().any(|(sent, to)| sent == method && leads_to(path, to));
    wanted.filter(|(method, path)| !was_drawn(method, path)).map(|(method, path)| format!("{method} {path}")).collect()
}

/// Whether a path that was sent is of a route, whose parts in braces are whatever they are.
fn leads_to(route: &str, sent: &str) -> bool {
    let (route, sent): (Vec<&str>, Vec<&str>) = (route.split('/').collect(), sent.split('/').collect());
    route.len() == sent.len() && route.iter().zip(&sent).all(|(part, sent)| part == sent || part.starts_with('{'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_that_was_not_drawn_is_named() {
        let drawn = [("POST", "/v1/members/mem_1/merges"), ("PUT", "/v1/program")];
        let drawn = drawn.map(|(method, path)| (method.to_owned(), path.to_owned())).into();
        let left = undrawn(&drawn, &[("POST", "/v1/jobs/{name}/runs")]);
        let named = |route: &str| left.iter().any(|left| left == route);
        assert!(named("POST /v1/members/{id}/transfers") && named("DELETE /v1/keys/{id}") && named("POST /v1/members"));
        assert!(!named("POST /v1/members/{id}/merges") && !named("PUT /v1/program") && !named("POST /v1/quotes"));
        assert!(!named("POST /v1/jobs/{name}/runs"), "{left:?}");
    }
}
