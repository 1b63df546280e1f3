//! Who may call what: every route of the API's document, by every kind of caller. A route that is added without a row fails
//! here; so does one whose document says otherwise.

use std::collections::{BTreeMap, BTreeSet};

use http::Method;
use serde_json::{Value, json};
use tests::{Answer, Shop, cart, line, pieces};

/// Kinds of callers: the columns of the table. A member's own token is there twice: of the member, and of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Caller {
    Nobody,
    Unknown,
    Revoked,
    Expired,
    TokenOfOther,
    TokenOfMember,
    Storefront,
    TillOfMoscow,
    TillOfTver,
    Staff,
    Jobs,
    Admin,
}
use Caller::{
    Admin, Expired, Jobs, Nobody, Revoked, Staff, Storefront, TillOfMoscow, TillOfTver, TokenOfMember, TokenOfOther, Unknown,
};

/// Those who come through nowhere stand first: what they do must change nothing.
const CALLERS: [Caller; 12] =
    [Nobody, Unknown, Revoked, Expired, TokenOfOther, Jobs, TokenOfMember, TillOfTver, Staff, Storefront, TillOfMoscow, Admin];

impl Caller {
    /// The word by which the API's document names the scope.
    fn scope(self) -> Option<&'static str> {
        match self {
            Nobody | Unknown | Revoked | Expired => None,
            Storefront => Some("storefront"),
            TillOfMoscow | TillOfTver => Some("till"),
            Staff => Some("staff"),
            Jobs => Some("jobs"),
            TokenOfMember | TokenOfOther => Some("member"),
            Admin => Some("admin"),
        }
    }
}

/// To whom a route is open; the administrator always comes through.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    /// Also without a key.
    ToAll,
    To(&'static [&'static str]),
    /// The same, and to the member whose data it is.
    Own(&'static [&'static str]),
    /// The same, about something of the store in Moscow: a till in Tver does not learn that it is there.
    InMoscow(&'static [&'static str]),
    /// To whoever sends the secret in this scheme of the document instead of a key: to none of these callers.
    BySecret(&'static str),
}
use Open::{BySecret, InMoscow, Own, To, ToAll};

const SELLERS: &[&str] = &["storefront", "till"];
const READERS: &[&str] = &["storefront", "till", "staff"];
const STAFF: &[&str] = &["staff"];

/// What a call must come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// 401: no key in force.
    NoKey,
    /// 403: a key without the scope.
    NoScope,
    /// 404, as if it were not there.
    Hidden,
    /// None of these.
    Through,
}

impl Open {
    fn fate(self, caller: Caller) -> Fate {
        let scopes = match self {
            ToAll => return Fate::Through,
            BySecret(_) => return Fate::NoKey,
            To(scopes) | Own(scopes) | InMoscow(scopes) => scopes,
        };
        match caller.scope() {
            None => Fate::NoKey,
            Some("admin") => Fate::Through,
            Some("member") if caller == TokenOfMember && matches!(self, Own(_)) => Fate::Through,
            Some(scope) if !scopes.contains(&scope) => Fate::NoScope,
            Some(_) if caller == TillOfTver && matches!(self, InMoscow(_)) => Fate::Hidden,
            Some(_) => Fate::Through,
        }
    }
}

