//! The shop's bot in Telegram: people join with their own contact, and ask for what is theirs. Telegram itself is a mock on
//! loopback; everything between is real, the bot's calls of the application within the application too.

use host::{Condition, Faults};
use http::Method;
use serde_json::{Value, json};
use tests::{Member, Shop, TELEGRAM_SECRET, Telegram, line};

const ANNA: i64 = 7_000_000_001;
const BORIS: i64 = 7_000_000_002;
const PHONE: &str = "79000000001";

async fn green_house() -> Telegram {
    Telegram::connect(Shop::open("green-house").await).await
}

/// Who has this Telegram.
async fn member(telegram: &Telegram, person: i64) -> Value {
    telegram.shop.get(&format!("/v1/members?telegram={person}")).await.expect(200)
}

async fn balance(telegram: &Telegram, member: &Value) -> Value {
    Member::of(&telegram.shop, member["id"].as_str().unwrap()).balance().await
}

#[tokio::test]
async fn whoever_sends_the_own_contact_joins_and_is_told_of_the_gift_at_the_end() {
    let telegram = green_house().await;
    let asked = telegram.says_in("ru", ANNA, "/start").await;
    assert!(asked.asks_for_contact && asked.text.starts_with("Здравствуйте!"), "{asked:?}");
    assert_eq!((asked.chat, asked.method.as_str()), (ANNA, "sendMessage"));

    telegram.send(&telegram.contact(ANNA, "ru", PHONE)).await.expect(200);
    let welcome = telegram.api.take_one();
    assert_eq!(welcome.text, "Вы в программе!\nПодарок: 100.00 баллов за вступление\nДоступно: 100 баллов");
    assert_eq!(welcome.buttons, ["Баланс", "Сроки", "Карта", "История", "Пригласить друга", "Помощь"]);

    let anna = member(&telegram, ANNA).await;
    assert_eq!((&anna["phone"], &anna["channel"]), (&json!("+79000000001"), &json!("telegram")));
    assert_eq!((&anna["first_name"], &anna["last_name"]), (&json!("Anna"), &json!("K")));
    assert_eq!(balance(&telegram, &anna).await["available"], "100.00");
    let again = telegram.says_in("ru", ANNA, "/start").await;
    assert_eq!(again.text, "С возвращением, Anna!\nДоступно: 100 баллов");
    telegram.shop.audit_is_clean().await;
}

#[tokio::test]
async fn an_update_that_comes_again_does_nothing_twice_and_is_answered_again() {
    let telegram = green_house().await;
    let contact = telegram.contact(ANNA, "en", PHONE);
    telegram.send(&contact).await.expect(200);
    let (first, before) = (telegram.api.take_one(), telegram.shop.counts().await);
    for _ in 0..3 {
        telegram.send(&contact).await.expect(200);
        assert_eq!(telegram.api.take_one().text, first.text);
    }
    assert_eq!(telegram.shop.counts().await, before);
    // the contact once more, in an update of its own
    let linked = telegram.shares(ANNA, PHONE).await;
    assert_eq!(linked.text, "You are a member already: this Telegram now belongs to your card.\nAvailable: 100 points");
    assert_eq!(telegram.shop.counts().await, before);
}

#[tokio::test]
async fn while_telegram_takes_nothing_the_update_comes_again_and_is_then_answered_whole() {
    let telegram = green_house().await;
    let contact = telegram.contact(ANNA, "en", PHONE);
    for (status, json, seconds) in [
        (500, json!({"ok": false}), "1"),
        (429, json!({"ok": false, "parameters": {"retry_after": 7}}), "7"),
        (502, Value::Null, "1"),
    ] {
        telegram.api.answers(status, json);
        let answer = telegram.send(&contact).await;
        assert_eq!(answer.retry_after.as_deref(), Some(seconds));
        answer.refused(503, "telegram_unavailable");
        assert_eq!(telegram.api.take_one().status, status);
    }
    let before = telegram.shop.counts().await;
    telegram.api.takes_everything();
    telegram.send(&contact).await.expect(200);
    let welcome = telegram.api.take_one();
    assert!(welcome.text.starts_with("You have joined!\nA gift: 100.00 points for joining\n"), "{}", welcome.text);
    assert_eq!(telegram.shop.counts().await, before, "the member was there");
    assert_eq!(balance(&telegram, &member(&telegram, ANNA).await).await["available"], "100.00");

    // whoever has blocked the bot, or is not there any more, is not written to again
    for (status, why) in [(403, "Forbidden: bot was blocked by the user"), (400, "Bad Request: chat not found")] {
        telegram.api.answers(status, json!({"ok": false, "error_code": status, "description": why}));
        telegram.send(&telegram.update(ANNA, "en", json!({"text": "/balance"}))).await.expect(200);
    }
}

