//! The program of a life, and what it gives, reckoned with integers and nothing of the rules component: what is documented
//! of it in REQUIREMENTS.md and in the presets, told once more.

use domain::Instant;
use domain::judgement::ClawbackPolicy;
use serde_json::{Value, json};
use tests::Random;

use super::model::Line;
use super::{DAY, MINUTE, Refusal};

/// Millionths of a whole, as rates and shares are counted.
const WHOLE: i128 = 1_000_000;

/// Tiers by what was spent: (id, name, threshold in hundredths).
const TIERS: [(&str, &str, i64); 3] = [("base", "Base", 0), ("silver", "Silver", 50_000), ("gold", "Gold", 200_000)];

/// A percentage of the goods; with a promo rate of its own.
struct Rule {
    id: &'static str,
    /// Millionths.
    rate: i64,
    rate_promo: i64,
    /// Of toys only.
    toys: bool,
    /// Days until its points can be spent.
    delay: i64,
    /// Days that its points are good.
    days: i64,
}

/// What a shop has published.
pub struct Program {
    /// A zone without changes of clocks, and how far it is ahead, in minutes. Not all of them are whole hours ahead, so that
    /// days end between two runs of the jobs.
    zone: (&'static str, i64),
    /// Decimal places of a point.
    pub scale: u32,
    /// What a whole point pays, in hundredths.
    worth: i64,
    /// The most of the goods that points pay, in millionths.
    share: i64,
    pub policy: ClawbackPolicy,
    /// Days that points live on which come back to a lot that is over.
    grace: Option<i64>,
    pub hold_minutes: i64,
    /// More points than this ask for a code.
    pub code_above: i64,
    welcome: i64,
    /// For orders above a total: (points, total).
    bonus: (i64, i64),
    rules: [Rule; 2],
}

/// Points that become one lot.
#[derive(Clone, Debug)]
pub struct Grant {
    pub rule: &'static str,
    pub points: i64,
    pub activates_at: Instant,
    pub expires_at: Option<Instant>,
}

/// Something to buy.
#[derive(Clone, Debug)]
pub struct Goods {
    pub id: String,
    /// Thousandths.
    pub quantity: i64,
    pub price: i64,
    pub discount: i64,
    pub promo: bool,
    pub toy: bool,
}

impl Goods {
    /// Rounded half up, less the line's discount.
    pub fn amount(&self) -> i64 {
        (self.price * self.quantity + 500) / 1_000 - self.discount
    }
}

/// What somebody wants to buy.
#[derive(Clone, Debug)]
pub struct Cart {
    pub goods: Vec<Goods>,
    pub delivery: i64,
}

impl Cart {
    /// As the calls take it.
    pub fn json(&self) -> Value {
        let line = |goods: &Goods| {
            json!({
                "id": goods.id, "sku": "any", "quantity": decimal(goods.quantity, 3), "price": decimal(goods.price, 2),
                "discount": decimal(goods.discount, 2), "promo": goods.promo,
                "category": if goods.toy { "toys" } else { "tools" },
            })
        };
        let mut cart = tests::cart(self.goods.iter().map(line).collect());
        cart["delivery"] = json!({"cost": decimal(self.delivery, 2)});
        cart
    }

    /// The sum of the lines.
    pub fn items(&self) -> i64 {
        self.goods.iter().map(Goods::amount).sum()
    }

    /// What points may pay in all.
    pub fn eligible(&self) -> i64 {
        self.goods.iter().filter(|goods| !goods.promo).map(Goods::amount).sum()
    }

    /// What points may pay of each line: promo goods are excluded.
    fn eligible_of_each(&self) -> Vec<i128> {
        self.goods.iter().map(|goods| if goods.promo { 0 } else { goods.amount().into() }).collect()
    }
}

/// What an order is worth.
pub struct Reckoned {
    /// For lots they have the places of the grants.
    pub lines: Vec<Line>,
    pub grants: Vec<Grant>,
    pub payable: i64,
}

/// How much of a cart points may pay.
#[derive(Clone, Copy)]
pub enum Asked {
    Points(i64),
    Max,
}

impl Program {
    /// Any program.
    pub fn any(random: &mut Random) -> Self {
        let scale = u32::try_from(random.below(3)).expect("it is small");
        let point = 10_i64.pow(scale);
        let policies = [
            ClawbackPolicy::AllowNegative,
            ClawbackPolicy::ClampToZero,
            ClawbackPolicy::WithinBalance,
            ClawbackPolicy::PendingOnly,
        ];
        let zones = [("Europe/Moscow", 180), ("Asia/Kathmandu", 345), ("Asia/Kolkata", 330), ("Asia/Vladivostok", 600)];
        // the smaller a point, the larger the share of an order that it stands for: orders earn tens to hundreds of units
        let rate = |random: &mut Random| random.between(20_000, 90_000);
        Self {
            zone: *random.one_of(&zones).expect("there are four"),
            scale,
            worth: *random.one_of(&[100, 50, 37, 250]).expect("there are four"),
            share: *random.one_of(&[1_000_000, 300_000, 666_667]).expect("there are three"),
            policy: *random.one_of(&policies).expect("there are four"),
            grace: random.percent(60).then(|| random.between(1, 6)),
            hold_minutes: *random.one_of(&[20, 90, 1_500]).expect("there are three"),
            code_above: random.between(8, 20) * point,
            welcome: random.between(1, 20) * point + random.between(0, point - 1),
            bonus: (random.between(1, 5) * point, 60_000 / point),
            rules: [
                Rule {
                    id: "goods",
                    rate: rate(random),
                    rate_promo: random.between(0, 20_000),
                    toys: false,
                    delay: random.between(1, 3),
                    days: random.between(4, 20),
                },
                Rule {
                    id: "toys",
                    rate: rate(random),
                    rate_promo: rate(random),
                    toys: true,
                    delay: 0,
                    days: random.between(1, 5),
                },
            ],
        }
    }

