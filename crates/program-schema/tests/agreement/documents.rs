//! Valid documents that together have every field there is.

use serde_json::{Value, json};

/// Each is valid; what can't stand together (bases of tiers, kinds of expiry) stands apart.
pub fn documents() -> Vec<Value> {
    let mut documents = vec![with_tiers_by("spend"), with_tiers_by("orders"), with_tiers_by("points"), with_a_list_of_tiers()];
    let mut blocks = every_block();
    // a block by itself, beside the tiers that its conditions name: thousands of changes are tried on each document
    for name in ["discounts", "earning", "perks", "events"] {
        let block = blocks.as_object_mut().expect("blocks").remove(name).expect("a block");
        documents.push(with(json!({"tiers": tiers_used_by(name, &blocks["tiers"]), name: block})));
    }
    blocks["tiers"] = tiers_used_by("", &blocks["tiers"]);
    // what a filled profile is worth stands among the events
    blocks["events"] = json!([{"id": "filled", "type": "profile_filled", "points": "10"}]);
    documents.push(with(by_itself()));
    documents.push(with(blocks));
    documents
}

/// The tiers with what rules of this block give, and nothing that no rule gives.
fn tiers_used_by(block: &str, tiers: &Value) -> Value {
    let mut tiers = tiers.clone();
    for step in tiers["steps"].as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
        step.retain(|name, _| match name.as_str() {
            "rate" | "rate_promo" => block == "earning",
            "discount" => block == "discounts",
            _ => true,
        });
    }
    tiers
}

fn heading() -> Value {
    json!({
        "name": "everything", "description": "Every field.", "currency": "RUB", "time_zone": "Europe/Moscow",
        "points": {
            "name": "points", "names": {"ru": "баллов"}, "scale": 2, "conversion_rate": "0.50",
            "rounding": {"mode": "half_even", "scale": 1, "per": "line"}
        }
    })
}

fn with(blocks: Value) -> Value {
    let mut document = heading();
    for (name, block) in blocks.as_object().expect("blocks") {
        document[name] = block.clone();
    }
    document
}

/// All conditions that an order knows.
fn when() -> Value {
    json!({
        "order_total": {"min": "100", "below": "5000.50"}, "channels": ["site", "app"], "stores": ["nevsky"], "tiers": ["gold"],
        "segments": ["premium"], "first_order": false, "orders": {"min": 2, "every": 3, "within_days": 30},
        "weekdays": ["monday", "sunday"], "hours": {"from": "18:30", "to": "24:00"},
        "dates": {"from": "2026-03-01", "to": "2026-12-31"}, "voucher": true,
        "products": {"skus": ["drill"], "categories": ["toys"], "brands": ["acme"], "labels": ["new"], "promo": false},
        "new_category": true, "quantity": {"min": "0.250", "below": 100}
    })
}

fn limits() -> Value {
    json!({"per_order": "10", "per_day": 20, "per_member": "30.5", "budget": "1000", "times_per_member": 3, "cooldown_days": 7})
}

