//! Random programs, orders, members and payments: most of them everyday ones, some at the edges of the contract.

use rules::engine::{
    Activity, Agreed, Discounts, Event, GrantedTier, Line, Member, NamedValue, Order, Payment, UseOfRule, Voucher,
};
use serde_json::{Value, json};

use crate::common::NOON;

/// A small generator of numbers (splitmix64): the tests need many cases, not good randomness.
pub struct Chance(pub u64);

impl Chance {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    pub fn one_in(&mut self, cases: u64) -> bool {
        self.below(cases) == 0
    }

    pub fn pick<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize].clone()
    }

    /// Mostly everyday amounts, sometimes the edges of the contract and beyond.
    pub fn amount(&mut self) -> i64 {
        match self.below(400) {
            0 => self.pick(&[i64::MIN, -1, 1_000_000_000_000, 1_000_000_000_001, i64::MAX]),
            1..40 => 0,
            40..80 => self.below(10) as i64,
            80..86 => self.below(1_000_000_000_000) as i64,
            _ => self.below(5_000_000) as i64,
        }
    }

    pub fn line(&mut self, id: u64) -> Line {
        let price = self.amount();
        let quantity = self.pick(&[1_000, 1_000, 2_000, 333, 1, 12_345, 1_000]);
        let gross = (i128::from(price) * i128::from(quantity) / 1_000).clamp(0, 1_000_000_000_000) as u64;
        let word = |chance: &mut Self, words: &[&str]| chance.one_in(2).then(|| chance.pick(words).to_owned());
        Line {
            id: if self.one_in(400) { "same".to_owned() } else { id.to_string() },
            sku: format!("sku-{}", self.below(5)),
            category: word(self, &["toys", "gift cards"]),
            brand: word(self, &["lego", "acme"]),
            labels: word(self, &["product-of-the-month", "new"]).into_iter().collect(),
            quantity: if self.one_in(400) { self.amount() } else { quantity },
            price,
            discount: if self.one_in(3) { self.below(gross + 1) as i64 } else { 0 },
            cost: self.one_in(2).then(|| self.amount()),
            tax: self.one_in(3).then(|| self.amount()),
            promo: self.one_in(3),
        }
    }

    pub fn order(&mut self) -> Order {
        let lines = self.below(8) + u64::from(!self.one_in(50));
        Order {
            occurred_at: if self.one_in(100) { self.next() as i64 } else { NOON + self.below(100_000_000_000) as i64 },
            channel: self.pick(&["site", "app", "store"]).to_owned(),
            store: self.one_in(2).then(|| "nevsky".to_owned()),
            discounts: if self.one_in(8) { Discounts::ForAnybody } else { Discounts::ByRules },
            with_offers: !self.one_in(4),
            lines: (0..lines).map(|id| self.line(id)).collect(),
            delivery: if self.one_in(4) { self.amount() } else { 0 },
            vouchers: (0..self.below(3)).map(|_| self.voucher()).collect(),
        }
    }

    fn voucher(&mut self) -> Voucher {
        let skus = if self.one_in(2) { vec![format!("sku-{}", self.below(5))] } else { Vec::new() };
        Voucher { code: "CODE".to_owned(), rule_id: self.pick(&["d1", "x1", "come-back"]).to_owned(), skus }
    }

    pub fn member(&mut self) -> Member {
        let ids = ["base", "standart", "gold", "vip", "nobody"];
        let mut uses = Vec::new();
        for rule in ["x1", "x2", "x4", "purchase"] {
            if self.one_in(2) {
                uses.push(self.used(rule));
            }
        }
        Member {
            orders: self.below(6) as u32,
            qualifying_spend: self.amount(),
            largest_order: self.amount(),
            earned: self.amount(),
            available: self.amount(),
            segments: self.one_in(2).then(|| self.pick(&["premium", "staff"]).to_owned()).into_iter().collect(),
            tier: self.one_in(2).then(|| self.pick(&ids).to_owned()),
            grace_until: self.one_in(3).then(|| NOON + self.below(100_000_000_000) as i64),
            stepped_at: self.one_in(3).then(|| NOON - self.below(100_000_000_000) as i64),
            granted_tiers: (0..self.below(3)).map(|_| self.granted(&ids)).collect(),
            activity: (0..self.below(4)).map(|_| self.activity()).collect(),
            uses,
            categories: self.one_in(2).then(|| "toys".to_owned()).into_iter().collect(),
        }
    }

    fn granted(&mut self, ids: &[&str]) -> GrantedTier {
        let until = self.one_in(2).then(|| NOON + self.below(100_000_000_000) as i64);
        GrantedTier { id: self.pick(ids).to_owned(), until }
    }

    fn activity(&mut self) -> Activity {
        Activity { orders: self.below(6) as u32, spend: self.amount(), earned: self.amount() }
    }

    fn used(&mut self, rule: &str) -> UseOfRule {
        UseOfRule {
            rule_id: rule.to_owned(),
            times: self.below(4) as u32,
            points: self.below(5_000) as i64,
            points_today: self.below(5_000) as i64,
            last_at: self.one_in(2).then(|| NOON + self.below(1_000_000_000) as i64),
            points_of_all: self.below(50_000) as i64,
        }
    }

    pub fn event(&mut self) -> Event {
        Event {
            type_name: self.pick(&["review", "game", "visit"]).to_owned(),
            occurred_at: if self.one_in(50) { self.next() as i64 } else { NOON },
            channel: self.one_in(2).then(|| "site".to_owned()),
            points: self.one_in(2).then(|| self.amount()),
        }
    }

    pub fn payment(&mut self) -> Payment {
        match self.below(6) {
            0 => Payment::None,
            1 => Payment::Exact(self.amount()),
            2 => Payment::Exact(self.below(1_000) as i64),
            3 => Payment::Agreed(Agreed { points: self.amount(), money: self.below(10_000) as i64 }),
            _ => Payment::Maximum,
        }
    }

    /// Changes something somewhere in the document.
    pub fn mutate(&mut self, value: &mut Value) {
        match value {
            Value::Object(fields) if !fields.is_empty() && !self.one_in(12) => {
                let names: Vec<_> = fields.keys().cloned().collect();
                let name = self.pick(&names);
                match self.below(14) {
                    0 => drop(fields.remove(&name)),
                    1 => drop(fields.insert("surplus".to_owned(), json!(1))),
                    _ => self.mutate(&mut fields[&name]),
                }
            }
            Value::Array(entries) if !entries.is_empty() && !self.one_in(12) => {
                let index = self.below(entries.len() as u64) as usize;
                match self.below(10) {
                    0 => drop(entries.remove(index)),
                    1 => entries.push(entries[index].clone()),
                    2 => entries.reverse(),
                    _ => self.mutate(&mut entries[index]),
                }
            }
            _ => *value = self.value(),
        }
    }

    pub fn value(&mut self) -> Value {
        let number = self.below(120);
        self.pick(&[
            json!(number),
            json!(number.to_string()),
            json!(format!("{number}.5")),
            json!(format!("0.{number:02}")),
            json!("10000000000"),
            json!("-1"),
            json!(0),
            json!(2.5),
            json!(null),
            json!(true),
            json!(false),
            json!("percent"),
            json!("fixed"),
            json!("Asia/Yekaterinburg"),
            json!("America/Sao_Paulo"),
            json!([]),
            json!({}),
            json!({"type": "days", "days": number}),
            json!({"type": "months", "months": number}),
            json!({"type": "calendar", "dates": ["02-28", "03-01"]}),
            json!({"id": "gift", "type": "fixed", "points": number.to_string(), "stop": true}),
            json!({"max_share": number.to_string(), "increment": "0.5", "exclude": {"promo": true}}),
        ])
    }

    /// A `when` with some of all that conditions there are.
    fn when(&mut self) -> Value {
        let number = self.below(20) + 1;
        let choices = [
            ("order_total", json!({"min": number * 100})),
            ("order_total", json!({"below": number * 1_000})),
            ("channels", json!(["site", "app"])),
            ("stores", json!(["nevsky"])),
            ("segments", json!(["premium"])),
            ("first_order", json!(self.one_in(2))),
            ("orders", json!({"min": self.below(5) + 1})),
            ("orders", json!({"every": self.below(4) + 2, "within_days": number})),
            ("weekdays", json!(["monday", "saturday", "sunday"])),
            ("hours", json!({"from": "18:30", "to": "03:00"})),
            ("hours", json!({"from": "09:00", "to": "15:00"})),
            ("dates", json!({"from": "2026-03-01", "to": "2026-12-31"})),
            ("voucher", json!(true)),
            ("new_category", json!(true)),
            ("quantity", json!({"min": "2", "below": "100.5"})),
            ("products", json!({"categories": ["toys"], "labels": ["new"], "promo": self.one_in(2)})),
        ];
        let mut when = serde_json::Map::new();
        for _ in 0..self.below(3) {
            let (name, condition) = self.pick(&choices);
            when.insert(name.to_owned(), condition);
        }
        when.into()
    }

    fn limits(&mut self) -> Value {
        let choices = [
            json!({"per_order": "7"}),
            json!({"per_day": "20.5", "per_member": "30"}),
            json!({"budget": "400"}),
            json!({"per_order": "50", "times_per_member": 2, "cooldown_days": 5}),
        ];
        self.pick(&choices)
    }

    fn earning_rule(&mut self, id: &str) -> Value {
        let rate = self.below(40);
        let kinds = [
            json!({"type": "percent", "rate": rate, "rate_promo": "0.0001"}),
            json!({"type": "percent", "rate": "33.3333"}),
            json!({"type": "fixed", "points": (rate + 1).to_string()}),
            json!({"type": "per_amount", "points": "3", "every": (rate + 1) * 10}),
            json!({"type": "multiplier", "factor": "1.5"}),
        ];
        let mut rule = self.pick(&kinds);
        rule["id"] = id.into();
        self.furnish(&mut rule);
        if self.one_in(3) {
            rule["limits"] = self.limits();
        }
        if self.one_in(4) {
            rule["expiry"] =
                self.pick(&[json!({"type": "inactivity", "days": 90}), json!({"type": "end_of_month", "months": 1})]);
        }
        rule
    }

    fn discount_rule(&mut self, id: &str) -> Value {
        let rate = self.below(40) + 1;
        let kinds = [
            json!({"type": "percent", "rate": rate}),
            json!({"type": "price", "price": rate * 10}),
            json!({"type": "buy_get", "buy": 2, "get": 1}),
            json!({"type": "buy_get", "buy": 1, "get": 3, "rate": "49.9"}),
            json!({"type": "amount", "amount": rate * 5}),
            json!({"type": "steps", "by": "order_total", "steps": [{"from": "100", "rate": "1"}, {"from": "5000.01", "rate": rate}]}),
            json!({"type": "steps", "by": "qualifying_spend", "steps": [{"from": "0", "rate": "3"}, {"from": "20000", "rate": rate}]}),
        ];
        let mut rule = self.pick(&kinds);
        rule["id"] = id.into();
        self.furnish(&mut rule);
        if rule["type"] == "price" {
            rule["when"]["products"] = json!({"skus": ["sku-1", "sku-2"]});
        }
        if self.one_in(3) {
            rule["per_order"] = json!(self.below(100) + 1);
        }
        rule
    }

    fn furnish(&mut self, rule: &mut Value) {
        rule["priority"] = json!(self.below(5));
        rule["when"] = self.when();
        // what fires alone comes first, what multiplies comes last: otherwise most programs have rules that never fire
        match self.below(8) {
            0 => rule["stop"] = true.into(),
            1 => (rule["exclusive"], rule["priority"]) = (true.into(), 9.into()),
            2 => (rule["stackable"], rule["priority"]) = (false.into(), 12.into()),
            _ => {}
        }
        if rule["type"] == "multiplier" {
            rule["priority"] = json!(-1);
        }
    }

    fn add_what_happens_by_itself(&mut self, document: &mut Value) {
        let (offset, wait) = (1 + self.below(40), 1 + self.below(90));
        let (side, unit) = (self.pick(&["days_before", "days_after"]), self.pick(&["days", "hours"]));
        document["occasions"] = json!([
            {"id": "o1", "date": self.pick(&["birthday", "important_date", "anniversary"]), "event": "gift"},
            {"id": "o2", "date": "birthday", side: offset, "event": "near"}
        ]);
        document["triggers"] = json!([
            {"id": "t1", "on": "no_purchase", "days": wait, "event": "sleeping"},
            {"id": "t2", "on": self.pick(&["purchase", "first_purchase", "joined"]), unit: wait, "unless": "bought",
             "event": "after", "cooldown_days": wait},
            {"id": "t3", "on": "event", "type": "cart_abandoned", "event": "cart"}
        ]);
        document["reminders"] = json!({"days": self.pick(&[json!([14, 7, 1]), json!([30])])});
        document["annulment"] = json!({"notice_days": self.pick(&[json!(1), json!(30), json!(365)])});
        self.add_messages(document);
    }

    fn add_messages(&mut self, document: &mut Value) {
        let text = self.pick(&[
            "{{ points | number }} {{ points | plural('a', 'b', 'c') }}",
            "{% if first_name %}{{ first_name }}{% else %}{{ program }}{% endif %}",
            "{{ available }}",
            "{{ expires_at | last_day }} {{ expires_at | time }}",
        ]);
        let words = json!({"text": text, "subject": "{{ points_name | or('x') }}"});
        document["messages"] = json!({
            "cascade": [{"channel": "email", "wait_hours": 1 + self.below(400), "until": "opened"}, {"channel": "sms"}],
            "templates": [{"kind": self.pick(&["points.expiring", "points.activated", "member.code"]), "en": words, "ru": words},
                          {"kind": "trigger", "of": "t1", "en": {"text": "{{ at | day }}"}, "ru": {"text": "{{ points }}"}}]
        });
        if self.one_in(2) {
            document["messages"]["quiet_hours"] = self.pick(&[
                json!({"from": "21:00", "to": "09:00"}),
                json!({"from": "13:00", "to": "15:30"}),
                json!({"from": "00:00", "to": "24:00"}),
                json!({"from": "22:15", "to": "24:00"}),
            ]);
            document["messages"]["cap"] = json!({"messages": self.below(4), "days": 7});
        }
    }

    /// What a message may say, sometimes what it never does.
    pub fn values(&mut self) -> Vec<NamedValue> {
        let names = ["points", "expires_at", "days", "available", "first_name", "code", "at", "to", "voucher_code", "strange"];
        let value = |name: &&str| NamedValue {
            name: (*name).to_owned(),
            value: self
                .pick(&[
                    "249.50",
                    "-1",
                    "",
                    "2026-03-31T21:00:00Z",
                    "9999-12-31T23:59:59Z",
                    "Anna {{ x }}",
                    "99999999999999999999999999999999",
                ])
                .to_owned(),
        };
        names.iter().map(value).collect()
    }

    /// Blocks that the presets don't have, or have otherwise.
    pub fn extend(&mut self, document: &mut Value) {
        let mut rules: Vec<Value> = document["earning"].as_array().cloned().unwrap_or_default();
        for id in ["x1", "x2", "x3", "x4"] {
            if self.one_in(2) {
                rules.push(self.earning_rule(id));
            }
        }
        document["earning"] = rules.into();
        let mut discounts: Vec<Value> = document["discounts"].as_array().cloned().unwrap_or_default();
        for id in ["d1", "d2", "d3"] {
            if self.one_in(3) {
                discounts.push(self.discount_rule(id));
            }
        }
        document["discounts"] = discounts.into();
        let rate = self.below(100);
        if self.one_in(2) {
            document["redemption"] = json!({
                "max_share": rate, "min_points": self.below(50) + 1, "increment": self.pick(&["0.01", "7", "100"]),
                "exclude": {"skus": ["sku-1"], "brands": ["acme"]}, "confirmation_above": rate,
                "combinable_with_discounts": self.one_in(2)
            });
        }
        if self.one_in(3) {
            document["points"]["scale"] = json!(2 + self.below(3));
            document["points"]["conversion_rate"] = json!(self.pick(&["0.01", "0.30", "1.00", "7.77", "10000000000"]));
        }
        if self.one_in(3) {
            document["points"]["rounding"] = json!({
                "mode": self.pick(&["down", "half_up", "half_even", "up"]), "scale": self.below(3), "per": self.pick(&["rule", "line"])
            });
        }
        if self.one_in(3) {
            document["earning_basis"] = json!({
                "of": self.pick(&["items", "items_and_delivery"]), "tax": self.pick(&["included", "excluded"]),
                "points_paid": self.pick(&["net", "gross"])
            });
        }
        if self.one_in(3) {
            document["margin_guard"] = self.pick(&[
                json!({"floor": "0"}),
                json!({"floor": "12.5"}),
                json!({"floor": "30", "covers": ["discounts"]}),
                json!({"floor": "5", "covers": ["earning", "redemption"]}),
            ]);
            // points may not pay what the floor keeps
            if !document["redemption"].is_null() {
                document["redemption"]["max_share"] = json!(self.below(70));
            }
        }
        if self.one_in(3) {
            document["events"] = json!([
                {"id": "e1", "type": "review", "points": "50", "limits": {"times_per_member": 1}},
                {"id": "e3", "type": "profile_filled", "points": "30"},
                {"id": "e2", "type": "game", "points_from_event": {"min": "1", "max": "200"}, "when": {"channels": ["site"]}}
            ]);
            document["enrolment"]["profile_filled"] = json!({"fields": ["birthday", self.pick(&["email", "attributes.size"])]});
        }
        if self.one_in(3) {
            self.add_what_happens_by_itself(document);
        }
        if self.one_in(3) {
            document["perks"] = json!([{"id": "p1", "name": "Free delivery", "when": self.when()}]);
        }
        if self.one_in(4) {
            document["enrolment"]["confirmation"] = json!({"welcome": "at_once"});
            document["enrolment"]["accepted_rules"] = json!({"version": "2026-01", "before": "spending"});
        }
        if self.one_in(4) && document["tiers"].is_array() {
            document["enrolment"]["membership_starts_with"] = json!({"order_min": self.pick(&["0.01", "1500", "20000"])});
        }
        if self.one_in(4)
            && let Some(steps) = document["tiers"].as_array().cloned()
        {
            document["tiers"] = json!({
                "window": self.pick(&["lifetime", "rolling_12_months", "calendar_year"]), "steps": steps,
                "downgrade": self.pick(&["one_step", "by_value"]), "grace_days": self.below(40)
            });
        }
    }
}