    /// As it is published.
    pub fn document(&self) -> Value {
        let policy = match self.policy {
            ClawbackPolicy::AllowNegative => "allow_negative",
            ClawbackPolicy::ClampToZero => "clamp_to_zero",
            ClawbackPolicy::WithinBalance => "within_balance",
            ClawbackPolicy::PendingOnly => "pending_only",
        };
        let days = |days: i64| json!({"type": "days", "days": days});
        let percent = |rule: &Rule| {
            let mut percent = json!({
                "id": rule.id, "type": "percent", "rate": decimal(rule.rate, 4), "rate_promo": decimal(rule.rate_promo, 4),
                "expiry": days(rule.days),
            });
            if rule.delay > 0 {
                percent["activation"] = days(rule.delay);
            }
            if rule.toys {
                percent["when"] = json!({"products": {"categories": ["toys"]}});
            }
            percent
        };
        let mut earning: Vec<Value> = self.rules.iter().map(percent).collect();
        let (bonus, total) = self.bonus;
        earning.push(json!({
            "id": "bonus", "type": "fixed", "points": decimal(bonus, self.scale),
            "when": {"order_total": {"min": decimal(total, 2)}}
        }));
        let tier =
            |(id, name, threshold): &(&str, &str, i64)| json!({"id": id, "name": name, "threshold": decimal(*threshold, 2)});
        let mut document = json!({
            "name": "life", "currency": "RUB", "time_zone": self.zone.0,
            "points": {"name": "points", "scale": self.scale, "conversion_rate": decimal(self.worth, 2)},
            "enrolment": {"welcome": {"id": "welcome", "points": decimal(self.welcome, self.scale), "expiry": days(7)}},
            "tiers": TIERS.iter().map(tier).collect::<Vec<_>>(),
            "earning": earning,
            "redemption": {
                "max_share": decimal(self.share, 4), "exclude": {"promo": true}, "hold_minutes": self.hold_minutes,
                "confirmation_above": decimal(self.code_above, self.scale),
            },
            "returns": {"clawback": policy},
        });
        if let Some(grace) = self.grace {
            document["returns"]["returned_grace"] = days(grace);
        }
        document
    }

    /// The tier of what was spent, and the next one, as a balance shows them.
    pub fn tiers(&self, spent: i64) -> (Value, Value) {
        let held = TIERS.iter().rfind(|(_, _, threshold)| *threshold <= spent);
        let next = TIERS.iter().find(|(_, _, threshold)| *threshold > spent);
        let next = next.map(|(id, name, threshold)| {
            json!({"id": id, "name": name, "threshold": decimal(*threshold, 2), "remaining": decimal(threshold - spent, 2)})
        });
        (json!(held.map(|(id, name, _)| json!({"id": id, "name": name}))), json!(next))
    }

    /// What a new member gets.
    pub fn welcome(&self, now: Instant) -> Grant {
        Grant { rule: "welcome", points: self.welcome, activates_at: now, expires_at: Some(self.end_of_day(now, 7)) }
    }

    /// Until when points are good that come back now to a lot that is over.
    pub fn returned_until(&self, now: Instant) -> Option<Instant> {
        self.grace.map(|days| self.end_of_day(now, days))
    }

    /// The end of the local day so many days later: the first instant of the next.
    fn end_of_day(&self, at: Instant, days: i64) -> Instant {
        let ahead = self.zone.1 * MINUTE;
        let today = (at.0 + ahead).div_euclid(DAY);
        Instant((today + days + 1) * DAY - ahead)
    }

    /// How many points pay a cart at most, whoever pays.
    pub fn limit(&self, cart: &Cart) -> i64 {
        let money = i128::from(cart.eligible()) * i128::from(self.share) / WHOLE;
        let points = money * self.point() / i128::from(self.worth);
        self.payable(i64::try_from(points).expect("it is small"))
    }

