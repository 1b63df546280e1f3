//! Backtests: the stored orders of a period under another program.

use http::Method;
use serde_json::{Value, json};
use tests::{Answer, Member, Shop, cart, hundredths, line, pieces, promo};

/// Tiers by spend, a discount, points that pay: all that one order may have to do with another.
fn program() -> Value {
    json!({
        "name": "all of it", "currency": "RUB", "time_zone": "Europe/Moscow",
        "points": {"name": "points", "scale": 2, "conversion_rate": "1.00"},
        "tiers": [
            {"id": "base", "name": "Base", "threshold": "0", "rate": "3", "rate_promo": "1"},
            {"id": "silver", "name": "Silver", "threshold": "1000", "rate": "5.5"},
            {"id": "gold", "name": "Gold", "threshold": "3000", "strictly_over": true, "rate": "10"}
        ],
        "discounts": [{"id": "spring", "type": "percent", "rate": "7.5", "when": {"quantity": {"min": 3}}}],
        "earning": [{"id": "purchase", "type": "percent"}],
        "redemption": {"max_share": "20"},
        "returns": {"clawback": "clamp_to_zero"}
    })
}

/// The program with another value at a pointer.
fn with(mut document: Value, pointer: &str, value: Value) -> Value {
    *document.pointer_mut(pointer).unwrap_or_else(|| panic!("there is no {pointer}")) = value;
    document
}

async fn ask(shop: &Shop, body: &Value) -> Answer {
    shop.send(Method::POST, "/v1/simulations", Some(body.to_string()), None).await
}

async fn simulated(shop: &Shop, document: &Value) -> Value {
    let answer = ask(shop, &json!({"document": document})).await.expect(200);
    assert!(answer["next_cursor"].is_null(), "one answer has room for all: {answer}");
    answer
}

/// Two members and somebody unknown, who buy, pay with points, bring back parts, cancel, and scan a receipt later.
async fn lived(shop: &Shop) {
    let anna = shop.enrol("+7 900 000-00-01").await;
    let boris = shop.enrol("+7 900 000-00-02").await;
    let costed = |id: &str, price: &str, quantity: u32, cost: &str| {
        let mut line = pieces(id, price, quantity);
        line["cost"] = cost.into();
        line
    };
    let next = || shop.minutes_pass(7);
    let order = |answer: Value| answer["order_id"].as_str().expect("an order has its id").to_owned();

    let first = order(anna.buys(json!([pieces("1", "400.01", 3), promo("2", "50.01")])).await);
    next().await;
    boris.buys(json!([costed("1", "999.99", 1, "700.01"), line("2", "0.00")])).await;
    next().await;
    // one of three comes back: the next order is judged below silver
    shop.takes_back(&first, "r-1", Some(json!([{"id": "1", "quantity": 1}]))).await.expect(201);
    next().await;
    let second = order(anna.buys(json!([line("1", "1234.56"), costed("2", "77.77", 4, "50.00")])).await);
    next().await;
    anna.is_given("150").await;
    next().await;
    let paid = order(anna.buys_with("max", json!([pieces("1", "199.99", 5), promo("2", "300.00")])).await);
    next().await;
    shop.takes_back(&paid, "r-2", Some(json!([{"id": "1", "quantity": 2}, {"id": "2", "quantity": 1}]))).await.expect(201);
    next().await;
    boris.buys(json!([line("1", "2000.00")])).await;
    next().await;
    shop.cancels(&second).await.expect(201);
    next().await;
    anna.buys(json!([pieces("1", "411.11", 7)])).await;
    next().await;
    // a receipt that is scanned after some of its goods came back
    let mut receipt = cart(json!([pieces("1", "150.00", 3), line("2", "42.00")]));
    (receipt["id"], receipt["occurred_at"]) = ("receipt".into(), shop.now().into());
    shop.post("/v1/orders", &receipt).await.expect(201);
    next().await;
    shop.takes_back("receipt", "r-3", Some(json!([{"id": "1", "quantity": 1}]))).await.expect(201);
    next().await;
    shop.post("/v1/orders/claims", &json!({"order_id": "receipt", "member": {"id": boris.id}})).await.expect(201);
    next().await;
    receipt["id"] = "nobody's".into();
    shop.post("/v1/orders", &receipt).await.expect(201);
    next().await;
    boris.buys_with("10", json!([costed("1", "100.00", 2, "60.00")])).await;
    next().await;
    shop.takes_back("receipt", "r-4", None).await.expect(201);
}