/// A route: method and path as the document has them, its query, a body, and to whom it is open. `{...}` in a path, and
/// `"{...}"` in a body, are what the shop below has; `"{new}"` is another text each time.
fn table() -> Vec<(&'static str, &'static str, &'static str, Value, Open)> {
    let goods = || json!([line("1", "100.00")]);
    let member = || json!({"id": "{member}"});
    let order = json!({"id": "{new}", "occurred_at": tests::BEGINNING, "channel": "site", "currency": "RUB", "lines": goods()});
    let hold = json!({"member": member(), "order": cart(goods()), "points": "1"});
    let event = json!({"id": "{new}", "member": member(), "type": "visit", "occurred_at": tests::BEGINNING, "data": {}});
    let none = Value::Null;
    vec![
        ("POST", "/v1/quotes", "", json!({"member": member(), "order": cart(goods())}), To(SELLERS)),
        ("POST", "/v1/orders", "", order, To(SELLERS)),
        ("POST", "/v1/orders/claims", "", json!({"order_id": "{receipt}", "member": member()}), InMoscow(SELLERS)),
        ("GET", "/v1/orders/{order}", "", none.clone(), InMoscow(READERS)),
        (
            "POST",
            "/v1/orders/{order}/returns",
            "",
            json!({"return_id": "{new}", "lines": [{"id": "1", "quantity": 1}]}),
            InMoscow(SELLERS),
        ),
        ("POST", "/v1/orders/{order}/cancellation", "", json!({}), InMoscow(SELLERS)),
        ("POST", "/v1/redemptions", "", hold, To(SELLERS)),
        ("GET", "/v1/redemptions/{redemption}", "", none.clone(), InMoscow(READERS)),
        ("POST", "/v1/redemptions/{redemption}/confirmation", "", json!({"code": "123456"}), InMoscow(SELLERS)),
        ("POST", "/v1/redemptions/{redemption}/capture", "", json!({}), InMoscow(SELLERS)),
        ("POST", "/v1/redemptions/{redemption}/release", "", json!({}), InMoscow(SELLERS)),
        ("POST", "/v1/members", "", json!({"external_id": "{new}", "channel": "site"}), To(READERS)),
        ("GET", "/v1/members", "?phone=89000000001", none.clone(), To(READERS)),
        ("GET", "/v1/members/duplicates", "", none.clone(), To(STAFF)),
        ("GET", "/v1/members/{member}", "", none.clone(), Own(READERS)),
        ("PATCH", "/v1/members/{member}", "", json!({"first_name": "Anna"}), To(READERS)),
        ("DELETE", "/v1/members/{leaver}", "", none.clone(), To(&[])),
        ("GET", "/v1/members/{member}/export", "", none.clone(), To(&[])),
        ("GET", "/v1/members/{member}/balance", "", none.clone(), Own(READERS)),
        ("GET", "/v1/members/{member}/card.svg", "", none.clone(), Own(READERS)),
        ("GET", "/v1/members/{member}/referral.svg", "", none.clone(), Own(READERS)),
        ("GET", "/v1/members/{member}/referrals", "", none.clone(), Own(READERS)),
        ("GET", "/v1/join.svg", "", none.clone(), To(READERS)),
        ("GET", "/v1/members/{member}/entries", "", none.clone(), Own(READERS)),
        ("GET", "/v1/members/{member}/consents", "", none.clone(), Own(READERS)),
        (
            "POST",
            "/v1/members/{member}/consents",
            "",
            json!({"channel": "sms", "granted": true, "source": "the site"}),
            To(READERS),
        ),
        ("GET", "/v1/members/{member}/acceptances", "", none.clone(), Own(READERS)),
        ("POST", "/v1/members/{member}/acceptances", "", json!({"rules_version": "1"}), To(READERS)),
        ("POST", "/v1/members/{member}/tokens", "", json!({}), To(&["storefront", "staff"])),
        ("POST", "/v1/members/{member}/codes", "", json!({}), To(READERS)),
        ("POST", "/v1/members/{member}/confirmation", "", json!({"code": "123456"}), To(READERS)),
        ("POST", "/v1/members/{member}/adjustments", "", json!({"points": "1", "reason": "a gift"}), To(STAFF)),
        ("PUT", "/v1/members/{member}/segments", "", json!({"segments": ["circle"]}), To(STAFF)),
        ("PUT", "/v1/members/{member}/tier", "", json!({"tier": null, "reason": "as agreed"}), To(STAFF)),
        ("POST", "/v1/members/{member}/transfers", "", json!({"to": "{other}", "points": "1"}), To(&["storefront", "staff"])),
        ("POST", "/v1/members/{member}/merges", "", json!({"from": "{double}"}), To(STAFF)),
        ("POST", "/v1/events", "", event, To(SELLERS)),
        ("POST", "/v1/vouchers", "", json!({"rule_id": "letter"}), To(STAFF)),
        ("GET", "/v1/vouchers/{voucher}", "", none.clone(), To(READERS)),
        ("GET", "/v1/program", "", none.clone(), To(READERS)),
        ("PUT", "/v1/program", "", json!({"name": "no program"}), To(STAFF)),
        ("GET", "/v1/program/versions", "", none.clone(), To(READERS)),
        ("GET", "/v1/program/versions/{version}", "", none.clone(), To(READERS)),
        ("GET", "/v1/program/presets", "", none.clone(), To(READERS)),
        ("GET", "/v1/program/presets/{preset}", "", none.clone(), To(READERS)),
        ("POST", "/v1/simulations", "", json!({"document": {"name": "no program"}}), To(STAFF)),
        ("GET", "/v1/keys", "", none.clone(), To(&[])),
        ("POST", "/v1/keys", "", json!({"scopes": ["jobs"]}), To(&[])),
        ("POST", "/v1/keys/{key}/rotation", "", json!({}), To(&[])),
        ("DELETE", "/v1/keys/{key}", "", none.clone(), To(&[])),
        ("GET", "/v1/webhooks", "", none.clone(), To(&[])),
        ("POST", "/v1/webhooks", "", json!({"url": "https://shop.example/hooks"}), To(&[])),
        ("POST", "/v1/webhooks/{webhook}/rotations", "", json!({}), To(&[])),
        ("DELETE", "/v1/webhooks/{webhook}", "", none.clone(), To(&[])),
        ("GET", "/v1/messages", "", none.clone(), To(&["staff", "jobs"])),
        ("POST", "/v1/messages/{message}/deliveries", "", json!({}), To(&["staff", "jobs"])),
        ("POST", "/v1/messages/{message}/receipts", "", json!({"channel": "sms", "status": "delivered"}), To(&["staff", "jobs"])),
        ("POST", "/v1/jobs/{job}/runs", "", json!({}), To(&["jobs"])),
        ("GET", "/v1/jobs/runs", "", none.clone(), To(&["staff", "jobs"])),
        ("GET", "/v1/jobs/set_aside", "", none.clone(), To(&["staff", "jobs"])),
        ("GET", "/v1/audit", "", none.clone(), To(&["staff", "jobs"])),
        ("GET", "/v1/rebuild", "", none.clone(), To(&["staff", "jobs"])),
        ("POST", "/v1/telegram/updates", "", json!({"update_id": 1}), BySecret("telegramSecret")),
        ("GET", "/healthz", "", none.clone(), ToAll),
        ("GET", "/readyz", "", none.clone(), ToAll),
        ("GET", "/openapi.json", "", none.clone(), ToAll),
        ("GET", "/program.schema.json", "", none, ToAll),
    ]
}