#[tokio::test]
async fn while_the_store_is_away_the_update_comes_again() {
    let shop = Shop::with_faults("green-house", Faults::default()).await;
    let telegram = Telegram::connect(shop).await;
    telegram.shop.faults().switch(true);
    let contact = telegram.contact(ANNA, "en", PHONE);
    telegram.shop.faults().stores_are(Condition::Down);
    let away = telegram.send(&contact).await;
    assert!(away.is_worth_repeating());
    away.refused(503, "store_unavailable");
    assert!(telegram.api.take_sent().is_empty());
    telegram.shop.faults().stores_are(Condition::Working);
    telegram.send(&contact).await.expect(200);
    assert!(telegram.api.take_one().text.starts_with("You have joined!"));
    telegram.shop.audit_is_clean().await;
}

#[tokio::test]
async fn somebody_else_s_contact_enrols_nobody() {
    let telegram = green_house().await;
    for other in [json!(BORIS), json!(null), json!(ANNA.to_string())] {
        let contact = json!({"phone_number": PHONE, "first_name": "Boris", "user_id": other});
        telegram.send(&telegram.update(ANNA, "en", json!({"contact": contact}))).await.expect(200);
        let refused = telegram.api.take_one();
        assert!(refused.asks_for_contact && refused.text.starts_with("This is somebody else's number."), "{refused:?}");
    }
    telegram.shop.get(&format!("/v1/members?telegram={ANNA}")).await.refused(404, "member_not_found");
    telegram.shop.get("/v1/members?phone=89000000001").await.refused(404, "member_not_found");
}

#[tokio::test]
async fn a_member_known_at_the_till_keeps_the_balance_and_gets_the_bot() {
    let telegram = green_house().await;
    let anna = telegram.shop.enrol("+7 900 000-00-01").await;
    anna.is_given("250.50").await;
    let linked = telegram.shares(ANNA, PHONE).await;
    assert!(linked.text.ends_with("\nAvailable: 250.50 points"), "{}", linked.text);
    let seen = member(&telegram, ANNA).await;
    assert_eq!((seen["id"].as_str(), &seen["channel"]), (Some(anna.id.as_str()), &json!("site")));
    anna.has(json!({"available": "250.50"})).await;
    assert_eq!(telegram.says(ANNA, "balance").await.text, "Available: 250.50 points");
    // another account with this number now: the number says who it is
    telegram.shares(BORIS, "+7 900 000-00-01").await;
    assert_eq!(member(&telegram, BORIS).await["id"], anna.id);
    assert!(telegram.says(ANNA, "/balance").await.asks_for_contact);
    telegram.shop.audit_is_clean().await;
}

#[tokio::test]
async fn two_memberships_of_one_person_are_for_the_staff_to_merge() {
    let telegram = green_house().await;
    telegram.shares(ANNA, PHONE).await;
    telegram.shop.enrol("+7 900 000-00-02").await;
    let told = telegram.shares(ANNA, "79000000002").await;
    assert!(told.text.contains("Ask the shop to merge them"), "{}", told.text);
    // a number that is nobody's: which of the two is right the shop knows
    let told = telegram.shares(ANNA, "79000000003").await;
    assert!(told.text.starts_with("You are a member already"), "{}", told.text);
    assert_eq!(member(&telegram, ANNA).await["phone"], "+79000000001");
}

