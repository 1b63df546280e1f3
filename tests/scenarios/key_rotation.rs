//! A key's life: made for a time or for good, listed without its secret, replaced by a successor while both live.

use std::sync::Arc;

use http::Method;
use serde_json::{Value, json};
use tests::{ApiKey, Shop};

use crate::concurrency::at_once;

/// Whether a key opens anything.
async fn opens(shop: &Shop, secret: &str) -> bool {
    let answer = shop.get_with(secret, "/v1/program").await;
    if answer.status == 200 {
        return true;
    }
    answer.refused(401, "unauthorized");
    false
}

async fn rotate(shop: &Shop, key: &ApiKey, body: Value) -> tests::Answer {
    shop.post(&format!("/v1/keys/{}/rotation", key.id), &body).await
}

fn made(answer: &Value) -> ApiKey {
    let text = |field: &str| answer[field].as_str().unwrap_or_else(|| panic!("{field}: {answer}")).to_owned();
    ApiKey { id: text("id"), secret: text("key") }
}

/// What the list says of a key.
async fn listed(shop: &Shop, id: &str) -> Value {
    let keys = shop.get("/v1/keys?limit=200").await.expect(200);
    let found = keys["items"].as_array().unwrap().iter().find(|key| key["id"] == id);
    found.unwrap_or_else(|| panic!("{id} is in {keys}")).clone()
}

#[tokio::test]
async fn a_rotated_key_and_its_successor_both_open_until_the_old_one_ends() {
    let shop = Shop::open("fixed").await;
    let old = shop.key(&["till", "staff"], Some("moscow")).await;
    let answer = rotate(&shop, &old, json!({})).await.expect(201);
    let new = made(&answer);
    assert_eq!((&answer["scopes"], &answer["store"]), (&json!(["till", "staff"]), &json!("moscow")), "as the old one");
    assert_eq!((&answer["replaces"], &answer["expires_at"]), (&json!(old.id), &Value::Null));
    assert_eq!(answer["replaced_ends_at"], "2026-01-22T09:00:00Z", "a week unless told otherwise");
    assert_ne!(old.secret, new.secret);
    assert!(opens(&shop, &old.secret).await && opens(&shop, &new.secret).await);

    shop.at("2026-01-22T08:59:00Z").await;
    assert!(opens(&shop, &old.secret).await && opens(&shop, &new.secret).await);
    shop.at("2026-01-22T09:00:00Z").await;
    assert!(!opens(&shop, &old.secret).await && opens(&shop, &new.secret).await);
    // the end is no matter of one call: whatever loads in another way knows it too
    let phone = json!({"phone": "+7 900 000-00-01", "channel": "store"});
    shop.post_with(&old.secret, "/v1/members", &phone).await.refused(401, "unauthorized");
    shop.post_with(&old.secret, "/v1/jobs/migrate/runs", &json!({})).await.refused(401, "unauthorized");
    shop.get_with(&old.secret, "/v1/audit").await.refused(401, "unauthorized");
    shop.post_with(&new.secret, "/v1/members", &phone).await.expect(201);
    assert_eq!(listed(&shop, &old.id).await["status"], "expired");
}

#[tokio::test]
async fn the_shop_says_how_long_the_old_key_goes_on() {
    let shop = Shop::open("fixed").await;
    let old = shop.key(&["storefront"], None).await;
    for (end, code) in [("2026-01-15T09:00:00Z", "out_of_range"), ("tomorrow", "not_a_time")] {
        let refused = rotate(&shop, &old, json!({"replaced_ends_at": end})).await.refused_at(422, "/replaced_ends_at");
        assert_eq!(refused["errors"][0]["code"], code);
    }
    rotate(&shop, &old, json!({"ends": "now"})).await.refused(422, "invalid_request");
    let new = made(&rotate(&shop, &old, json!({"replaced_ends_at": "2026-01-15T10:00:00Z"})).await.expect(201));
    shop.minutes_pass(60).await;
    assert!(!opens(&shop, &old.secret).await && opens(&shop, &new.secret).await);
}

#[tokio::test]
async fn a_key_has_one_successor_which_has_one_in_turn() {
    let shop = Shop::open("fixed").await;
    let first = shop.key(&["jobs"], None).await;
    let second = made(&rotate(&shop, &first, json!({})).await.expect(201));
    let refused = rotate(&shop, &first, json!({})).await.refused(409, "already_rotated");
    assert_eq!(refused["successor_id"], second.id);
    let third = made(&rotate(&shop, &second, json!({})).await.expect(201));
    assert_eq!(listed(&shop, &second.id).await["replaced_by"], third.id);
    shop.delete(&format!("/v1/keys/{}", third.id)).await.expect(200);
    rotate(&shop, &third, json!({})).await.refused(404, "key_not_found");
    let unknown = ApiKey { id: "key_1".to_owned(), secret: String::new() };
    rotate(&shop, &unknown, json!({})).await.refused(404, "key_not_found");
}