    /// (points, money) that are paid, or why they are not, for somebody who can spend so many.
    pub fn payment(&self, cart: &Cart, asked: Asked, spendable: i64) -> Result<(i64, i64), Refusal> {
        let limit = self.limit(cart);
        match asked {
            Asked::Max => {
                let points = self.payable(limit.min(spendable));
                Ok((points, self.money_of(points)))
            }
            Asked::Points(points) if points <= 0 => Err((422, "invalid_request")),
            Asked::Points(points) if points > spendable => Err((409, "insufficient_points")),
            Asked::Points(points) if points > limit => Err((422, "redemption_limit_exceeded")),
            Asked::Points(points) if self.money_of(points) == 0 => Err((422, "invalid_request")),
            Asked::Points(points) => Ok((points, self.money_of(points))),
        }
    }

    /// Points that pay nothing are not paid.
    fn payable(&self, points: i64) -> i64 {
        if self.money_of(points) > 0 { points } else { 0 }
    }

    /// Rounded down.
    pub fn money_of(&self, points: i64) -> i64 {
        i64::try_from(i128::from(points) * i128::from(self.worth) / self.point()).expect("it is small")
    }

    fn point(&self) -> i128 {
        10_i128.pow(self.scale)
    }

    /// What a cart is worth that points pay so: (points, money), which the goods can bear.
    pub fn reckon(&self, cart: &Cart, occurred_at: Instant, (points, money): (i64, i64)) -> Reckoned {
        let eligible = cart.eligible_of_each();
        let moneys = share(money, &eligible);
        let points = share(points, &if money == 0 { eligible } else { moneys.iter().map(|money| (*money).into()).collect() });
        let basis: Vec<i64> = cart.goods.iter().zip(&moneys).map(|(goods, money)| goods.amount() - money).collect();
        let line = |(goods, (points, basis)): (&Goods, (&i64, &i64))| Line {
            id: goods.id.clone(),
            quantity: goods.quantity,
            returned: 0,
            shares: Vec::new(),
            paid: (*points, 0),
            money: (*basis, 0),
            qualifying: (*basis, 0),
        };
        let mut lines: Vec<Line> = cart.goods.iter().zip(points.iter().zip(&basis)).map(line).collect();
        let mut grants: Vec<Grant> = Vec::new();
        let mut give = |rule: &'static str, points: i64, weights: &[i128], activates_at: Instant, expires_at: Option<Instant>| {
            if points > 0 {
                let place = domain::Id(i64::try_from(grants.len()).expect("there are few"));
                for (line, points) in lines.iter_mut().zip(share(points, weights)).filter(|(_, points)| *points > 0) {
                    line.shares.push((place, points, 0, 0));
                }
                grants.push(Grant { rule, points, activates_at, expires_at });
            }
        };
        for rule in &self.rules {
            let weight = |(goods, basis): (&Goods, &i64)| {
                let rate = if goods.promo { rule.rate_promo } else { rule.rate };
                if goods.toy || !rule.toys { i128::from(*basis) * i128::from(rate) } else { 0 }
            };
            let weights: Vec<i128> = cart.goods.iter().zip(&basis).map(weight).collect();
            // a point for each whole unit of money, whatever it pays; rounded down on the order's total
            let points = weights.iter().sum::<i128>() * self.point() / (100 * WHOLE);
            let points = i64::try_from(points).expect("it is small");
            let activates_at = Instant(occurred_at.0 + rule.delay * DAY);
            give(rule.id, points, &weights, activates_at, Some(self.end_of_day(occurred_at, rule.days)));
        }
        let (bonus, total) = self.bonus;
        if cart.items() >= total {
            let amounts: Vec<i128> = cart.goods.iter().map(|goods| goods.amount().into()).collect();
            give("bonus", bonus, &amounts, occurred_at, None);
        }
        Reckoned { lines, grants, payable: cart.items() - money + cart.delivery }
    }
}

/// Parts in proportion to the weights: the whole units of each, and what is left goes to the largest fractions, of equal
/// ones to the earlier.
fn share(total: i64, weights: &[i128]) -> Vec<i64> {
    let whole: i128 = weights.iter().sum();
    if whole == 0 {
        assert_eq!(total, 0, "something to share by");
        return vec![0; weights.len()];
    }
    let exact = |weight: &i128| i128::from(total) * weight;
    let mut parts: Vec<i64> = weights.iter().map(|weight| i64::try_from(exact(weight) / whole).expect("it is a part")).collect();
    let mut by_fraction: Vec<usize> = (0..weights.len()).collect();
    by_fraction.sort_by_key(|place| (-(exact(&weights[*place]) % whole), *place));
    let left = total - parts.iter().sum::<i64>();
    by_fraction.into_iter().take(usize::try_from(left).expect("less than the whole")).for_each(|place| parts[place] += 1);
    parts
}

/// Minor units as a decimal with so many places.
pub fn decimal(minor: i64, places: u32) -> String {
    let whole = 10_u64.pow(places);
    let sign = if minor < 0 { "-" } else { "" };
    let minor = minor.unsigned_abs();
    if places == 0 {
        format!("{sign}{minor}")
    } else {
        format!("{sign}{}.{:0width$}", minor / whole, minor % whole, width = places as usize)
    }
}
