//! A store that is down, full or can't be opened: whoever asks is told to ask again, nothing is half done, and when the
//! store is back everything goes on without a restart.

use host::{Condition, Faults};
use http::Method;
use serde_json::{Value, json};
use tests::{Answer, Shop, cart, line};

use crate::repeats::{Mutation, mutations, state};

/// More adjustments than there is room for in a file that can't grow.
const MOST_ADJUSTMENTS: usize = 2_000;

/// A shop, every mutation that the API has, and the members whose books they move.
async fn shop() -> (Shop, Vec<Mutation>, Vec<String>) {
    let shop = Shop::with_faults("fixed", Faults::default()).await;
    shop.faults().switch(true);
    let (mutations, members) = mutations(&shop).await;
    (shop, mutations, members)
}

/// Everything that the store is kept for, as it is now.
async fn everything(shop: &Shop, members: &[String]) -> Vec<Value> {
    let mut everything = state(shop, members).await;
    everything.push(crate::privacy::people(shop).into());
    everything
}

/// Questions of every component that only the store can answer.
fn questions(member: &str) -> Vec<(Method, String, Option<String>)> {
    let get = |path: String| (Method::GET, path, None);
    let quote = json!({"member": {"id": member}, "order": cart(json!([line("1", "1000.00")]))});
    vec![
        (Method::POST, "/v1/quotes".to_owned(), Some(quote.to_string())),
        get(format!("/v1/members/{member}")),
        get("/v1/members?phone=89000000001".to_owned()),
        get(format!("/v1/members/{member}/balance")),
        get(format!("/v1/members/{member}/entries")),
        get("/v1/program".to_owned()),
        get("/v1/program/versions".to_owned()),
        get("/v1/program/versions/1".to_owned()),
        get("/v1/audit".to_owned()),
    ]
}

/// 503 with a time after which it is worth while to ask again.
#[track_caller]
fn unavailable(answer: Answer) {
    let seconds: Option<u32> = answer.retry_after.as_deref().and_then(|seconds| seconds.parse().ok());
    assert!(seconds.is_some_and(|seconds| seconds > 0), "{:?} {}", answer.retry_after, answer.text);
    answer.refused(503, "store_unavailable");
}

async fn nothing_is_answered(shop: &Shop, mutations: &[Mutation], members: &[String]) {
    for mutation in mutations {
        unavailable(mutation.send(shop).await);
    }
    for (method, path, body) in questions(&members[0]) {
        unavailable(shop.send(method, &path, body, None).await);
    }
    for job in ["holds", "activate", "expire", "migrate"] {
        unavailable(shop.send(Method::POST, &format!("/v1/jobs/{job}/runs"), None, None).await);
    }
    // whoever has a key can't be told from others, and a key that nobody has is not called unknown
    unavailable(shop.get_with("kk_unknown", "/v1/program").await);
}

async fn everything_is_answered(shop: &Shop, members: &[String]) {
    for (method, path, body) in questions(&members[0]) {
        shop.send(method, &path, body, None).await.expect(200);
    }
}

