//! The routes of the API as its document writes them: what a request is called where its path must not be told.

/// What a path is called that is none of the API.
const UNMATCHED: &str = "unmatched";

/// A path of words comes before one with a parameter in the same place.
const ROUTES: [&str; 59] = [
    "/healthz",
    "/openapi.json",
    "/program.schema.json",
    "/readyz",
    "/v1/audit",
    "/v1/events",
    "/v1/jobs/runs",
    "/v1/jobs/set_aside",
    "/v1/jobs/{name}/runs",
    "/v1/join.svg",
    "/v1/keys",
    "/v1/keys/{id}",
    "/v1/keys/{id}/rotation",
    "/v1/members",
    "/v1/members/duplicates",
    "/v1/members/{id}",
    "/v1/members/{id}/acceptances",
    "/v1/members/{id}/adjustments",
    "/v1/members/{id}/balance",
    "/v1/members/{id}/card.svg",
    "/v1/members/{id}/codes",
    "/v1/members/{id}/confirmation",
    "/v1/members/{id}/consents",
    "/v1/members/{id}/entries",
    "/v1/members/{id}/export",
    "/v1/members/{id}/merges",
    "/v1/members/{id}/referral.svg",
    "/v1/members/{id}/referrals",
    "/v1/members/{id}/segments",
    "/v1/members/{id}/tier",
    "/v1/members/{id}/tokens",
    "/v1/members/{id}/transfers",
    "/v1/messages",
    "/v1/messages/{id}/deliveries",
    "/v1/messages/{id}/receipts",
    "/v1/orders",
    "/v1/orders/claims",
    "/v1/orders/{id}",
    "/v1/orders/{id}/cancellation",
    "/v1/orders/{id}/returns",
    "/v1/program",
    "/v1/program/presets",
    "/v1/program/presets/{name}",
    "/v1/program/versions",
    "/v1/program/versions/{version}",
    "/v1/quotes",
    "/v1/rebuild",
    "/v1/redemptions",
    "/v1/redemptions/{id}",
    "/v1/redemptions/{id}/capture",
    "/v1/redemptions/{id}/confirmation",
    "/v1/redemptions/{id}/release",
    "/v1/simulations",
    "/v1/telegram/updates",
    "/v1/vouchers",
    "/v1/vouchers/{code}",
    "/v1/webhooks",
    "/v1/webhooks/{id}",
    "/v1/webhooks/{id}/rotations",
];

/// The route that leads to a path; a path that none leads to is not repeated.
pub(crate) fn route_of(path: &str) -> &'static str {
    ROUTES.into_iter().find(|route| leads_to(route, path)).unwrap_or(UNMATCHED)
}

fn leads_to(route: &str, path: &str) -> bool {
    let mut sent = path.split('/').filter(|part| !part.is_empty());
    let mut parts = route.split('/').skip(1);
    loop {
        match (parts.next(), sent.next()) {
            (None, None) => return true,
            (Some(part), Some(sent)) => {
                let any = part.starts_with('{');
                if !any && !percent_encoding::percent_decode_str(sent).eq(part.bytes()) {
                    return false;
                }
            }
            _ => return false,
        }
    }
}
