//! Personal data lies sealed in a store of its own; the books know nobody.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tests::{Member, Shop, line};

/// How many rows a table of the books has.
pub fn rows_of(shop: &Shop, table: &str) -> i64 {
    count(shop, "default", table)
}

/// How many persons are kept.
pub fn people(shop: &Shop) -> i64 {
    count(shop, "people", "person")
}

fn count(shop: &Shop, database: &str, table: &str) -> i64 {
    shop.number_in(database, &format!("SELECT count(*) FROM {table}"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[tokio::test]
async fn nothing_personal_lies_in_the_clear() {
    let shop = Shop::open("gw-tools").await;
    let body = json!({
        "phone": "+7 901 234-56-78", "email": "Anna.Petrova@example.com", "card": "9876 5432 1098", "telegram": "@anna_petrova",
        "external_id": "crm-441122", "first_name": "Аннушка", "last_name": "Петрова-Водкина", "birthday": "1990-02-28",
        "dates": [{"name": "Сонечка", "date": "2019-05-05"}], "channel": "site", "attributes": {"pet": "Барсик"},
    });
    let member = shop.post_as("the-enrolment", "/v1/members", &body).await;
    let repeated = shop.post_as("the-enrolment", "/v1/members", &body).await;
    assert_eq!(member.text, repeated.text, "the answer holds personal data, and is kept all the same");
    let member = member.expect(201);
    assert_eq!(member["phone"], "+79012345678");
    let id = member["id"].as_str().unwrap();
    for reference in
        [json!({"phone": "89012345678"}), json!({"email": "anna.petrova@EXAMPLE.com"}), json!({"card": "987654321098"})]
    {
        let order = tests::cart(json!([tests::line("1", "1000.00")]));
        shop.post("/v1/quotes", &json!({"member": reference, "order": order})).await.expect(200);
    }
    let mut order = tests::cart(json!([tests::line("1", "1000.00")]));
    order["id"] = "order-1".into();
    order["occurred_at"] = shop.now().into();
    order["member"] = json!({"phone": "+7 901 234-56-78"});
    assert_eq!(shop.post("/v1/orders", &order).await.expect(201)["member_id"], id);
    shop.post("/v1/members", &body).await.refused(409, "identity_taken");
    let secrets = [
        "79012345678",
        "9012345678",
        "901 234",
        "Anna.Petrova",
        "anna.petrova",
        "example.com",
        "987654321098",
        "9876 5432",
        "anna_petrova",
        "crm-441122",
        "Аннушка",
        "Петрова",
        "1990-02-28",
        "Сонечка",
        "Барсик",
    ];
    for database in ["default", "people"] {
        let bytes = shop.bytes_of(database);
        assert!(bytes.len() > 4_096, "{database} is read");
        for secret in secrets {
            assert!(!holds(&bytes, secret), "{secret} lies in the clear in {database}");
        }
    }
    assert!(holds(&shop.bytes_of("default"), "order-1"), "what is not secret is found this way");
    let shown = shop.get(&format!("/v1/members/{id}")).await.expect(200);
    assert_eq!((&shown["first_name"], &shown["attributes"]["pet"]), (&json!("Аннушка"), &json!("Барсик")));
}

#[tokio::test]
async fn a_refused_enrolment_leaves_nobody_behind() {
    let shop = Shop::open("gw-tools").await;
    shop.enrol("+7 900 000-00-01").await;
    shop.post("/v1/members", &json!({"phone": "+7 900 000-00-01", "channel": "till"})).await.refused(409, "identity_taken");
    shop.post("/v1/members", &json!({"phone": "no phone", "channel": "till"})).await.refused_at(422, "/phone");
    assert_eq!((people(&shop), rows_of(&shop, "member")), (1, 1));
}

#[tokio::test]
async fn of_a_thousand_people_nothing_personal_reaches_the_books() {
    let shop = Shop::open("gw-tools").await;
    let mut told = Vec::new();
    for n in 0..1_000 {
        let body = json!({
            "phone": format!("+7900{:07}", n * 9_973), "email": format!("person{n}x@mail{n}.example"), "card": format!("CARD{n:06}X"),
            "first_name": format!("Firstname{n}q"), "last_name": format!("Lastname{n}q"), "birthday": "1990-02-28",
            "channel": "site", "consents": {"sms": true}, "attributes": {"pet": format!("Petname{n}q")},
        });
        shop.post("/v1/members", &body).await.expect(201);
        for field in ["phone", "email", "card", "first_name", "last_name"] {
            told.push(body[field].as_str().unwrap().trim_start_matches('+').to_owned());
        }
        told.push(format!("Petname{n}q"));
    }
    let bytes = shop.bytes_of("default");
    let words: std::collections::HashSet<&[u8]> =
        bytes.split(|byte| !(byte.is_ascii_alphanumeric() || b"@.".contains(byte))).collect();
    let told_of = |secret: &String| words.contains(secret.as_bytes());
    assert_eq!(told.iter().filter(|secret| told_of(secret)).collect::<Vec<_>>(), Vec::<&String>::new());
    // the same by every byte, of some of them: hashing words finds only whole ones
    for secret in told.iter().step_by(300) {
        assert!(!holds(&bytes, secret), "{secret}");
    }
    // nor a hash that anybody can try out: of a body with a phone there are not many
    let body = json!({"phone": "+79000000000", "channel": "till"}).to_string();
    shop.send(http::Method::POST, "/v1/members", Some(body.clone()), Some("known-body")).await;
    let plain = hex(&Sha256::digest(format!("POST\n/v1/members\n{body}")));
    assert!(!holds(&shop.bytes_of("default"), &plain), "a plain hash of a request");
    assert_eq!(rows_of(&shop, "identity"), 3_000, "what was told is known by its hashes");
}

#[tokio::test]
async fn an_erased_person_is_gone_and_the_numbers_stay() {
    let shop = Shop::open("gw-tools").await;
    let body = json!({"phone": "+79000000001", "email": "anna@example.com", "first_name": "Anna", "channel": "site"});
    let enrolled = shop.post_as("enrolment", "/v1/members", &body).await.expect(201);
    let anna = Member::of(&shop, enrolled["id"].as_str().unwrap());
    let twin = shop.enrol("+79000000002").await;
    shop.post(&format!("/v1/members/{}/merges", anna.id), &json!({"from": twin.id})).await.expect(201);
    let order = anna.buys(json!([line("1", "5000.00")])).await;
    shop.patch(&format!("/v1/members/{}", anna.id), &json!({"last_name": "Petrova"})).await.expect(200);
    let path = format!("/v1/members/{}", anna.id);
    let (books, entries, audited) = (anna.books().await, anna.entries().await.len(), shop.get("/v1/audit").await.expect(200));
    let storefront = shop.key(&["storefront", "staff"], None).await;
    let refused = shop.send_with(Some(&storefront.secret), http::Method::DELETE, &path, None, Some("not-mine")).await;
    refused.refused(403, "scope_missing");
    let erased = shop.send(http::Method::DELETE, &path, None, Some("erase")).await.expect(200);
    assert_eq!((&erased["id"], &erased["status"]), (&json!(anna.id), &json!("erased")));
    assert_eq!(people(&shop), 0, "also what was written of whoever was merged into her");
    // by nothing of hers is anybody found, and nothing more is done for her
    for query in ["phone=%2B79000000001", "email=anna@example.com", "phone=%2B79000000002"] {
        shop.get(&format!("/v1/members?{query}")).await.refused(404, "member_not_found");
    }
    for gone in [path.clone(), format!("{path}/export"), format!("/v1/members/{}", twin.id)] {
        shop.get(&gone).await.refused(410, "member_erased");
    }
    let some = anna.order(json!([line("1", "10.00")]));
    for (call, body) in [
        (format!("{path}/adjustments"), json!({"points": "1", "reason": "x"})),
        (format!("{path}/consents"), json!({"channel": "sms", "granted": true, "source": "x"})),
        (format!("{path}/acceptances"), json!({"rules_version": "1"})),
        ("/v1/orders".to_owned(), some),
        (
            "/v1/redemptions".to_owned(),
            json!({"member": {"id": anna.id}, "order": tests::cart(json!([line("1", "10.00")])), "points": "1"}),
        ),
    ] {
        shop.post(&call, &body).await.refused(410, "member_erased");
    }
    shop.patch(&path, &json!({"first_name": "B"})).await.refused(410, "member_erased");
    shop.post_as("enrolment", "/v1/members", &body).await.refused(410, "person_erased");
    assert_eq!(shop.send(http::Method::DELETE, &path, None, Some("erase")).await.expect(200), erased, "again");
    shop.delete(&path).await.refused(410, "member_erased");
    // the numbers
    assert_eq!((anna.books().await, anna.entries().await.len()), (books, entries));
    assert_eq!(shop.get("/v1/audit").await.expect(200), audited);
    shop.takes_back(order["order_id"].as_str().unwrap(), "back", None).await.expect(201);
    // the same phone is somebody new
    let anew = shop.post("/v1/members", &body).await.expect(201);
    assert_ne!(anew["id"], anna.id.as_str());
    shop.audit_is_clean().await;
}

#[tokio::test]
async fn an_erasure_that_broke_off_between_the_stores_is_brought_to_its_end() {
    let shop = Shop::open("gw-tools").await;
    let anna = shop.enrol("+79000000001").await;
    let sealed = shop.text_in("people", "SELECT sealed FROM person");
    shop.delete(&format!("/v1/members/{}", anna.id)).await.expect(200);
    // as if the second store had not answered
    let member = i64::from_str_radix(anna.id.trim_start_matches("mem_"), 16).expect("an id");
    let again = format!(
        "INSERT INTO person (id, member_id, sealed, likeness, created_at) VALUES ({member}, {member}, '{sealed}', NULL, 0) RETURNING 1"
    );
    shop.change_in("people", &again);
    assert_eq!(people(&shop), 1);
    shop.run_job("sweep").await;
    assert_eq!(people(&shop), 0);
}

#[tokio::test]
async fn everything_about_a_person_is_taken_out_as_one_document_and_that_is_noted() {
    let shop = Shop::open("gw-tools").await;
    let body = json!({
        "phone": "+79000000001", "first_name": "Anna", "channel": "till", "consents": {"sms": true},
        "accepts": {"rules_version": "1"}, "referral_code": "FRIEND", "attributes": {"pet": "cat"},
    });
    let enrolled = shop.post("/v1/members", &body).await.expect(201);
    let anna = Member::of(&shop, enrolled["id"].as_str().unwrap());
    let path = format!("/v1/members/{}", anna.id);
    shop.patch(&path, &json!({"first_name": "Anya"})).await.expect(200);
    let order = anna.buys(json!([line("1", "5000.00")])).await;
    shop.takes_back(order["order_id"].as_str().unwrap(), "back", None).await.expect(201);
    let taken = shop.get(&format!("{path}/export")).await.expect(200);
    assert_eq!(taken["member"], shop.get(&path).await.expect(200));
    assert_eq!(taken["member"]["first_name"], "Anya");
    let first_names: Vec<&Value> = taken["profile_history"].as_array().unwrap().iter().map(|was| &was["first_name"]).collect();
    assert_eq!(first_names, ["Anna", "Anya"]);
    assert_eq!(taken["referred_with"], "FRIEND");
    assert_eq!((&taken["consents"][0]["channel"], &taken["acceptances"][0]["rules_version"]), (&json!("sms"), &json!("1")));
    let bought = &taken["orders"][0];
    assert_eq!(
        (&bought["id"], &bought["payable"], &bought["lines"][0]["sku"]),
        (&order["order_id"], &json!("5000.00"), &json!("sku-1"))
    );
    assert_eq!(bought["returns"][0]["return_id"], "back");
    assert_eq!(taken["entries"].as_array().unwrap().len(), anna.entries().await.len());
    assert!(taken["messages"].as_array().unwrap().iter().any(|told| told["kind"] == "member.enrolled"));
    assert_eq!(taken["privacy_log"], json!([]), "nobody had looked before");
    let again = shop.get(&format!("{path}/export")).await.expect(200);
    assert_eq!((&again["privacy_log"][0]["kind"], &again["privacy_log"][0]["at"]), (&json!("export"), &json!(shop.now())));
    let staff = shop.key(&["staff"], None).await;
    shop.get_with(&staff.secret, &format!("{path}/export")).await.refused(403, "scope_missing");
}

#[tokio::test]
async fn a_new_key_seals_while_the_old_one_still_opens_until_everything_is_sealed_anew() {
    const NEW: &str = "another-people-key-of-the-tests";
    let shop = Shop::open("gw-tools").await;
    for n in 1..=2 {
        shop.enrol(&format!("+7900000000{n}")).await;
    }
    let body = json!({"phone": "+79000000003", "channel": "site"});
    let answered = shop.post_as("before", "/v1/members", &body).await.text;
    const OLD: &str = tests::PEOPLE_KEY;
    // whoever forgets the key of identities is told so, before anybody gets lost
    let shop = shop.restart_with(&[("people_key", NEW), ("people_key_previous", OLD)]).await;
    shop.get("/v1/members?phone=%2B79000000001").await.refused(500, "not_configured");
    let both = [("people_key", NEW), ("people_key_previous", OLD), ("identity_key", OLD)];
    let shop = shop.restart_with(&both).await;
    let found = async |shop: &Shop| shop.get("/v1/members?phone=%2B79000000001").await.expect(200)["phone"].clone();
    assert_eq!(found(&shop).await, "+79000000001");
    shop.enrol("+79000000004").await;
    assert_eq!(shop.run_job("reseal").await, json!({"processed": 3, "remaining": 0, "next_cursor": null}));
    assert_eq!(shop.run_job("reseal").await["processed"], 0);
    let shop = shop.restart_with(&[("people_key", NEW), ("identity_key", OLD)]).await;
    assert_eq!(found(&shop).await, "+79000000001");
    assert_eq!(shop.post_as("before", "/v1/members", &body).await.text, answered, "byte for byte");
    let other = shop.restart_with(&[("people_key", OLD), ("identity_key", OLD)]).await;
    other.get("/v1/members?phone=%2B79000000001").await.refused(500, "people_unreadable");
}

#[tokio::test]
async fn whom_no_key_opens_keeps_nobody_behind_them_from_being_sealed_anew() {
    const NEW: &str = "another-people-key-of-the-tests";
    let shop = Shop::open("gw-tools").await;
    for n in 1..=3 {
        shop.enrol(&format!("+7900000000{n}")).await;
    }
    // as many as a run takes, before the others: of a key that nobody has, and of ours, but spoilt
    let spoilt = |first: u32, key: &str| {
        format!(
            "WITH RECURSIVE n (id) AS (SELECT {first} UNION ALL SELECT id + 1 FROM n WHERE id < {first} + 99)
             INSERT INTO person (id, member_id, sealed, likeness, created_at) SELECT id, id, {key} || 'spoilt', NULL, 0 FROM n RETURNING 1"
        )
    };
    shop.change_in("people", &spoilt(1, "'00000000'"));
    shop.change_in("people", &spoilt(1_001, "(SELECT substr(sealed, 1, 8) FROM person WHERE id = (SELECT max(id) FROM person))"));
    assert_eq!(people(&shop), 203);
    let both = [("people_key", NEW), ("people_key_previous", tests::PEOPLE_KEY), ("identity_key", tests::PEOPLE_KEY)];
    let shop = shop.restart_with(&both).await;
    assert_eq!(shop.run_job("reseal").await, json!({"processed": 3, "remaining": 200, "next_cursor": null}));
    assert_eq!(shop.run_job("reseal").await, json!({"processed": 0, "remaining": 200, "next_cursor": null}));
    let shop = shop.restart_with(&[("people_key", NEW), ("identity_key", tests::PEOPLE_KEY)]).await;
    assert_eq!(shop.get("/v1/members?phone=%2B79000000003").await.expect(200)["phone"], "+79000000003");
    assert_eq!(shop.run_job("reseal").await["remaining"], 200, "without the old key they are counted all the same");
}

#[tokio::test]
async fn a_value_of_the_wrong_type_is_not_repeated_in_the_answer() {
    let shop = Shop::open("gw-tools").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let consent = format!("/v1/members/{}/consents", anna.id);
    let order = anna.order(json!([line("1", "1000.00")]));
    let quote = json!({"member": {"id": anna.id}, "order": tests::cart(json!([line("1", "1000.00")]))});
    let enrolment = json!({"phone": "+7 900 000-00-02", "channel": "site"});
    let phones = [
        json!("+7 901 234-56-78"),
        json!("+79012345678"),
        json!("+79012345678, expected a boolean"),
        json!("+79012345678 at line 1"),
        json!(79_012_345_678_i64),
    ];
    let before = shop.counts().await;
    for phone in &phones {
        for (path, body, place) in [
            ("/v1/members", &enrolment, "consents"),
            ("/v1/members", &enrolment, "dates"),
            ("/v1/members", &enrolment, "attributes"),
            ("/v1/members", &enrolment, "accepts"),
            (consent.as_str(), &json!({"channel": "sms", "source": "x"}), "granted"),
            ("/v1/orders", &order, "member"),
            ("/v1/orders", &order, "lines"),
            ("/v1/quotes", &quote, "member"),
            ("/v1/quotes", &quote, "order"),
        ] {
            let mut body = body.clone();
            body[place] = phone.clone();
            let answer = shop.post(path, &body).await;
            for secret in ["79012345678", "901 234"] {
                assert!(!answer.text.contains(secret), "{path} with {phone} as {place}: {}", answer.text);
            }
            answer.refused_at(422, &format!("/{place}"));
        }
    }
    let as_a_number = json!({"phone": 79_012_345_678_i64, "channel": "site"});
    let answer = shop.post("/v1/members", &as_a_number).await;
    assert!(!answer.text.contains("79012345678"), "{}", answer.text);
    answer.refused_at(422, "/phone");
    assert_eq!(shop.counts().await, before, "nothing is written");
}