/// Every mutation, sent again under the key that it was refused under, happens for the first time.
async fn everything_goes_on(shop: &Shop, mutations: &[Mutation]) {
    for mutation in mutations {
        let answer = mutation.send(shop).await;
        assert!(answer.status.is_success() && !answer.replayed, "{mutation:?}: {}", answer.text);
    }
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn while_a_store_is_down_every_call_is_told_to_come_again() {
    let (shop, mutations, members) = shop().await;
    let before = everything(&shop, &members).await;
    shop.faults().stores_are(Condition::Down);
    nothing_is_answered(&shop, &mutations, &members).await;
    unavailable(shop.send(Method::POST, "/v1/jobs/sweep/runs", None, None).await);
    shop.faults().stores_are(Condition::Working);
    assert_eq!(everything(&shop, &members).await, before);
    everything_is_answered(&shop, &members).await;
    everything_goes_on(&shop, &mutations).await;
}

#[tokio::test]
async fn a_full_store_answers_questions_and_changes_nothing() {
    let (shop, mutations, members) = shop().await;
    let before = everything(&shop, &members).await;
    shop.faults().stores_are(Condition::Full);
    for mutation in &mutations {
        unavailable(mutation.send(&shop).await);
    }
    everything_is_answered(&shop, &members).await;
    assert_eq!(everything(&shop, &members).await, before);
    shop.faults().stores_are(Condition::Working);
    everything_goes_on(&shop, &mutations).await;
}

/// SQLite's own error, where the one before is a trial's: of the embedded store.
#[tokio::test]
async fn a_file_that_cannot_grow_loses_nothing_and_goes_on_when_there_is_room() {
    let (shop, mutations, members) = shop().await;
    if shop.server("default").is_some() {
        return eprintln!("skipped: this shop's store is no file");
    }
    let path = format!("/v1/members/{}/adjustments", members[0]);
    let gift = json!({"points": "1", "reason": "x".repeat(500)});
    shop.faults().disk_is_full(true);
    let mut given = 0;
    let refused = loop {
        let key = format!("gift-{given}");
        let answer = shop.post_as(&key, &path, &gift).await;
        if answer.status != 201 {
            unavailable(answer);
            break key;
        }
        given += 1;
        assert!(given < MOST_ADJUSTMENTS, "a file that can't grow has no end");
    };
    let before = everything(&shop, &members).await;
    for _ in 0..3 {
        unavailable(shop.post_as(&refused, &path, &gift).await);
    }
    everything_is_answered(&shop, &members).await;
    assert_eq!(everything(&shop, &members).await, before);
    shop.audit_is_clean().await;

    shop.faults().disk_is_full(false);
    let answer = shop.post_as(&refused, &path, &gift).await;
    assert!(!answer.replayed, "{}", answer.text);
    answer.expect(201);
    everything_goes_on(&shop, &mutations).await;
}

/// Of the embedded store.
#[tokio::test]
async fn a_file_that_cannot_be_opened_is_a_store_that_is_down() {
    let (shop, mutations, members) = shop().await;
    if shop.server("default").is_some() {
        return eprintln!("skipped: this shop's store is no file");
    }
    let before = everything(&shop, &members).await;
    let (file, away) = (shop.data().join("default.db"), shop.data().join("away.db"));
    std::fs::rename(&file, &away).unwrap();
    std::fs::create_dir(&file).unwrap();
    shop.faults().drop_connections();
    nothing_is_answered(&shop, &mutations, &members).await;
    std::fs::remove_dir(&file).unwrap();
    std::fs::rename(&away, &file).unwrap();
    assert_eq!(everything(&shop, &members).await, before);
    everything_is_answered(&shop, &members).await;
    everything_goes_on(&shop, &mutations).await;
}

#[tokio::test]
async fn a_connection_that_was_idle_for_too_long_is_opened_again_without_a_word() {
    let (shop, mutations, _) = shop().await;
    for mutation in &mutations {
        shop.faults().drop_connections();
        let answer = mutation.send(&shop).await;
        assert!(answer.status.is_success() && !answer.replayed, "{mutation:?}: {}", answer.text);
    }
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn a_person_whose_enrolment_broke_off_is_taken_back() {
    let shop = Shop::with_faults("fixed", Faults { lost_answers: 1_000, ..Faults::default() }).await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let boris = json!({"phone": "+7 900 000-00-02", "channel": "site"});
    let breaks_off = async || {
        shop.faults().switch(true);
        unavailable(shop.post_as("the-enrolment", "/v1/members", &boris).await);
        shop.faults().switch(false);
        crate::privacy::people(&shop)
    };
    // the books were never asked: what each try wrote goes at once
    assert_eq!((breaks_off().await, shop.counts().await["accounts"].clone()), (1, json!(1)));
    // as if they had been asked, and nobody had learnt what they said
    let now = shop.number_in("people", "SELECT created_at FROM person");
    let stranger =
        "SELECT id + 1, member_id + 1, sealed, likeness, created_at FROM person WHERE id = (SELECT max(id) FROM person)";
    let breaks_off_later = || {
        shop.change_in(
            "people",
            &format!("INSERT INTO person (id, member_id, sealed, likeness, created_at) {stranger} RETURNING created_at - {now}"),
        )
    };
    breaks_off_later();
    assert_eq!(shop.run_job("sweep").await["processed"], 0, "the enrolment may still be under way");
    shop.minutes_pass(61).await;
    assert_eq!(shop.run_job("sweep").await, json!({"processed": 2, "remaining": 0, "next_cursor": null}));
    assert_eq!(crate::privacy::people(&shop), 1);
    assert_eq!(shop.run_job("sweep").await["processed"], 0, "each person is looked at once");

    // by the schedule
    let boris = shop.post_as("the-enrolment", "/v1/members", &boris).await.expect(201);
    breaks_off_later();
    assert_eq!(crate::privacy::people(&shop), 3);
    shop.days_pass(2).await;
    assert_eq!(crate::privacy::people(&shop), 2);
    for member in [&anna.id, boris["id"].as_str().unwrap()] {
        let shown = shop.get(&format!("/v1/members/{member}")).await.expect(200);
        assert!(shown["phone"].is_string(), "{shown}");
    }
    shop.audit_is_clean().await;
}

/// The document of the program is read last, and only where no cache has it: of the embedded key-value store.
#[tokio::test]
async fn an_audit_that_breaks_off_is_no_finding() {
    let shop = Shop::with_faults("fixed", Faults { seed: 1, errors: 400, ..Faults::default() }).await;
    let mut document = shop.get("/v1/program").await.expect(200)["document"].clone();
    let mut broken_off = 0;
    for version in 2..14 {
        document["name"] = format!("version {version}").into();
        shop.publish(&document).await.expect(200);
        let cache = rusqlite::Connection::open(shop.data().join("key-value.db")).unwrap();
        assert!(cache.execute("DELETE FROM spin_key_value", []).unwrap() > 0, "the program was cached");
        shop.faults().switch(true);
        loop {
            let answer = shop.get("/v1/audit").await;
            if answer.status == 200 {
                assert_eq!(answer.json["ok"], true, "{}", answer.text);
                break;
            }
            unavailable(answer);
            broken_off += 1;
        }
        shop.faults().switch(false);
    }
    assert!(broken_off > 0, "some audit broke off");
}