#[tokio::test]
async fn the_same_program_makes_no_difference_at_all() {
    let shop = Shop::with_program(&program()).await;
    lived(&shop).await;
    let answer = simulated(&shop, &program()).await;
    assert_eq!((&answer["orders"], &answer["total_orders"], &answer["members"]), (&json!(9), &json!(9), &json!(2)), "{answer}");
    assert_eq!(answer["current"], answer["proposed"]);
    let nothing = json!({"points": "0.00", "money": "0.00", "discount": "0.00", "margin": "0.00"});
    assert_eq!(answer["difference"], nothing, "{answer}");
    assert_eq!((&answer["better"], &answer["worse"], &answer["unchanged"]), (&json!(0), &json!(0), &json!(2)));
    assert_eq!((&answer["largest"], &answer["refused"], &answer["left_out"]), (&json!([]), &json!(0), &json!(0)));
    assert!(hundredths(&answer["current"]["points"]) > 0 && hundredths(&answer["current"]["discount"]) > 0, "{answer}");
    // what the books say was earned, without the staff's gift and what the policy let her keep of what came back
    let earned = "SELECT (SELECT sum(earned) FROM account) - 15000 - (SELECT sum(forgiven) FROM order_return)";
    let earned = shop.number_in("default", earned);
    assert_eq!(hundredths(&answer["current"]["points"]), earned, "{answer}");
}

#[tokio::test]
async fn segments_given_tiers_and_promo_codes_count_as_they_did() {
    let mut document = program();
    let letter = json!({"id": "letter", "type": "percent", "rate": "20", "when": {"voucher": true}});
    document["discounts"].as_array_mut().unwrap().push(letter);
    let circle = json!({"id": "circle", "type": "fixed", "points": "7", "when": {"segments": ["circle"]}});
    document["earning"].as_array_mut().unwrap().push(circle);
    let shop = Shop::with_program(&document).await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let goods = || json!([line("1", "100.00")]);
    let of = |what: &str| format!("/v1/members/{}/{what}", anna.id);
    shop.put(&of("segments"), &json!({"segments": ["circle"]})).await.expect(200);
    assert_eq!(anna.buys(goods()).await["earned"]["points"], "10.00", "3 % and 7");
    shop.minutes_pass(7).await;
    let gift = json!({"tier": "gold", "until": "2026-01-20T09:00:00Z", "reason": "a complaint"});
    shop.put(&of("tier"), &gift).await.expect(200);
    shop.minutes_pass(7).await;
    assert_eq!(anna.buys(goods()).await["earned"]["points"], "17.00", "10 % and 7");
    shop.at("2026-01-21T09:00:00Z").await;
    assert_eq!(anna.buys(goods()).await["earned"]["points"], "10.00", "the gift is over");
    shop.minutes_pass(7).await;
    let code = shop.post("/v1/vouchers", &json!({"rule_id": "letter"})).await.expect(201)["code"].clone();
    let mut order = anna.order(goods());
    order["vouchers"] = json!([code]);
    assert_eq!(anna.orders(&order).await.expect(201)["payable"], "80.00");

    for (pointer, value, points, discount) in [
        ("/name", "another name", "0.00", "0.00"),
        ("/earning/1/points", "8", "4.00", "0.00"),
        ("/tiers/2/rate", "20", "10.00", "0.00"),
        ("/discounts/1/rate", "30", "-0.30", "10.00"),
    ] {
        let answer = simulated(&shop, &with(document.clone(), pointer, value.into())).await;
        let difference = &answer["difference"];
        assert_eq!((&difference["points"], &difference["discount"]), (&json!(points), &json!(discount)), "{pointer}: {answer}");
    }
}