/// A path with its braces emptied: names of parameters are the document's own affair.
fn shape(path: &str) -> String {
    path.split('/').map(|part| if part.starts_with('{') { "{}" } else { part }).collect::<Vec<_>>().join("/")
}

#[test]
fn every_route_of_the_api_has_its_row() {
    let rows: BTreeSet<_> = table().into_iter().map(|(method, path, ..)| (method.to_owned(), shape(path))).collect();
    let routes: BTreeSet<_> = tests::routes::all().into_iter().map(|(method, path)| (method, shape(&path))).collect();
    assert_eq!(rows, routes);
}

#[test]
fn the_api_s_document_says_to_whom_each_route_is_open() {
    let document = tests::routes::document();
    for (method, path, _, _, open) in table() {
        let of_path = document["paths"].as_object().unwrap().iter().find(|(route, _)| shape(route) == shape(path));
        let call = &of_path.unwrap().1[method.to_lowercase()];
        let security = call["security"].as_array().unwrap_or_else(|| panic!("{method} {path} says who may call it"));
        let said: BTreeSet<_> = security.iter().filter_map(|scheme| scheme["bearer"][0].as_str()).collect();
        let scopes = match open {
            ToAll | BySecret(_) => BTreeSet::new(),
            To(scopes) | Own(scopes) | InMoscow(scopes) => scopes.iter().copied().chain(["admin"]).collect(),
        };
        let schemes: BTreeSet<_> = security.iter().filter_map(|scheme| scheme.as_object()?.keys().next()).collect();
        let other: Vec<_> = schemes.into_iter().filter(|name| !["bearer", "memberToken"].contains(&name.as_str())).collect();
        let secret: Vec<_> = if let BySecret(scheme) = open { vec![scheme] } else { Vec::new() };
        assert_eq!(other, secret, "{method} {path}");
        let by_token = security.iter().any(|scheme| scheme["memberToken"].is_array());
        assert_eq!(by_token, matches!(open, Own(_)), "{method} {path} with a member's token");
        assert_eq!(said, scopes, "{method} {path}");
        let refusals: &[&str] = match open {
            ToAll => &[],
            // Telegram is never told that it sends too much
            BySecret(_) => &["401"],
            To(_) | Own(_) | InMoscow(_) => &["401", "403", "429"],
        };
        for status in refusals {
            assert!(call["responses"][status].is_object(), "{method} {path} may come to {status}");
        }
    }
}

