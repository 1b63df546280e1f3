//! Rules that trap, loop, allocate without end or contradict themselves: whoever asked is told so, nothing is written, and
//! nobody else notices. All in one thread: what does not give way to others would stop them here.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::{Answer, Shop, tenant};

/// A looping component is stopped after 5 seconds of computing, later on a busy machine; after 30 seconds in any case.
const STOPPED_AFTER: std::ops::Range<Duration> = Duration::from_secs(4)..Duration::from_secs(35);
/// By then nobody is sent to its instance any more: a fifth of a second of computing, and time to begin.
const NOTICED_AFTER: Duration = Duration::from_secs(1);
/// How long somebody else's request may take meanwhile, on a busy machine.
const NOBODY_WAITS: Duration = Duration::from_secs(5);

async fn shop() -> Shop {
    let manifest = tenant::built("tests/misbehaving-rules").await.expect("the rules are built");
    Shop::of_tenant(&manifest, "fixed", tests::BEGINNING).await
}

/// Enough that some instance answers several of them, on a busy machine too.
const QUOTES: usize = 20;

/// Lines of an order that tell the rules what to do.
fn lines(word: &str) -> Value {
    json!([{"id": "1", "sku": word, "quantity": 1, "price": "1000.00"}, {"id": "2", "sku": "more", "quantity": 1, "price": "500.00"}])
}

/// A refusal that says when it is worth while to ask again.
#[track_caller]
fn stopped(answer: Answer) {
    assert_eq!(answer.content_type, "application/problem+json");
    assert_eq!(answer.retry_after.as_deref(), Some("2"), "{}", answer.text);
    answer.refused(503, "component_stopped");
}