#[tokio::test]
async fn a_doubled_rate_doubles_the_points() {
    let shop = Shop::open("fixed").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let boris = shop.enrol("+7 900 000-00-02").await;
    let order = anna.buys(json!([pieces("1", "100.00", 3), line("2", "1000.00")])).await;
    boris.buys(json!([line("1", "200.00")])).await;
    shop.takes_back(order["order_id"].as_str().unwrap(), "r-1", Some(json!([{"id": "1", "quantity": 1}]))).await.expect(201);
    let document = shop.get("/v1/program").await.expect(200)["document"].clone();
    let doubled = simulated(&shop, &with(document.clone(), "/earning/0/rate", json!("6"))).await;
    // 3 % of 1200.00 that was kept, and of 200.00
    for (side, points) in [("current", "42.00"), ("proposed", "84.00"), ("difference", "42.00")] {
        assert_eq!(doubled[side], json!({"points": points, "money": points, "discount": "0.00", "margin": null}), "{doubled}");
    }
    assert_eq!((&doubled["better"], &doubled["worse"], &doubled["unchanged"]), (&json!(2), &json!(0), &json!(0)));
    let largest = doubled["largest"].as_array().unwrap();
    assert_eq!((&largest[0]["member_id"], &largest[1]["member_id"]), (&json!(anna.id), &json!(boris.id)));
    assert_eq!(largest[0]["difference"], json!({"points": "36.00", "money": "36.00"}));
    let cause = &largest[0]["order"];
    assert_eq!((&cause["order_id"], &largest[0]["orders"]), (&order["order_id"], &json!(1)));
    assert_eq!(cause["explanation"]["current"], order["explanation"]);
    let proposed = &cause["explanation"]["proposed"][0];
    assert_eq!(proposed["reason"], "6 % of 1300.00 gives 78.00 points");
    assert!(proposed["program_version"].is_null(), "it is not published: {proposed}");

    // a point that is worth half costs as much as before
    let halved = with(with(document, "/earning/0/rate", json!("6")), "/points/conversion_rate", json!("0.50"));
    let halved = simulated(&shop, &halved).await;
    assert_eq!(halved["difference"], json!({"points": "42.00", "money": "0.00", "discount": "0.00", "margin": null}));
}

#[tokio::test]
async fn some_are_better_off_and_some_worse() {
    let shop = Shop::open("fixed").await;
    let (mut small, mut large) = (Vec::new(), Vec::new());
    for number in 0..5 {
        let member = shop.enrol(&format!("+7 900 000-00-0{number}")).await;
        let price = if number < 3 { "100.00" } else { "5000.00" };
        let mut goods = line("1", price);
        goods["cost"] = "80.00".into();
        member.buys(json!([goods])).await;
        if number < 3 {
            small.push(member.id)
        } else {
            large.push(member.id)
        };
    }
    let nobody = shop.enrol("+7 900 000-00-09").await;
    // 2 %, and 5 % of orders of 3 000.00 or more
    let mut document = shop.get("/v1/program").await.expect(200)["document"].clone();
    document["earning"] = json!([
        {"id": "small", "type": "percent", "rate": "2", "when": {"order_total": {"below": "3000.00"}}},
        {"id": "large", "type": "percent", "rate": "5", "when": {"order_total": {"min": "3000.00"}}}
    ]);
    let answer = simulated(&shop, &document).await;
    assert_eq!((&answer["better"], &answer["worse"], &answer["unchanged"]), (&json!(2), &json!(3), &json!(0)), "{answer}");
    // 3 x (2.00 - 3.00) + 2 x (250.00 - 150.00)
    assert_eq!(answer["difference"]["points"], "197.00");
    // 10 300.00 - 5 x 80.00 less what the points cost
    assert_eq!((&answer["current"]["margin"], &answer["proposed"]["margin"]), (&json!("9591.00"), &json!("9394.00")));
    assert_eq!(answer["difference"]["margin"], "-197.00");
    let members: Vec<_> =
        answer["largest"].as_array().unwrap().iter().map(|member| member["member_id"].as_str().unwrap()).collect();
    assert!(members[..2].iter().all(|member| large.iter().any(|id| id == member)), "{answer}");
    assert!(members[2..].iter().all(|member| small.iter().any(|id| id == member)), "{answer}");
    assert!(!members.contains(&nobody.id.as_str()), "who bought nothing is not there");
}

#[tokio::test]
async fn tiers_and_caps_follow_the_proposed_program() {
    let shop = Shop::open("fixed").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    for _ in 0..4 {
        anna.buys(json!([line("1", "1000.00")])).await;
        shop.days_pass(1).await;
    }
    let base = shop.get("/v1/program").await.expect(200)["document"].clone();
    // the first order is base, the second is held to silver by the first, and so on
    let mut tiers = base.clone();
    tiers["tiers"] = json!([
        {"id": "base", "name": "Base", "threshold": "0", "rate": "1"},
        {"id": "silver", "name": "Silver", "threshold": "1000", "rate": "5"},
        {"id": "gold", "name": "Gold", "threshold": "2500", "rate": "10"}
    ]);
    tiers["earning"] = json!([{"id": "purchase", "type": "percent"}]);
    let answer = simulated(&shop, &tiers).await;
    assert_eq!((&answer["current"]["points"], &answer["proposed"]["points"]), (&json!("120.00"), &json!("210.00")), "{answer}");

    let mut capped = base.clone();
    capped["earning"] = json!([{"id": "bonus", "type": "fixed", "points": "70", "when": {"first_order": true}}, {"id": "purchase", "type": "percent", "rate": "3"}]);
    assert_eq!(simulated(&shop, &capped).await["proposed"]["points"], "190.00");

    // from the third day on: what was bought before counts as it was
    let third = ask(&shop, &json!({"document": tiers, "from": "2026-01-17", "to": "2026-01-17"})).await.expect(200);
    assert_eq!((&third["orders"], &third["total_orders"]), (&json!(1), &json!(1)), "{third}");
    assert_eq!((&third["current"]["points"], &third["proposed"]["points"]), (&json!("30.00"), &json!("50.00")), "{third}");
    let moments = json!({"document": tiers, "from": "2026-01-17T09:00:00Z", "to": "2026-01-18T09:00:00Z"});
    assert_eq!(ask(&shop, &moments).await.expect(200)["orders"], 1, "between moments it is half-open");
}