#[tokio::test]
async fn a_friend_s_link_is_remembered_until_the_contact_comes() {
    let shop = Shop::open("green-house").await;
    let mut document = shop.get("/v1/program").await.expect(200)["document"].clone();
    document["referral"] = json!({
        "paid_on": "registration", "referrer": {"id": "brought", "points": "50"}, "referee": {"id": "invited", "points": "30"},
        "limits": {"per_referrer": 2},
    });
    shop.publish(&document).await.expect(200);
    let telegram = Telegram::connect(shop).await;
    telegram.shares(ANNA, PHONE).await;
    let anna = member(&telegram, ANNA).await;
    let invitation = telegram.says(ANNA, "Invite a friend").await;
    let code = anna["referral_code"].as_str().unwrap();
    assert_eq!(
        invitation.text,
        format!(
            "Your link for friends:\nhttps://t.me/shop_bot?start={code}\nYou get 50 points, your friend 30, when the friend \
             joins.\nAt most 2 friends in all."
        )
    );

    assert!(telegram.says(BORIS, &format!("/start {code}")).await.asks_for_contact);
    let contact = telegram.contact(BORIS, "en", "79000000002");
    telegram.send(&contact).await.expect(200);
    let welcome = telegram.api.take_one();
    for gift in ["A gift: 100.00 points for joining\n", "A gift: 30.00 points "] {
        assert!(welcome.text.contains(gift), "{}", welcome.text);
    }
    assert!(welcome.text.ends_with("\nAvailable: 130 points"), "{}", welcome.text);
    assert_eq!(balance(&telegram, &anna).await["available"], "150.00");
    // the repeat sends the same code again, and so gets the same answer
    telegram.send(&contact).await.expect(200);
    assert_eq!(telegram.api.take_one().text, welcome.text);
    assert_eq!(balance(&telegram, &anna).await["available"], "150.00");

    // a code that was forgotten meanwhile: who joined then is a member now
    telegram.shop.days_pass(3).await;
    telegram.send(&contact).await.expect(200);
    assert_eq!(telegram.api.take_one().text, "Welcome back, Anna!\nAvailable: 130 points");
    // and of whoever comes days later nobody knows who sent them
    telegram.says(8, &format!("/start {code}")).await;
    telegram.shop.days_pass(2).await;
    telegram.shares(8, "79000000003").await;
    assert_eq!(balance(&telegram, &anna).await["available"], "150.00");
    telegram.shop.audit_is_clean().await;
}

#[tokio::test]
async fn a_member_asks_for_the_balance_the_dates_and_the_history_in_the_own_language() {
    let telegram = Telegram::connect(Shop::open("gw-tools").await).await;
    telegram.shares(ANNA, PHONE).await;
    let anna = member(&telegram, ANNA).await;
    let anna = Member::of(&telegram.shop, anna["id"].as_str().unwrap());
    // 500 to welcome, good for 30 days, and 5 % of a purchase, good for 3 months
    anna.buys(json!([line("1", "1000.00")])).await;
    assert!(telegram.says(ANNA, "/balance").await.text.starts_with("Available: 550 points"));
    let expiry = telegram.says(ANNA, "Expiry dates").await;
    assert_eq!(expiry.text, "Points are good through:\n14 Feb 2026 — 500 points\n15 Apr 2026 — 50 points");
    let expiry = telegram.says_in("ru", ANNA, "Expiry dates").await;
    assert!(expiry.text.starts_with("Баллы действуют по день:\n14.02.2026 — 500 "), "{}", expiry.text);
    assert_eq!(expiry.buttons[1], "Сроки");

    let history = telegram.says(ANNA, "/history").await;
    let rows: Vec<&str> = history.text.lines().collect();
    assert_eq!((rows.len(), rows[0]), (3, "Latest operations:"));
    assert!(rows[1].starts_with("15 Jan 2026  +50 — 5 % of 1000.00"), "{}", history.text);
    let history = telegram.says_in("uk", ANNA, "История").await;
    assert!(history.text.lines().nth(1).unwrap().contains("5 % от 1000.00"), "{}", history.text);

    for _ in 0..12 {
        anna.is_given("1").await;
    }
    assert_eq!(telegram.says(ANNA, "/history").await.text.lines().count(), 11);
    assert!(telegram.says(ANNA, "what?").await.text.starts_with("What I can do:"));
    assert!(telegram.says_in("kk", ANNA, "/help").await.text.starts_with("Что я умею:"));
}

