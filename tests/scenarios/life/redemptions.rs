//! Redemptions: asked for in quotes, held, confirmed by a code, captured, released.

use domain::{Id, Instant};
use serde_json::{Value, json};

use super::model::{Hold, Standing};
use super::program::{Asked, Cart, decimal};
use super::{Deed, Life, MINUTE, Refusal, id_of};

/// How long a code is good.
const CODE: i64 = 5 * MINUTE;

/// What was agreed on when points were set aside.
pub struct Terms {
    pub cart: Cart,
    pub points: i64,
    pub money: i64,
    /// The code that the member was sent.
    code: Option<String>,
    /// The order that it was captured for by its own call.
    pub captured_for: Option<String>,
    /// Given back by a command, not because its time was over.
    pub released: bool,
}

impl Life {
    /// So many points, the most, or more than can be.
    fn asked(&mut self, cart: &Cart, spendable: i64) -> Asked {
        let limit = self.program.limit(cart);
        match self.random.between(1, 20) {
            1..=6 => Asked::Max,
            7 => Asked::Points(spendable + self.random.between(1, 30)),
            8 => Asked::Points(limit + self.random.between(1, 30)),
            9 => Asked::Points(self.random.between(0, 3)),
            _ => Asked::Points(self.random.between(1, spendable.min(limit).clamp(1, 3_000))),
        }
    }

    fn told(&self, asked: Asked) -> String {
        match asked {
            Asked::Max => "max".to_owned(),
            Asked::Points(points) => decimal(points, self.program.scale),
        }
    }

    /// What would be, which is not written.
    pub(super) async fn quote(&mut self) -> Deed {
        let member = self.somebody();
        let (cart, spendable) = (self.cart(), self.spendable(member));
        let asked = self.random.percent(70).then(|| self.asked(&cart, spendable));
        let mut body = json!({"member": self.reference_to(member), "order": cart.json()});
        if let Some(asked) = asked {
            body["points"] = self.told(asked).into();
        }
        let answer = self.shop.post("/v1/quotes", &body).await;
        let paid = match asked.map_or(Ok((0, 0)), |asked| self.program.payment(&cart, asked, spendable)) {
            Ok(paid) => paid,
            Err(refusal) => {
                self.agree_on_refusal(member, answer, refusal).await;
                return "quote too much";
            }
        };
        let quote = answer.expect(200);
        let (most, _) = self.program.payment(&cart, Asked::Max, spendable).expect("the most is no refusal");
        let reckoned = self.program.reckon(&cart, self.now, paid);
        let points = |points: i64| decimal(points, self.program.scale);
        let paying = json!({
            "max_points": points(most), "max_money": decimal(self.program.money_of(most), 2), "points": points(paid.0),
            "money": decimal(paid.1, 2), "confirmation_required": paid.0 > self.program.code_above,
        });
        assert_eq!(quote["redemption"], paying);
        assert_eq!(quote["payable"], decimal(reckoned.payable, 2));
        assert_eq!(quote["earn"]["points"], points(reckoned.grants.iter().map(|grant| grant.points).sum()));
        let lots = quote["earn"]["lots"].as_array().expect("a list of lots");
        let lots: Vec<Value> =
            lots.iter().map(|lot| json!([lot["rule_id"], lot["points"], lot["activates_at"], lot["expires_at"]])).collect();
        assert_eq!(lots, self.as_told(&reckoned.grants));
        self.agree_that_nothing_changed(member).await;
        "quote"
    }

    pub(super) async fn hold(&mut self) -> Deed {
        let member = self.somebody();
        let (cart, spendable) = (self.cart(), self.spendable(member));
        let asked = self.asked(&cart, spendable);
        let body = json!({"member": self.reference_to(member), "order": cart.json(), "points": self.told(asked)});
        let answer = self.say("/v1/redemptions", &body).await;
        let paid = match self.program.payment(&cart, asked, spendable) {
            Ok((0, _)) if spendable == 0 => Err((409, "insufficient_points")),
            Ok((0, _)) => Err((422, "redemption_limit_exceeded")),
            paid => paid,
        };
        let (points, money) = match paid {
            Ok(paid) => paid,
            Err(refusal) => {
                self.agree_on_refusal(member, answer, refusal).await;
                return "hold too much";
            }
        };
        let held = answer.expect(201);
        let id = id_of(&held["id"], "red");
        let awaits = points > self.program.code_above;
        let lasts = self.program.hold_minutes * MINUTE;
        let deadline = Instant(self.now.0 + if awaits { lasts.min(CODE) } else { lasts });
        let lines = self.program.reckon(&cart, self.now, (points, money)).lines.into_iter().zip(&cart.goods);
        let lines: Vec<Value> = lines
            .map(|(line, goods)| {
                let paid = goods.amount() - line.money.0;
                json!({"line_id": line.id, "points": decimal(line.paid.0, self.program.scale), "money": decimal(paid, 2)})
            })
            .collect();
        let told =
            json!([held["status"], held["points"], held["money"], held["payable"], held["hold_expires_at"], held["lines"]]);
        let expected = json!([
            if awaits { "awaiting_confirmation" } else { "held" },
            decimal(points, self.program.scale),
            decimal(money, 2),
            decimal(cart.items() - money + cart.delivery, 2),
            deadline.to_string(),
            lines,
        ]);
        assert_eq!(told, expected, "{held}");
        let entries = self.new_entries(member).await;
        let (mut grace, now) = (self.grace(&entries), self.now);
        let account = self.account(member);
        account.release_overdue(now, None, &mut grace);
        account.hold(id, points, deadline, if awaits { Standing::Awaiting(0) } else { Standing::Held }, now);
        let code = awaits.then(|| self.shop.code_of(&id.external("red")));
        self.redemptions.insert(id, Terms { cart, points, money, code, captured_for: None, released: false });
        self.agree(member, entries, Some(&held["balance"])).await;
        if awaits { "hold with a code" } else { "hold" }
    }