fn every_block() -> Value {
    let discount = |id: &str| {
        json!({
            "id": id, "description": "A discount.", "priority": -5, "stop": true, "stackable": false, "exclusive": false,
            "per_order": "500.00"
        })
    };
    let earning = |id: &str| {
        json!({
            "id": id, "description": "A rule.", "priority": -5, "stop": true, "stackable": false, "exclusive": false,
            "limits": limits(), "activation": {"type": "days", "days": 14}, "expiry": {"type": "months", "months": 3}
        })
    };
    let furnished = |mut rule: Value, fields: Value| {
        for (name, value) in fields.as_object().expect("fields") {
            rule[name] = value.clone();
        }
        rule
    };
    json!({
        "referral": {
            "description": "A note.", "paid_on": "first_purchase", "order_min": "1000",
            "referrer": {"description": "A note.", "id": "brought", "points": "500", "activation": {"type": "days", "days": 14}},
            "referee": {"description": "A note.", "id": "invited", "points": 300, "expiry": {"type": "days", "days": 90}},
            "limits": {
                "description": "A note.", "per_referrer": 50,
                "per_period": {"description": "A note.", "friends": 5, "days": 30}
            }
        },
        "earning_basis": {"of": "items_and_delivery", "tax": "excluded", "points_paid": "gross"},
        "returns": {"clawback": "within_balance", "returned_grace": {"type": "calendar", "dates": ["01-01", "02-28"]}},
        "tiers": {"basis": "spend", "steps": [
            {"id": "base", "name": "Base", "threshold": 0, "rate": "3", "rate_promo": "1", "discount": "0", "perks": []},
            {"id": "gold", "description": "A tier.", "name": "Gold", "threshold": "30000", "strictly_over": true, "rate": "5",
             "discount": "10", "perks": [{"id": "delivery", "name": "Free delivery"}]}
        ]},
        "enrolment": {
            "membership_starts_with": {"description": "One purchase.", "order_min": "1500"},
            "confirmation": {"description": "A code.", "welcome": "after"},
            "accepted_rules": {"description": "These.", "version": "2026-01", "before": "spending"},
            "profile_filled": {"description": "Who they are.", "fields": ["first_name", "birthday", "attributes.size"]},
            "welcome": {
                "id": "welcome", "description": "Hello.", "points": "500", "channels": ["bot"],
                "activation": {"type": "immediately"}, "expiry": {"type": "calendar", "dates": ["01-01", "05-01"]}
            }
        },
        "discounts": [
            furnished(discount("d-percent"), json!({"type": "percent", "rate": "0.0001", "when": when()})),
            furnished(discount("d-tier"), json!({"type": "tier"})),
            furnished(discount("d-price"), json!({"type": "price", "price": 0, "when": {"products": {"skus": ["nail"]}}})),
            furnished(discount("d-buy"), json!({"type": "buy_get", "buy": 2, "get": 1, "rate": "49.9"})),
            furnished(discount("d-amount"), json!({"type": "amount", "amount": "0.01"})),
            furnished(discount("d-steps"), json!({
                "type": "steps", "by": "qualifying_spend", "steps": [{"from": "0", "rate": 3}, {"from": "20000.00", "rate": "7"}]
            }))
        ],
        "earning": [
            furnished(earning("e-percent"), json!({
                "type": "percent", "rate": "33.3333", "rate_promo": "1", "when": when()
            })),
            furnished(earning("e-tier"), json!({"type": "percent", "when": {"tiers": ["base", "gold"]}})),
            furnished(earning("e-fixed"), json!({"type": "fixed", "points": 7})),
            furnished(earning("e-per-amount"), json!({"type": "per_amount", "points": "10", "every": "100"})),
            furnished(earning("e-multiplier"), json!({"type": "multiplier", "factor": "1.000001", "priority": -6}))
        ],
        "perks": [{"id": "courier", "description": "A perk.", "name": "Free courier", "when": {"order_total": {"min": 499}}}],
        "events": [
            {"id": "review", "description": "A review.", "type": "review", "points": "50", "tier": {"id": "gold", "days": 30},
             "when": {"channels": ["site"], "tiers": ["base"], "segments": ["staff"], "weekdays": ["friday"],
                      "hours": {"from": "22:00", "to": "04:00"}, "dates": {"from": "2026-01-01"}},
             "limits": {"times_per_member": 1}, "activation": {"type": "days", "days": 1}, "expiry": {"type": "days", "days": 30}},
            {"id": "game", "type": "game", "points_from_event": {"min": "1", "max": "200"},
             "expiry": {"type": "end_of_month", "months": 1}}
        ],
        "margin_guard": {"floor": "12.5", "covers": ["discounts", "redemption"]},
        "redemption": {
            "max_share": 30, "min_points": "1", "increment": "0.5", "exclude": {"skus": ["card"], "promo": true},
            "combinable_with_discounts": false, "channels": ["app"], "hold_minutes": 10_080, "confirmation_above": 0
        }
    })
}

