//! Personal data lies sealed in a store of its own; the books know nobody.

use serde_json::json;
use tests::Shop;

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