    /// Why a redemption can't be used any more; a job that is late makes no difference.
    fn over(&self, id: Id, hold: &Hold) -> Option<Refusal> {
        match hold.standing {
            Standing::Held | Standing::Awaiting(_) if hold.deadline <= self.now => Some((409, "hold_expired")),
            Standing::Held | Standing::Awaiting(_) => None,
            Standing::Ended if !self.redemptions[&id].released => Some((409, "hold_expired")),
            Standing::Ended | Standing::Captured { .. } => Some((409, "redemption_closed")),
        }
    }

    /// What a redemption pays of this member's order: (points, money).
    pub(super) fn pays(&self, id: Id, member: Id, order: &str, cart: &Cart) -> Result<(i64, i64), Refusal> {
        let Some(hold) = self.members[&member].holds.get(&id) else { return Err((422, "invalid_request")) };
        let terms = &self.redemptions[&id];
        let (points, money) = match hold.standing {
            Standing::Captured { used: true } => return Err((409, "redemption_closed")),
            Standing::Captured { used: false } if terms.captured_for.as_deref().is_some_and(|other| other != order) => {
                return Err((409, "redemption_closed"));
            }
            Standing::Captured { used: false } => {
                let points = i64::try_from(hold.points.len()).expect("points can be counted");
                (points, i64::try_from(i128::from(terms.money) * i128::from(points) / i128::from(terms.points)).expect("a part"))
            }
            _ => match self.over(id, hold) {
                Some(refusal) => return Err(refusal),
                None if hold.standing != Standing::Held => return Err((409, "confirmation_required")),
                None => (terms.points, terms.money),
            },
        };
        let eligible = cart.eligible();
        if eligible == 0 || money > eligible {
            return Err((422, "invalid_request"));
        }
        // the goods became less: the program's limit is judged again
        if cart.items() < terms.cart.items() {
            let judged = self.program.payment(cart, Asked::Points(points), self.spendable(member) + points)?;
            if judged.1 != money {
                return Err((422, "redemption_limit_exceeded"));
            }
        }
        Ok((points, money))
    }