#[tokio::test]
async fn nothing_is_written() {
    let shop = Shop::with_program(&program()).await;
    lived(&shop).await;
    let (counts, bytes) = (shop.counts().await, shop.bytes_of("default"));
    simulated(&shop, &with(program(), "/tiers/0/rate", json!("20"))).await;
    if shop.server("default").is_none() {
        assert_eq!(shop.bytes_of("default"), bytes, "the books are the same, byte for byte");
    }
    assert_eq!(shop.counts().await, counts);
    shop.audit_is_clean().await;
}

/// Adds up what batches say, in hundredths.
fn sum(batches: &[Value], side: &str, figure: &str) -> Option<i64> {
    let amounts = batches.iter().map(|batch| &batch[side][figure]).filter(|amount| !amount.is_null());
    amounts.map(hundredths).reduce(|sum, amount| sum + amount)
}

#[tokio::test]
async fn batches_sum_exactly_to_the_whole() {
    let shop = Shop::with_program(&program()).await;
    lived(&shop).await;
    for number in 3..8 {
        let member = shop.enrol(&format!("+7 900 000-00-0{number}")).await;
        member.buys(json!([line("1", &format!("{number}77.77")), pieces("2", "33.33", number)])).await;
    }
    let other = with(with(program(), "/tiers/0/rate", json!("1.25")), "/points/conversion_rate", json!("0.37"));
    let whole = simulated(&shop, &other).await;
    assert_eq!(simulated(&shop, &other).await, whole, "the same question gets the same answer");

    let mut body = json!({"document": other, "limit": 1});
    let mut batches = Vec::new();
    loop {
        let batch = ask(&shop, &body).await.expect(200);
        body["cursor"] = batch["next_cursor"].clone();
        batches.push(batch);
        if body["cursor"].is_null() {
            break;
        }
    }
    assert!(batches.len() > 7, "{} batches", batches.len());
    for side in ["current", "proposed", "difference"] {
        for figure in ["points", "money", "discount", "margin"] {
            assert_eq!(sum(&batches, side, figure), Some(hundredths(&whole[side][figure])), "{figure} of {side}");
        }
    }
    for count in ["orders", "members", "better", "worse", "unchanged"] {
        let sum: i64 = batches.iter().filter_map(|batch| batch[count].as_i64()).sum();
        assert_eq!(Some(sum), whole[count].as_i64(), "{count}");
    }
    let mut named: Vec<_> = batches.iter().flat_map(|batch| batch["largest"].as_array().unwrap()).cloned().collect();
    named.sort_by_key(|member| std::cmp::Reverse(hundredths(&member["difference"]["money"]).abs()));
    assert_eq!(json!(named), whole["largest"]);

    // a cursor is of one simulation
    let cursor = batches[0]["next_cursor"].clone();
    ask(&shop, &json!({"document": program(), "cursor": cursor})).await.refused_at(422, "/cursor");
    ask(&shop, &json!({"document": other, "from": "2026-01-01", "cursor": cursor})).await.refused_at(422, "/cursor");
    ask(&shop, &json!({"document": other, "cursor": "nonsense"})).await.refused_at(422, "/cursor");
}