#[tokio::test]
async fn twenty_that_rotate_a_key_at_once_make_one_successor() {
    let shop = Arc::new(Shop::open("fixed").await);
    let key = shop.key(&["jobs"], None).await;
    let path = format!("/v1/keys/{}/rotation", key.id);
    let mut made = 0;
    for answer in at_once(&shop, (0..20).map(|_| (path.clone(), json!({})))).await {
        if answer.status == 201 {
            made += 1;
        } else {
            answer.refused(409, "already_rotated");
        }
    }
    assert_eq!(made, 1);
}

#[tokio::test]
async fn a_repeated_rotation_tells_the_successor_s_secret_again() {
    let shop = Shop::open("fixed").await;
    let key = shop.key(&["jobs"], None).await;
    let path = format!("/v1/keys/{}/rotation", key.id);
    let first = shop.post_as("the-rotation", &path, &json!({})).await;
    let again = shop.post_as("the-rotation", &path, &json!({})).await;
    assert_eq!((again.replayed, again.text), (true, first.text));
}

#[tokio::test]
async fn a_key_for_a_time_ends_by_itself_and_so_does_its_successor() {
    let shop = Shop::open("fixed").await;
    let body = json!({"scopes": ["storefront"], "name": "a campaign's site", "expires_at": "2026-01-25T09:00:00Z"});
    let key = made(&shop.post("/v1/keys", &body).await.expect(201));
    for (end, code) in [("2026-01-15T09:00:00Z", "out_of_range"), ("soon", "not_a_time")] {
        let refused = shop.post("/v1/keys", &json!({"scopes": ["jobs"], "expires_at": end})).await;
        assert_eq!(refused.refused_at(422, "/expires_at")["errors"][0]["code"], code);
    }
    shop.days_pass(9).await;
    assert!(opens(&shop, &key.secret).await);
    // ten days again; the old one has one day left, not a week
    let answer = rotate(&shop, &key, json!({})).await.expect(201);
    assert_eq!(answer["expires_at"], "2026-02-03T09:00:00Z");
    assert_eq!(answer["replaced_ends_at"], "2026-01-25T09:00:00Z");
    shop.days_pass(1).await;
    assert!(!opens(&shop, &key.secret).await && opens(&shop, &made(&answer).secret).await);
    rotate(&shop, &key, json!({})).await.refused(404, "key_not_found");
    shop.delete(&format!("/v1/keys/{}", key.id)).await.refused(404, "key_not_found");
}

#[tokio::test]
async fn keys_are_listed_newest_first_without_their_secrets() {
    let shop = Shop::open("fixed").await;
    let till = shop.key(&["till"], Some("moscow")).await;
    shop.minutes_pass(1).await;
    let site = shop.key(&["storefront"], None).await;
    shop.minutes_pass(1).await;
    shop.delete(&format!("/v1/keys/{}", site.id)).await.expect(200);
    let next = made(&rotate(&shop, &till, json!({})).await.expect(201));
    let page = shop.get("/v1/keys?limit=2").await;
    for key in [&till, &site, &next] {
        assert!(!page.text.contains(&key.secret) && !page.text.contains(key.secret.trim_start_matches("kk_")));
    }
    let page = page.expect(200);
    assert_eq!(page["items"][0]["id"], next.id);
    assert_eq!(
        page["items"][1],
        json!({"id": site.id, "name": "storefront", "scopes": ["storefront"], "store": null, "status": "revoked",
               "created_at": "2026-01-15T09:01:00Z", "expires_at": null, "revoked_at": "2026-01-15T09:02:00Z",
               "replaces": null, "replaced_by": null})
    );
    let rest = shop.get(&format!("/v1/keys?cursor={}", page["next_cursor"].as_str().unwrap())).await.expect(200);
    assert_eq!(rest["items"].as_array().unwrap().len(), 1);
    let oldest = &rest["items"][0];
    assert_eq!((&oldest["id"], &oldest["status"], &oldest["replaced_by"]), (&json!(till.id), &json!("active"), &json!(next.id)));
    assert_eq!((&oldest["expires_at"], &rest["next_cursor"]), (&json!("2026-01-22T09:02:00Z"), &Value::Null));
    shop.send(Method::GET, "/v1/keys?cursor=nonsense", None, None).await.refused_at(422, "/cursor");
}