    pub(super) async fn confirm(&mut self) -> Deed {
        let now = self.now;
        let waits = |hold: &Hold| matches!(hold.standing, Standing::Awaiting(_)) && hold.deadline > now;
        let mut waiting: Vec<(Id, Id)> = Vec::new();
        for (member, account) in &self.members {
            waiting.extend(account.holds.iter().filter(|(_, hold)| waits(hold)).map(|(id, _)| (*member, *id)));
        }
        let wrong = |(member, id): &(Id, Id)| match self.members[member].holds[id].standing {
            Standing::Awaiting(wrong) => wrong,
            _ => 0,
        };
        // somebody who guesses goes on with it
        let guessed = waiting.iter().copied().max_by_key(wrong);
        let chosen = match self.random.between(1, 10) {
            1 => None,
            2..=5 => self.random.one_of(&waiting).copied(),
            _ => guessed,
        };
        let member = self.somebody();
        let Some((member, id)) = chosen.or_else(|| Some((member, self.redemption_of(member)?))) else { return "nothing" };
        let hold = self.members[&member].holds[&id].clone();
        let code = self.redemptions[&id].code.clone();
        let right = code.is_some() && self.random.percent(30);
        // another code is a wrong one, where a code was sent or not
        let sent = code.as_ref().map_or(0, |code| code.parse::<u32>().expect("digits"));
        let sent = format!("{:06}", (sent + u32::from(!right)) % 1_000_000);
        let answer = self.say(&format!("/v1/redemptions/{}/confirmation", id.external("red")), &json!({"code": sent})).await;
        let refusal = match self.over(id, &hold) {
            None if hold.standing == Standing::Held && !right => Some((409, "redemption_closed")),
            refusal => refusal,
        };
        if let Some(refusal) = refusal {
            self.agree_on_refusal(member, answer, refusal).await;
            return "confirm what is over";
        }
        let deadline = Instant(self.now.0 + self.program.hold_minutes * MINUTE);
        let answer = if right {
            let confirmed = answer.expect(200);
            let until = if hold.standing == Standing::Held { hold.deadline } else { deadline.max(hold.deadline) };
            assert_eq!((&confirmed["status"], &confirmed["hold_expires_at"]), (&json!("held"), &json!(until.to_string())));
            confirmed
        } else {
            let Standing::Awaiting(wrong) = hold.standing else { unreachable!("it waits for its code") };
            let refused = answer.refused(422, "wrong_code");
            let status = if wrong == 2 { "released" } else { "awaiting_confirmation" };
            assert_eq!((&refused["attempts_left"], &refused["redemption_status"]), (&json!(2 - wrong), &json!(status)));
            self.redemptions.get_mut(&id).expect("it was held").released = wrong == 2;
            refused
        };
        let entries = self.new_entries(member).await;
        let (mut grace, now) = (self.grace(&entries), self.now);
        self.account(member).confirm(id, right, deadline, &mut grace, now);
        self.agree(member, entries, Some(&answer["balance"])).await;
        match hold.standing {
            _ if right => "confirm",
            Standing::Awaiting(2) => "third wrong code",
            _ => "wrong code",
        }
    }

    pub(super) async fn capture(&mut self) -> Deed {
        let member = self.somebody_who_can_pay();
        let Some(id) = self.redemption_of(member) else { return "nothing" };
        let hold = self.members[&member].holds[&id].clone();
        let terms = &self.redemptions[&id];
        let (held, money) = (terms.points, terms.money);
        let asked = match self.random.between(1, 10) {
            1 => Some(held + 1),
            2..=6 => Some(self.random.between(1, held)),
            7 => Some(held),
            _ => None,
        };
        let points = asked.unwrap_or(held);
        let mut body = json!({});
        if let Some(points) = asked {
            body["points"] = decimal(points, self.program.scale).into();
        }
        let order = self.random.percent(30).then(|| self.new_reference("order"));
        body["order_id"] = json!(order);
        let answer = self.say(&format!("/v1/redemptions/{}/capture", id.external("red")), &body).await;
        let refusal = match self.over(id, &hold) {
            None if hold.standing != Standing::Held => Some((409, "confirmation_required")),
            None if points > held => Some((409, "insufficient_points")),
            refusal => refusal,
        };
        if let Some(refusal) = refusal {
            self.agree_on_refusal(member, answer, refusal).await;
            return "capture what is not there";
        }
        let captured = answer.expect(200);
        let paid = i64::try_from(i128::from(money) * i128::from(points) / i128::from(held)).expect("a part");
        let told = json!([captured["status"], captured["captured"], captured["captured_money"]]);
        assert_eq!(told, json!(["captured", decimal(points, self.program.scale), decimal(paid, 2)]));
        self.redemptions.get_mut(&id).expect("it was held").captured_for = order;
        let entries = self.new_entries(member).await;
        let (mut grace, now) = (self.grace(&entries), self.now);
        let account = self.account(member);
        account.release_overdue(now, Some(id), &mut grace);
        account.capture(id, points, &mut grace, now);
        self.agree(member, entries, Some(&captured["balance"])).await;
        if points == held { "capture" } else { "capture a part" }
    }

    pub(super) async fn release(&mut self) -> Deed {
        let member = self.somebody_who_can_pay();
        let Some(id) = self.redemption_of(member) else { return "nothing" };
        let hold = self.members[&member].holds[&id].clone();
        let answer = self.say(&format!("/v1/redemptions/{}/release", id.external("red")), &json!({})).await;
        if let Some(refusal) = self.over(id, &hold) {
            self.agree_on_refusal(member, answer, refusal).await;
            return "release what is over";
        }
        let released = answer.expect(200);
        assert_eq!(released["status"], "released");
        self.redemptions.get_mut(&id).expect("it was held").released = true;
        let entries = self.new_entries(member).await;
        let (mut grace, now) = (self.grace(&entries), self.now);
        let account = self.account(member);
        account.release_overdue(now, Some(id), &mut grace);
        account.release(id, &mut grace, now);
        self.agree(member, entries, Some(&released["balance"])).await;
        "release"
    }
}
