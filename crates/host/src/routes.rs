//! Which component answers a path: the rules of Spin.

/// Routes of an application, the most specific first.
pub(crate) struct Routes<T>(Vec<Route<T>>);

/// A route and whatever answers it.
pub(crate) struct Route<T> {
    /// As the manifest has it.
    pub(crate) text: String,
    /// Who answers.
    pub(crate) target: T,
    segments: Vec<String>,
    wildcard: bool,
}

impl<T> Routes<T> {
    pub(crate) fn new(routes: impl IntoIterator<Item = (String, T)>) -> Self {
        let mut routes: Vec<_> = routes.into_iter().map(|(text, target)| Route::new(text, target)).collect();
        routes.sort_by_key(|route| (route.wildcard, usize::MAX - route.segments.len()));
        Self(routes)
    }

    /// An exact route comes before wildcards, a longer wildcard before a shorter one. A slash at the end means nothing.
    pub(crate) fn find<'a>(&self, path: &'a str) -> Option<(&Route<T>, PathInfo<'a>)> {
        let trimmed = path.trim_matches('/');
        let segments: Vec<&str> = trimmed.split('/').filter(|_| !trimmed.is_empty()).collect();
        let route = self.0.iter().find(|route| route.matches(&segments))?;
        let rest = segments[route.segments.len()..].join("/");
        Some((route, PathInfo { path, rest, wildcard: route.wildcard }))
    }
}

impl<T> Route<T> {
    fn new(text: String, target: T) -> Self {
        let (fixed, wildcard) = match text.strip_suffix("/...") {
            Some(fixed) => (fixed, true),
            None => (text.as_str(), false),
        };
        let segments = fixed.split('/').filter(|segment| !segment.is_empty()).map(str::to_owned).collect();
        Self { segments, wildcard, text, target }
    }

    fn matches(&self, segments: &[&str]) -> bool {
        let long_enough =
            if self.wildcard { segments.len() >= self.segments.len() } else { segments.len() == self.segments.len() };
        long_enough && self.segments.iter().zip(segments).all(|(own, asked)| own == asked)
    }

    /// The route without its wildcard.
    pub(crate) fn prefix(&self) -> &str {
        self.text.strip_suffix("/...").unwrap_or(&self.text)
    }
}

/// What a wildcard stands for in a path.
pub(crate) struct PathInfo<'a> {
    path: &'a str,
    rest: String,
    wildcard: bool,
}

impl std::fmt::Display for PathInfo<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if !self.wildcard {
            return Ok(());
        }
        if !self.rest.is_empty() {
            write!(f, "/{}", self.rest)?;
        }
        if self.path.ends_with('/') { f.write_str("/") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Who answers a path among the routes, each named by itself, and with which rest.
    #[track_caller]
    fn check(routes: &[&str], path: &str, expected: Option<(&str, &str)>) {
        let routes = Routes::new(routes.iter().map(|route| ((*route).to_owned(), ())));
        let found = routes.find(path).map(|(route, info)| (route.text.clone(), info.to_string()));
        assert_eq!(found, expected.map(|(route, info)| (route.to_owned(), info.to_owned())), "{path}");
    }

    const SHOP: &[&str] = &["/...", "/v1/orders/...", "/v1/quotes", "/v1/orders/claims", "/v1/jobs/..."];

    #[test]
    fn the_most_specific_route_answers() {
        check(SHOP, "/v1/quotes", Some(("/v1/quotes", "")));
        check(SHOP, "/v1/quotes/", Some(("/v1/quotes", "")));
        check(SHOP, "/v1/quotes/7", Some(("/...", "/v1/quotes/7")));
        check(SHOP, "/v1/orders", Some(("/v1/orders/...", "")));
        check(SHOP, "/v1/orders/", Some(("/v1/orders/...", "/")));
        check(SHOP, "/v1/orders/7/returns", Some(("/v1/orders/...", "/7/returns")));
        check(SHOP, "/v1/orders/claims", Some(("/v1/orders/claims", "")));
        check(SHOP, "/v1/ordersx", Some(("/...", "/v1/ordersx")));
        check(SHOP, "/", Some(("/...", "/")));
        check(SHOP, "/v1//orders", Some(("/...", "/v1//orders")));
    }

    #[test]
    fn without_a_catch_all_there_are_paths_that_nobody_answers() {
        check(&["/a", "/b/..."], "/", None);
        check(&["/a", "/b/..."], "/a/b", None);
        check(&["/a", "/b/..."], "/B", None);
        check(&["/"], "/", Some(("/", "")));
        check(&["/"], "/a", None);
    }
}