/// A shop in which everything that the table names is there.
struct Fixture {
    shop: Shop,
    keys: BTreeMap<Caller, Option<String>>,
    things: BTreeMap<&'static str, String>,
}

impl Fixture {
    async fn open() -> Self {
        let settings = [
            ("join_url", "https://shop.example/join"),
            ("telegram_token", "1:token"),
            ("telegram_secret", "secret-of-the-webhook"),
            ("telegram_key", "kk_of_the_bot"),
        ];
        let shop = Shop::with_settings("fixed", &settings).await;
        let mut document = shop.get("/v1/program").await.expect(200)["document"].clone();
        document["discounts"] = json!([{"id": "letter", "type": "percent", "rate": "10", "when": {"voucher": true}}]);
        shop.publish(&document).await.expect(200);
        let mut keys = BTreeMap::from([(Nobody, None), (Unknown, Some("kk_unknown".to_owned()))]);
        keys.insert(Admin, Some(tests::ADMIN_KEY.to_owned()));
        for caller in [Revoked, Storefront, TillOfMoscow, TillOfTver, Staff, Jobs] {
            let store = match caller {
                TillOfMoscow => Some("moscow"),
                TillOfTver => Some("tver"),
                _ => None,
            };
            let key = shop.key(&[caller.scope().unwrap_or("admin")], store).await;
            if caller == Revoked {
                shop.delete(&format!("/v1/keys/{}", key.id)).await.expect(200);
            }
            keys.insert(caller, Some(key.secret));
        }
        let body = json!({"scopes": ["admin"], "expires_at": "2026-01-15T09:00:30Z"});
        let expired = shop.post("/v1/keys", &body).await.expect(201);
        keys.insert(Expired, expired["key"].as_str().map(str::to_owned));
        shop.minutes_pass(1).await;

        let (anna, boris, double) = (
            shop.enrol("+7 900 000-00-01").await.id,
            shop.enrol("+7 900 000-00-02").await.id,
            shop.enrol("+7 900 000-00-03").await.id,
        );
        let leaver = shop.enrol("+7 900 000-00-04").await.id;
        for (caller, member) in [(TokenOfMember, &anna), (TokenOfOther, &boris)] {
            let given = shop.post(&format!("/v1/members/{member}/tokens"), &json!({"expires_in": 86_400})).await.expect(201);
            keys.insert(caller, given["token"].as_str().map(str::to_owned));
        }
        shop.post(&format!("/v1/members/{anna}/adjustments"), &json!({"points": "1000", "reason": "a gift"})).await.expect(201);
        let voucher =
            shop.post("/v1/vouchers", &json!({"rule_id": "letter"})).await.expect(201)["code"].as_str().unwrap().to_owned();
        let things = [("member", anna), ("other", boris), ("double", double), ("leaver", leaver), ("voucher", voucher)];
        let names = [("version", "1"), ("preset", "fixed"), ("job", "expire"), ("receipt", "receipt"), ("message", "msg_1")];
        let things = things.into_iter().chain(names.map(|(name, text)| (name, text.to_owned()))).collect();
        let fixture = Self { shop, keys, things };
        let mut receipt = cart(json!([line("1", "100.00")]));
        (receipt["id"], receipt["occurred_at"]) = ("receipt".into(), tests::BEGINNING.into());
        fixture.at_moscow("/v1/orders", &receipt).await;
        fixture
    }

    async fn at_moscow(&self, path: &str, body: &Value) -> Value {
        let till = self.keys[&TillOfMoscow].as_deref().expect("the till has a key");
        self.shop.post_with(till, path, body).await.expect(201)
    }