#[tokio::test]
async fn rules_that_trap_answer_503_and_harm_nothing_else() {
    let shop = shop().await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    anna.is_given("100").await;
    let before = (shop.counts().await, anna.books().await);
    for word in ["trap", "allocate", "recurse", "hand-out"] {
        let order = anna.order(lines(word));
        stopped(anna.orders(&order).await);
        stopped(shop.post("/v1/quotes", &json!({"member": {"id": anna.id}, "order": tests::cart(lines(word))})).await);
        stopped(anna.redeems("50", lines(word)).await);
        assert_eq!((shop.counts().await, anna.books().await), before, "{word}");

        // the next one has another instance
        assert_eq!(anna.quote(lines("drill")).await["earn"]["points"], "45.00", "after {word}");
    }
    assert_eq!(anna.buys(lines("drill")).await["earned"]["points"], "45.00");
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn rules_that_loop_are_stopped_and_nobody_waits_for_them() {
    let shop = shop().await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    for word in ["loop", "allocate-on"] {
        let begun = Instant::now();
        let order = anna.order(lines(word));
        let looping = async {
            stopped(anna.orders(&order).await);
            begun.elapsed()
        };
        let others = async {
            let mut longest = Duration::ZERO;
            tokio::time::sleep(NOTICED_AFTER).await;
            while begun.elapsed() < STOPPED_AFTER.start {
                let asked = Instant::now();
                anna.balance().await; // of another component
                anna.buys(lines("drill")).await; // of the same
                longest = longest.max(asked.elapsed());
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            longest
        };
        let (elapsed, longest) = tokio::join!(looping, others);
        println!("{word}: stopped after {elapsed:?}; others waited for {longest:?} at most");
        assert!(STOPPED_AFTER.contains(&elapsed), "{word}: {elapsed:?}");
        assert!(longest < NOBODY_WAITS, "{word}: {longest:?}");
        let id = order["id"].as_str().unwrap();
        shop.takes_back(id, "none", None).await.refused(404, "order_not_found");
    }
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn a_document_that_stops_the_rules_is_not_published() {
    let shop = shop().await;
    let mut document = shop.get("/v1/program").await.expect(200)["document"].clone();
    for word in ["trap", "allocate"] {
        document["name"] = word.into();
        stopped(shop.publish(&document).await);
    }
    assert_eq!(shop.get("/v1/program").await.expect(200)["version"], 1);
    document["name"] = "quiet".into();
    shop.publish(&document).await.expect(200);
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn a_judgement_that_contradicts_itself_is_not_believed() {
    let shop = shop().await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    anna.is_given("100").await;
    let before = (shop.counts().await, anna.books().await);
    for word in ["earn-more-than-granted", "share-with-nobody", "forget-a-line", "grant-too-much"] {
        anna.orders(&anna.order(lines(word))).await.refused(500, "rules_inconsistent");
        assert_eq!((shop.counts().await, anna.books().await), before, "{word}");
    }
    for word in ["forget-a-line", "take-more-than-asked"] {
        anna.redeems("50", lines(word)).await.refused(500, "rules_inconsistent");
        anna.redeems("max", lines(word)).await.refused(500, "rules_inconsistent");
        assert_eq!((shop.counts().await, anna.books().await), before, "{word}");
    }
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn a_receipt_is_not_claimed_at_other_discounts_than_it_was_paid_with() {
    let shop = shop().await;
    let mut document = shop.get("/v1/program").await.expect(200)["document"].clone();
    document["discounts"] = json!([{"id": "for-all", "type": "percent", "rate": "10"}]);
    shop.publish(&document).await.expect(200);
    let anna = shop.enrol("+7 900 000-00-01").await;
    let receipt = |word: &str| {
        let mut order = tests::cart(lines(word));
        (order["id"], order["occurred_at"]) = (word.into(), shop.now().into());
        order
    };
    for word in ["settle-more", "settle-elsewhere", "settle-nothing"] {
        let order = shop.post("/v1/orders", &receipt(word)).await.expect(201);
        assert_eq!(order["payable"], "1350.00", "{order}");
        let before = (shop.counts().await, anna.books().await);
        let claim = json!({"order_id": word, "member": {"id": anna.id}});
        shop.post("/v1/orders/claims", &claim).await.refused(500, "rules_inconsistent");
        assert_eq!((shop.counts().await, anna.books().await), before, "{word}");
    }
    shop.post("/v1/orders", &receipt("drill")).await.expect(201);
    let claimed = shop.post("/v1/orders/claims", &json!({"order_id": "drill", "member": {"id": anna.id}})).await.expect(201);
    assert_eq!((&claimed["payable"], &claimed["earned"]["points"]), (&json!("1350.00"), &json!("40.50")), "{claimed}");
    shop.audit_is_clean().await;
}

/// What the instance that answers has (parsed, judged) so far, this quote included.
async fn counts(member: &tests::Member<'_>) -> (u32, u32) {
    let quote = member.quote(lines("count")).await;
    let told = quote["explanation"].as_array().unwrap().iter().find(|said| said["rule_id"] == "instance").unwrap();
    let (parsed, rest) = told["reason"].as_str().unwrap().split_once(" parsed, ").unwrap();
    (parsed.parse().unwrap(), rest.strip_suffix(" judged").unwrap().parse().unwrap())
}

#[tokio::test]
async fn an_instance_parses_a_program_once_however_often_it_is_asked() {
    let shop = shop().await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let mut judged_most = 0;
    for _ in 0..QUOTES {
        let (parsed, judged) = counts(&anna).await;
        assert_eq!(parsed, 1, "after {judged} judgements");
        judged_most = judged_most.max(judged);
    }
    // an instance that is idle for a second is thrown away, but not after each quote
    assert!(judged_most > 1, "every quote had an instance of its own");

    let mut document = shop.get("/v1/program").await.expect(200)["document"].clone();
    document["name"] = "another".into();
    shop.publish(&document).await.expect(200);
    for _ in 0..QUOTES {
        let (parsed, judged) = counts(&anna).await;
        assert!(parsed <= 2, "{parsed} after {judged} judgements: the old program and the new one");
    }
}

#[tokio::test]
async fn rules_that_ask_for_anything_of_the_host_are_refused_at_the_start_by_its_name() {
    for (name, import) in [("clocks", "wasi:clocks/wall-clock@0.2.0"), ("sqlite", "spin:sqlite/sqlite@3.1.0")] {
        let folder = tempfile::TempDir::new().unwrap();
        let file = folder.path().join("rules.wasm");
        std::fs::write(&file, wat::parse_str(format!("(component (import \"{import}\" (instance)))")).unwrap()).unwrap();
        let manifest = tenant::with_rules(&format!("asking-for-{name}"), &file).await;
        let refused = Shop::does_not_start(&manifest).await;
        assert!(refused.contains(&format!("\"rules\" imports {import:?}")), "{refused}");
    }
}
