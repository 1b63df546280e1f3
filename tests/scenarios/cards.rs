//! QR codes: a member's card, which a till scans, and the links by which people join.

use serde_json::json;
use tests::Shop;

/// The rows of a code, dark modules as '#', read off its SVG.
fn modules(svg: &str) -> Vec<String> {
    let path = svg.rsplit_once("d=\"").and_then(|(_, rest)| rest.split_once('"')).expect("a path").0;
    let size: usize = svg.split("viewBox=\"0 0 ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap().parse().unwrap();
    let mut rows = vec![vec![' '; size]; size];
    for run in path.split('M').filter(|run| !run.is_empty()) {
        let (place, rest) = run.split_once('h').expect("a run");
        let (x, y) = place.split_once(' ').expect("a place");
        let length: usize = rest.split('v').next().unwrap().parse().unwrap();
        let (x, y): (usize, usize) = (x.parse().unwrap(), y.parse().unwrap());
        rows[y][x..x + length].fill('#');
    }
    rows.into_iter().map(|row| row.into_iter().collect()).collect()
}

#[tokio::test]
async fn a_member_has_a_card_that_a_till_scans() {
    let shop = Shop::open("fixed").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let till = shop.key(&["till"], Some("moscow")).await.secret;
    let card = shop.get_with(&till, &format!("/v1/members/{}/card.svg", anna.id)).await;
    assert_eq!((card.status.as_u16(), card.content_type.as_str()), (200, "image/svg+xml"));
    let rows = modules(&card.text);
    // three corners by which a scanner finds it, and a light border around
    for (x, y) in [(4, 4), (rows.len() - 11, 4), (4, rows.len() - 11)] {
        let corner: Vec<&str> = rows[y..y + 7].iter().map(|row| &row[x..x + 7]).collect();
        assert_eq!(corner, ["#######", "#     #", "# ### #", "# ### #", "# ### #", "#     #", "#######"]);
    }
    assert!(rows[..4].iter().all(|row| row.trim().is_empty()) && rows.iter().all(|row| row.starts_with("    ")));
    shop.get_with(&till, "/v1/members/mem_1/card.svg").await.refused(404, "member_not_found");
}

#[tokio::test]
async fn a_card_says_its_own_number_where_the_member_has_one() {
    let shop = Shop::open("fixed").await;
    let body = json!({"card": "9876 5432 1098", "channel": "store"});
    let boris = shop.post("/v1/members", &body).await.expect(201)["id"].as_str().unwrap().to_owned();
    let card = |id: String| async { shop.get(&format!("/v1/members/{}/card.svg", { id })).await.text };
    let (first, other) = (card(boris.clone()).await, card(shop.enrol("+7 900 000-00-01").await.id).await);
    // twelve digits take the smallest code there is, an id does not
    assert_eq!(modules(&first).len(), 21 + 8);
    assert!(modules(&other).len() > 21 + 8);
    // who took over another member shows that one's card
    let vera = shop.enrol("+7 900 000-00-02").await;
    shop.post(&format!("/v1/members/{}/merges", vera.id), &json!({"from": boris})).await.expect(201);
    assert_eq!(card(vera.id.clone()).await, first);
}

#[tokio::test]
async fn links_by_which_people_join_lead_to_the_shop_s_page_with_the_member_s_code_or_the_store() {
    let shop = Shop::with_settings("fixed", &[("join_url", "https://shop.example/join?from=app#top")]).await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    let member = shop.get(&format!("/v1/members/{}", anna.id)).await.expect(200);
    let code = member["referral_code"].as_str().unwrap();
    let brought = shop.get(&format!("/v1/members/{}/referrals", anna.id)).await.expect(200);
    assert_eq!(brought["referral_code"], code);
    assert_eq!(brought["referral_link"], format!("https://shop.example/join?from=app&referral_code={code}#top"));
    let till = shop.key(&["till"], Some("moscow")).await.secret;
    let drawn = |key: String, path: String| {
        let shop = &shop;
        async move {
            let answer = shop.get_with(&key, &path).await;
            assert_eq!((answer.status.as_u16(), answer.content_type.as_str()), (200, "image/svg+xml"), "{path}");
            modules(&answer.text)
        }
    };
    let all = |path: &str| drawn(tests::ADMIN_KEY.to_owned(), path.to_owned());
    assert!(all(&format!("/v1/members/{}/referral.svg", anna.id)).await.len() > 21 + 8);
    let (nowhere, moscow) = (all("/v1/join.svg").await, all("/v1/join.svg?store=moscow").await);
    assert_ne!(nowhere, moscow);
    let of_the_till = drawn(till.clone(), "/v1/join.svg?store=tver".to_owned()).await;
    assert_eq!(of_the_till, moscow, "a till's code is of its own store");
}

#[tokio::test]
async fn without_a_page_to_join_on_there_are_codes_and_no_links() {
    let shop = Shop::open("fixed").await;
    let anna = shop.enrol("+7 900 000-00-01").await;
    assert_eq!(
        shop.get(&format!("/v1/members/{}/referrals", anna.id)).await.expect(200)["referral_link"],
        serde_json::Value::Null
    );
    shop.get("/v1/join.svg").await.refused(404, "join_page_missing");
    shop.get(&format!("/v1/members/{}/referral.svg", anna.id)).await.refused(404, "join_page_missing");
}