    /// What a row changes is new for it: an order and a redemption of the store in Moscow, a key.
    async fn renew(&mut self) {
        let member = json!({"id": self.things["member"]});
        let mut order = cart(json!([pieces("1", "100.00", 10)]));
        (order["id"], order["occurred_at"]) = (format!("order-{}", self.shop.number()).into(), tests::BEGINNING.into());
        order["member"] = member.clone();
        let order = self.at_moscow("/v1/orders", &order).await["order_id"].as_str().unwrap().to_owned();
        let hold = json!({"member": member, "order": cart(json!([line("1", "100.00")])), "points": "1"});
        let redemption = self.at_moscow("/v1/redemptions", &hold).await["id"].as_str().unwrap().to_owned();
        let key = self.shop.key(&["jobs"], None).await.id;
        let webhook = self.shop.post("/v1/webhooks", &json!({"url": "https://shop.example/hooks"})).await.expect(201);
        let webhook = webhook["id"].as_str().unwrap().to_owned();
        self.things.extend([("order", order), ("redemption", redemption), ("key", key), ("webhook", webhook)]);
    }

    fn filled(&self, text: &str) -> String {
        let filled = self.things.iter().fold(text.to_owned(), |text, (name, thing)| text.replace(&format!("{{{name}}}"), thing));
        filled.replace("{new}", &format!("new-{}", self.shop.number()))
    }

    async fn calls(&self, caller: Caller, method: &str, path: &str, body: &Value) -> Answer {
        let method: Method = method.parse().expect("a method");
        let body = (!body.is_null()).then(|| self.filled(&body.to_string()));
        let key = self.keys[&caller].as_deref();
        self.shop.send_with(key, method, &self.filled(path), body, Some(&self.shop.new_key())).await
    }
}

#[tokio::test]
async fn each_route_is_open_to_whom_it_should_be_and_to_nobody_else() {
    let mut fixture = Fixture::open().await;
    for (method, path, query, body, open) in table() {
        fixture.renew().await;
        let members = [fixture.things["member"].clone(), fixture.things["other"].clone()];
        let before = crate::repeats::state(&fixture.shop, &members).await;
        let mut refused = true;
        for caller in CALLERS {
            let what = format!("{caller:?} {method} {path}");
            let fate = open.fate(caller);
            if refused && fate == Fate::Through {
                refused = false;
                let after = crate::repeats::state(&fixture.shop, &members).await;
                assert_eq!(after, before, "{what}: those before changed something");
            }
            let answer = fixture.calls(caller, method, &format!("{path}{query}"), &body).await;
            let (status, text) = (answer.status.as_u16(), answer.text.clone());
            match fate {
                Fate::NoKey => drop(answer.refused(401, "unauthorized")),
                Fate::NoScope => drop(answer.refused(403, "scope_missing")),
                Fate::Hidden => {
                    assert_eq!(status, 404, "{what}: {text}");
                    // the same words as for what was never there
                    let mut elsewhere = fixture.things.clone();
                    elsewhere.extend([
                        ("order", "none".to_owned()),
                        ("redemption", "red_1".to_owned()),
                        ("receipt", "none".to_owned()),
                    ]);
                    let of_nothing = std::mem::replace(&mut fixture.things, elsewhere);
                    let nothing = fixture.calls(caller, method, &format!("{path}{query}"), &body).await;
                    fixture.things = of_nothing;
                    assert_eq!(nothing.text, text, "{what}");
                }
                Fate::Through => {
                    assert!(![401, 403, 404].contains(&status), "{what}: {status} {text}");
                    assert!(status < 500, "{what}: {text}");
                }
            }
        }
    }
    fixture.shop.audit_is_clean().await;
}

/// Whoever has no key does not learn what is wrong with the body either.
#[tokio::test]
async fn whoever_has_no_key_learns_nothing() {
    let fixture = Fixture::open().await;
    for (method, path, _, _, open) in table() {
        if open == ToAll {
            continue;
        }
        for key in [None, Some("kk_unknown"), Some("")] {
            let method: Method = method.parse().expect("a method");
            let answer =
                fixture.shop.send_with(key, method, &shape(path).replace("{}", "none"), Some("no JSON".to_owned()), None).await;
            answer.refused(401, "unauthorized");
        }
    }
}