#[tokio::test]
async fn the_card_is_a_picture_of_what_a_till_scans() {
    let telegram = green_house().await;
    telegram.shares(ANNA, PHONE).await;
    let id = member(&telegram, ANNA).await["id"].as_str().unwrap().to_owned();
    let width = |picture: &[u8]| u32::from_be_bytes(picture[16..20].try_into().unwrap());
    for card in [None, Some("987654321098")] {
        if let Some(card) = card {
            telegram.shop.patch(&format!("/v1/members/{id}"), &json!({"card": card})).await.expect(200);
        }
        let shown = telegram.says(ANNA, "Card").await;
        assert_eq!((shown.method.as_str(), shown.text.as_str()), ("sendPhoto", "Show this code at the till."));
        let picture = shown.photo.expect("a picture");
        assert_eq!(&picture[..8], b"\x89PNG\r\n\x1a\n");
        // as large a code as the API draws: the number takes a smaller one than the id
        let drawn = telegram.shop.get(&format!("/v1/members/{id}/card.svg")).await.text;
        let modules: u32 = drawn.split("viewBox=\"0 0 ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
        assert_eq!(width(&picture), 12 * modules, "{card:?}");
    }
}

#[tokio::test]
async fn a_program_that_asks_for_a_code_takes_it_from_the_chat() {
    let shop = Shop::open("green-house").await;
    let mut document = shop.get("/v1/program").await.expect(200)["document"].clone();
    document["enrolment"]["confirmation"] = json!({"welcome": "after"});
    shop.publish(&document).await.expect(200);
    let telegram = Telegram::connect(shop).await;
    let asked = telegram.shares(ANNA, PHONE).await;
    assert!(asked.text.contains("A confirmation code was sent to you"), "{}", asked.text);
    assert!(asked.text.ends_with("Available: 0 points"), "{}", asked.text);

    let anna = member(&telegram, ANNA).await;
    let code = crate::joining::code_of(&telegram.shop, &Member::of(&telegram.shop, anna["id"].as_str().unwrap()));
    let wrong = format!("{:06}", (code.parse::<u32>().unwrap() + 1) % 1_000_000);
    let update = telegram.update(ANNA, "en", json!({"text": wrong}));
    for _ in 0..3 {
        // one try, however often it comes
        telegram.send(&update).await.expect(200);
        assert_eq!(telegram.api.take_one().text, "The code is wrong. Tries left: 2.");
    }
    let confirmed = telegram.says(ANNA, &code).await;
    assert!(
        confirmed.text.starts_with("Thank you, you are confirmed.\nA gift: 100.00 points for joining\n"),
        "{}",
        confirmed.text
    );
    assert_eq!(member(&telegram, ANNA).await["status"], "active");
    assert_eq!(balance(&telegram, &anna).await["available"], "100.00");
    assert!(telegram.says(ANNA, &code).await.text.starts_with("What I can do:"), "a confirmed member's digits are no code");
    telegram.shop.audit_is_clean().await;
}

#[tokio::test]
async fn whoever_was_erased_is_asked_to_start_again() {
    let telegram = green_house().await;
    let contact = telegram.contact(ANNA, "en", PHONE);
    telegram.send(&contact).await.expect(200);
    telegram.api.take_one();
    let id = member(&telegram, ANNA).await["id"].as_str().unwrap().to_owned();
    telegram.shop.delete(&format!("/v1/members/{id}")).await.expect(200);
    for text in ["/balance", "Card", "hello"] {
        let asked = telegram.says(ANNA, text).await;
        assert!(asked.asks_for_contact && asked.text.contains("/start"), "{asked:?}");
    }
    // an update from before the erasure brings nobody back
    telegram.send(&contact).await.expect(200);
    assert!(telegram.api.take_one().asks_for_contact);
    telegram.shop.get(&format!("/v1/members?telegram={ANNA}")).await.refused(404, "member_not_found");
    assert!(telegram.shares(ANNA, PHONE).await.text.starts_with("You have joined!"));
}

#[tokio::test]
async fn only_telegram_is_let_in_and_only_people_are_answered() {
    let telegram = green_house().await;
    let update = telegram.update(ANNA, "en", json!({"text": "/start"}));
    let longer = format!("{TELEGRAM_SECRET}x");
    for secret in [None, Some(""), Some("secret"), Some(&TELEGRAM_SECRET[1..]), Some(longer.as_str())] {
        for body in [update.to_string().as_str(), "no JSON"] {
            telegram.send_as(secret, body).await.refused(401, "unauthorized");
        }
    }
    for body in ["no JSON", "{", ""] {
        telegram.send_as(Some(TELEGRAM_SECRET), body).await.refused(400, "invalid_json");
    }
    telegram.send_as(Some(TELEGRAM_SECRET), "{}").await.refused(400, "invalid_update");
    let large = json!({"update_id": 1, "message": "x".repeat(3 << 20)}).to_string();
    telegram.send_as(Some(TELEGRAM_SECRET), &large).await.refused(413, "body_too_large");

    let group = json!({"text": "/start", "chat": {"id": -100, "type": "supergroup"}});
    for taken in [
        telegram.update(ANNA, "en", group),
        json!({"update_id": 1, "my_chat_member": {"new_chat_member": {"status": "kicked"}}}),
        json!({"update_id": 2, "edited_message": update["message"]}),
        json!({"update_id": 3}),
    ] {
        telegram.send(&taken).await.expect(200);
    }
    assert!(telegram.api.take_sent().is_empty());
    // a picture is answered, too
    telegram.send(&telegram.update(ANNA, "en", json!({"photo": []}))).await.expect(200);
    assert!(telegram.api.take_one().asks_for_contact);
}

#[tokio::test]
async fn a_bot_whose_deployment_is_not_right_says_what_is_missing() {
    let shop = Shop::open("green-house").await;
    shop.post_without_key(&[], "/v1/telegram/updates", "{}".to_owned()).await.refused(404, "telegram_not_set_up");
    let set_up = |key: &'static str, secret: &'static str| {
        [("telegram_token", "1:x"), ("telegram_secret", secret), ("telegram_key", key), ("telegram_api", "http://127.0.0.1:1")]
    };
    let send = async |shop: &Shop, secret: &str, update: Value| {
        shop.post_without_key(&[("x-telegram-bot-api-secret-token", secret)], "/v1/telegram/updates", update.to_string()).await
    };
    let update = json!({"update_id": 1, "message": {"chat": {"id": 1, "type": "private"}, "from": {"id": 1}, "text": "/start"}});
    let shop = shop.restart_with(&set_up("kk_unknown", "short")).await;
    send(&shop, "short", update.clone()).await.refused(503, "telegram_not_set_up");
    let shop = shop.restart_with(&set_up("kk_unknown", TELEGRAM_SECRET)).await;
    send(&shop, TELEGRAM_SECRET, update.clone()).await.refused(503, "telegram_key_refused");
    // nobody is at that address
    let shop = shop.restart_with(&set_up(tests::ADMIN_KEY, TELEGRAM_SECRET)).await;
    let away = send(&shop, TELEGRAM_SECRET, update).await.refused(503, "telegram_unavailable");
    assert!(!away.to_string().contains("1:x"), "the token is told to nobody: {away}");
    shop.send(Method::GET, "/v1/telegram/updates", None, None).await.refused(404, "not_found");
}