#[tokio::test]
async fn what_does_not_fit_is_refused_with_its_place() {
    let shop = Shop::bare(tests::BEGINNING).await;
    ask(&shop, &json!({"document": program()})).await.refused(409, "program_missing");
    shop.publish(&program()).await.expect(200);
    let broken = with(with(program(), "/tiers/0/rate", json!("-1")), "/redemption", json!({"max_share": "200"}));
    let refused = ask(&shop, &json!({"document": broken})).await.refused(422, "program_invalid");
    let pointers: Vec<_> = refused["errors"].as_array().unwrap().iter().map(|error| error["pointer"].clone()).collect();
    assert_eq!(pointers, ["/document/tiers/0/rate", "/document/redemption/max_share"], "{refused}");
    for (pointer, value, place) in
        [("/currency", json!("GBP"), "/document/currency"), ("/points/scale", json!(0), "/document/points/scale")]
    {
        ask(&shop, &json!({"document": with(program(), pointer, value)})).await.refused_at(422, place);
    }
    ask(&shop, &json!({"document": null})).await.refused(422, "program_invalid");
    ask(&shop, &json!({})).await.refused(422, "invalid_request");
    for (body, place) in [
        (json!({"from": "2026-02-01", "to": "2026-01-31"}), "/to"),
        (json!({"from": "2026-02-01T00:00:01Z", "to": "2026-02-01T00:00:00Z"}), "/to"),
        (json!({"from": "yesterday"}), "/from"),
        (json!({"to": "2026-02-30"}), "/to"),
        (json!({"limit": 0}), "/limit"),
        (json!({"surprise": 1}), "/surprise"),
    ] {
        let mut asked = body.clone();
        asked["document"] = program();
        ask(&shop, &asked).await.refused_at(422, place);
    }
    let empty = simulated(&shop, &program()).await;
    assert_eq!((&empty["orders"], &empty["members"], &empty["current"]["margin"]), (&json!(0), &json!(0), &Value::Null));
}

/// Records so many orders of a member in the books, past the application: copies of their first one.
fn copy_orders(shop: &Shop, member: &Member<'_>, count: i64) {
    let id = i64::from_str_radix(member.id.strip_prefix("mem_").expect("a member's id"), 16).expect("a number");
    let copied = format!(
        "WITH RECURSIVE number (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM number WHERE i < {count}),
                made (first) AS (SELECT min(id) FROM orders WHERE member_id = {id})"
    );
    shop.alter(
        "default",
        &format!(
            "{copied} INSERT INTO orders SELECT id + 1000 + i, ref || '-' || i, member_id, content_hash, command_id, status, revision,
                    occurred_at + i, recorded_at + i, channel, store, device, currency, items, discount, delivery, paid_points,
                    paid_money, payable, earned, qualifying, kept, redemption_id, claim_command, program_version
               FROM made JOIN orders ON id = first, number"
        ),
    );
    shop.alter(
        "default",
        &format!(
            "{copied} INSERT INTO order_line SELECT order_id + 1000 + i, n, id, sku, name, category, brand, labels, quantity, price,
                    discount, cost, tax, promo, amount, program_discount, paid_points, paid_money, qualifying, shares, returned
               FROM made JOIN order_line ON order_id = first, number"
        ),
    );
}

#[tokio::test]
async fn a_member_with_many_orders_is_read_in_pages() {
    let shop = Shop::open("fixed").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    anna.buys(json!([line("1", "100.00")])).await;
    copy_orders(&shop, &anna, 1_999);
    let boris = shop.enrol("+7 900 000-00-02").await;
    boris.buys(json!([line("1", "100.00")])).await;
    let document = with(shop.get("/v1/program").await.expect(200)["document"].clone(), "/earning/0/rate", json!("4"));
    let before = shop.host.statements();
    let answer = simulated(&shop, &document).await;
    let statements = shop.host.statements() - before;
    assert_eq!((&answer["orders"], &answer["members"], &answer["better"]), (&json!(2_001), &json!(2), &json!(2)));
    assert_eq!((&answer["current"]["points"], &answer["proposed"]["points"]), (&json!("6003.00"), &json!("8004.00")));
    assert_eq!(answer["largest"][0]["orders"], 2_000);
    // five pages of at most 500 for her, one for him; the rest is the key, the program, the size, members, explanations
    assert!((10..=14).contains(&statements), "{statements} statements");
    // a member is never split
    let batch = ask(&shop, &json!({"document": document, "limit": 10})).await.expect(200);
    assert_eq!((&batch["orders"], &batch["total_orders"]), (&json!(2_000), &json!(2_001)), "{batch}");
    assert!(!batch["next_cursor"].is_null());
}

#[tokio::test]
async fn a_card_that_everybody_shows_is_cut_off_and_said_so() {
    let shop = Shop::open("fixed").await;
    let till = shop.enrol("+7 900 000-00-01").await;
    till.buys(json!([line("1", "100.00")])).await;
    copy_orders(&shop, &till, 10_004);
    let document = shop.get("/v1/program").await.expect(200)["document"].clone();
    let answer = simulated(&shop, &document).await;
    assert_eq!((&answer["orders"], &answer["left_out"]), (&json!(10_000), &json!(5)), "{answer}");
    assert_eq!(answer["difference"]["points"], "0.00");
}
