//! A phone is one person's however a channel writes it. The 10 000 spellings of ten countries are in `crates/phones`; a
//! sample of them goes the whole way here.

use serde_json::json;
use tests::Shop;

/// A phone, and how else it is written.
const SPELLINGS: [(&str, &[&str]); 6] = [
    (
        "+79123456789",
        &[
            "8 (912) 345-67-89",
            "9123456789",
            "7 912 345 67 89",
            "007 912 345\u{2011}67\u{2011}89",
            "tel:+79123456789",
            "\u{202a}+7\u{a0}912\u{a0}345\u{a0}67\u{a0}89\u{202c}",
            "\u{ff0b}\u{ff17}\u{ff19}\u{ff11}\u{ff12}3456789",
        ],
    ),
    ("+375291234567", &["+375 (29) 123-45-67", "00375 29 123 45 67"]),
    ("+4915112345678", &["+49 (0)151 12345678", "0049 151/12345678"]),
    ("+447911123456", &["+44 (0) 7911 123 456", "0044 7911 123456"]),
    ("+12015550123", &["+1 (201) 555-0123", "001 201.555.0123"]),
    ("+971501234567", &["+971 (0)50 123 4567", "+٩٧١ ٥٠ ١٢٣ ٤٥٦٧"]),
];

#[tokio::test]
async fn every_spelling_of_a_phone_finds_its_member_and_no_other() {
    let shop = Shop::open("fixed").await;
    for (phone, spellings) in SPELLINGS {
        let first = spellings[0];
        let member = shop.post("/v1/members", &json!({"phone": first, "channel": "store"})).await.expect(201);
        assert_eq!(member["phone"], phone, "{first}");
        for spelling in spellings.iter().chain(&[phone]) {
            let order = tests::cart(json!([tests::line("1", "100.00")]));
            shop.post("/v1/quotes", &json!({"member": {"phone": spelling}, "order": order})).await.expect(200);
            let again = shop.post("/v1/members", &json!({"phone": spelling, "channel": "site"})).await;
            assert_eq!(again.refused(409, "identity_taken")["member_id"], member["id"], "{spelling}");
        }
    }
    assert_eq!(crate::privacy::people(&shop), 6);
}

#[tokio::test]
async fn what_several_people_may_share_is_no_phone() {
    let shop = Shop::open("fixed").await;
    for (phone, word) in [
        ("+7 912 345-67-89 доб. 12", "extension"),
        ("+7 912 345-67-89 ext. 12", "extension"),
        ("345-67-89", "area code"),
        ("+1 800 FLOWERS", "no phone number"),
        ("+7 912 345-67-89 / 90", "no phone number"),
        ("+8 912 345-67-89", "no phone number"),
    ] {
        let refused = shop.post("/v1/members", &json!({"phone": phone, "channel": "store"})).await.refused_at(422, "/phone");
        assert_eq!(refused["errors"][0]["code"], "invalid_phone");
        assert!(refused["errors"][0]["detail"].as_str().unwrap().contains(word), "{phone}: {refused}");
    }
    assert_eq!(crate::privacy::people(&shop), 0);
}