fn with_tiers_by(basis: &str) -> Value {
    let thresholds = match basis {
        "spend" => [json!("0.00"), json!("30000.50")],
        "orders" => [json!(0), json!(100_000)],
        _ => [json!(0), json!("500.5")],
    };
    let [first, second] = thresholds;
    with(json!({
        "tiers": {
            "basis": basis, "window": "rolling_12_months", "downgrade": "one_step", "grace_days": 30,
            "steps": [
                {"id": "base", "name": "Base", "threshold": first, "rate": "3"},
                {"id": "gold", "name": "Gold", "threshold": second, "rate": "5"}
            ]
        },
        "returns": {"returned_grace": {"type": "days", "days": 14}},
        "annulment": {"notice_days": 365},
        "earning": [{"id": "purchase", "type": "percent", "expiry": {"type": "inactivity", "days": 90}}]
    }))
}

fn with_a_list_of_tiers() -> Value {
    with(json!({
        "tiers": [{"id": "base", "name": "Base", "threshold": "0", "rate": "3"}],
        "returns": {"clawback": "pending_only", "returned_grace": {"type": "end_of_month"}},
        "earning": [{"id": "purchase", "type": "percent", "expiry": {"type": "never"}}]
    }))
}

/// What happens by itself, with what it refers to.
fn by_itself() -> Value {
    json!({
        "enrolment": {"profile_filled": {"fields": ["first_name"]}},
        "tiers": [{"id": "gold", "name": "Gold", "threshold": "0"}],
        "discounts": [{"id": "code", "type": "percent", "rate": "1", "when": {"voucher": true}}],
        "events": [{"id": "filled", "type": "profile_filled", "points": "10"}],
        "occasions": [
            {"id": "soon", "description": "Before.", "date": "birthday", "days_before": 7, "event": "birthday_soon"},
            {"id": "after", "date": "important_date", "days_after": 1, "event": "after"},
            {"id": "year", "date": "anniversary", "event": "year"}
        ],
        "triggers": [
            {"id": "sleeping", "description": "Asleep.", "on": "no_purchase", "days": 60, "event": "sleeping", "cooldown_days": 90,
             "voucher": {"description": "A code.", "rule": "code", "days": 7}},
            {"id": "refill", "on": "purchase", "categories": ["coffee"], "skus": ["c-1"], "days": 30, "unless": "bought_again",
             "event": "refill"},
            {"id": "first", "on": "first_purchase", "event": "first"},
            {"id": "name", "on": "joined", "days": 3, "unless": "profile_filled", "event": "name"},
            {"id": "up", "on": "tier_reached", "tiers": ["gold"], "event": "up"},
            {"id": "down", "on": "tier_ending", "days": 14, "event": "down"},
            {"id": "cart", "on": "event", "type": "cart_abandoned", "hours": 3, "unless": "bought", "event": "cart",
             "voucher": {"rule": "code", "days": 2, "goods": "of_event"}}
        ],
        "reminders": {"description": "Before it is gone.", "days": [14, 7, 1]},
        "messages": {
            "description": "Not too often.",
            "cascade": [
                {"description": "Cheap.", "channel": "email", "wait_hours": 24, "until": "opened"}, {"channel": "sms", "until": "delivered"},
                {"channel": "messenger"}, {"channel": "push"}
            ],
            "quiet_hours": {"description": "Night.", "from": "21:00", "to": "09:00"},
            "cap": {"description": "Enough.", "messages": 3, "days": 7},
            "templates": [
                {"description": "In time.", "kind": "points.expiring", "purpose": "service",
                 "en": {"description": "Plain.", "subject": "{{ points }}", "text": "{{ points }}", "short": "{{ days }}"}}
            ]
        },
        "annulment": {"description": "Not before they know.", "notice_days": 30}
    })
}
