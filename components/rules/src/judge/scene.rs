//! What the conditions of a rule look at: who, when, where; and which goods a rule means.

use jiff::civil::DateTime;

use crate::document::{Conditions, Document, Hours, Orders};
use crate::engine::{Activity, Discounts, Failure, Finding, Line, Member, Order, Tier, UseOfRule, Voucher};
use crate::money::{self, Overflow};

use super::explaining::Miss;
use super::selection::{allows, selects};
use super::standing;

/// The circumstances of an order or an event.
pub struct Scene<'a> {
    /// The program.
    pub document: &'a Document,
    /// Who.
    pub member: &'a Member,
    /// The tier held before.
    pub tier: Option<&'a Tier>,
    /// When, in milliseconds.
    pub at: i64,
    /// The same in the program's zone.
    pub local: DateTime,
    /// Through which channel.
    pub channel: Option<&'a str>,
    /// In which store.
    pub store: Option<&'a str>,
    /// Sum of the lines' amounts; 0 for an event.
    pub items: i64,
    /// Promo codes.
    pub vouchers: &'a [Voucher],
    /// Nobody knows who it is, so that no rule that asks something of a member takes anything off.
    pub anonymous: bool,
}

impl<'a> Scene<'a> {
    /// The scene of an order whose lines sum to `items`.
    pub fn of_order(document: &'a Document, member: &'a Member, order: &'a Order, items: i64) -> Result<Self, Failure> {
        let channel = Some(order.channel.as_str());
        Self::at(document, member, order.occurred_at, channel).map(|scene| Self {
            store: order.store.as_deref(),
            items,
            vouchers: &order.vouchers,
            anonymous: matches!(order.discounts, Discounts::ForAnybody),
            ..scene
        })
    }

    /// The scene of something without goods.
    pub fn at(document: &'a Document, member: &'a Member, at: i64, channel: Option<&'a str>) -> Result<Self, Failure> {
        let local = document.zone.local(at).map_err(|_| {
            let detail = "this moment lies outside the calendar".to_owned();
            Failure::Invalid(Finding { pointer: "/occurred_at".to_owned(), code: "out_of_range".to_owned(), detail })
        })?;
        let tier = standing::held(document, member, at).tier;
        Ok(Self { document, member, tier, at, local, channel, store: None, items: 0, vouchers: &[], anonymous: false })
    }

    /// The first condition that does not hold, apart from those on goods and on the total.
    pub fn unmet(&self, rule_id: &str, when: &Conditions) -> Option<Miss> {
        if !allows(&when.channels, self.channel) {
            return Some(Miss::OtherChannel);
        }
        if !allows(&when.stores, self.store) {
            return Some(Miss::OtherStore);
        }
        if let Some(dates) = when.dates {
            let day = self.local.date();
            if let Some(from) = dates.from.filter(|from| day < *from) {
                return Some(Miss::NotYet(from));
            }
            if let Some(to) = dates.to.filter(|to| day > *to) {
                return Some(Miss::Over(to));
            }
        }
        let weekday = self.local.date().weekday().to_monday_one_offset();
        if let Some(days) = when.weekdays.as_ref().filter(|days| !days.contains(&weekday)) {
            return Some(Miss::OtherWeekday(days.iter().copied().collect()));
        }
        if let Some(hours) = when.hours.filter(|hours| !self.is_within(*hours)) {
            return Some(Miss::OtherHours(hours));
        }
        if when.segments.as_ref().is_some_and(|wanted| !self.member.segments.iter().any(|segment| wanted.contains(segment))) {
            return Some(Miss::OtherSegment);
        }
        if !allows(&when.tiers, self.tier.map(|tier| tier.id.as_str())) {
            return Some(Miss::OtherTier(self.missing_to_any(when)));
        }
        match when.first_order {
            Some(true) if self.member.orders > 0 => return Some(Miss::NotFirstOrder),
            Some(false) if self.member.orders == 0 => return Some(Miss::FirstOrder),
            _ => {}
        }
        if let Some(miss) = when.orders.and_then(|orders| self.other_number(orders)) {
            return Some(miss);
        }
        (when.voucher && self.voucher(rule_id).is_none()).then_some(Miss::NoVoucher)
    }

    /// The promo code that unlocks a rule.
    pub fn voucher(&self, rule_id: &str) -> Option<&Voucher> {
        self.vouchers.iter().find(|voucher| voucher.rule_id == rule_id)
    }

    /// Whether a rule looks at a line.
    pub fn means(&self, rule_id: &str, when: &Conditions, line: &Line) -> bool {
        let products = when.products.as_ref().is_none_or(|products| selects(products, line));
        let new = !when.new_category || line.category.as_ref().is_some_and(|category| !self.member.categories.contains(category));
        let voucher = !when.voucher
            || self.voucher(rule_id).is_some_and(|voucher| voucher.skus.is_empty() || voucher.skus.contains(&line.sku));
        products && new && voucher
    }

    /// Whether the order's total is within bounds.
    pub fn outside_total(&self, when: &Conditions) -> Result<Option<Miss>, Overflow> {
        let Some(total) = when.order_total else { return Ok(None) };
        if let Some(minimum) = total.min.filter(|minimum| self.items < *minimum) {
            return Ok(Some(Miss::BelowMinimum { minimum, missing: money::subtract(minimum, self.items)? }));
        }
        Ok(total.below.filter(|below| self.items >= *below).map(Miss::NotBelow))
    }

    /// Whether so many pieces (thousandths) are within bounds.
    pub fn outside_quantity(when: &Conditions, pieces: i64) -> Result<Option<Miss>, Overflow> {
        let Some(bounds) = when.quantity else { return Ok(None) };
        if let Some(minimum) = bounds.min.filter(|minimum| pieces < *minimum) {
            return Ok(Some(Miss::TooFewPieces { minimum, missing: money::subtract(minimum, pieces)? }));
        }
        Ok(bounds.below.filter(|below| pieces >= *below).map(Miss::TooManyPieces))
    }

    /// What a rule gave the member so far.
    pub fn use_of(&self, rule_id: &str) -> Option<&UseOfRule> {
        self.member.uses.iter().find(|used| used.rule_id == rule_id)
    }

    fn is_within(&self, hours: Hours) -> bool {
        let hour = i16::from(self.local.hour());
        let minute = hour.saturating_mul(60).saturating_add(i16::from(self.local.minute()));
        if hours.from < hours.to { (hours.from..hours.to).contains(&minute) } else { minute >= hours.from || minute < hours.to }
    }

    /// What is missing to the nearest of a rule's tiers, if the member can still reach one.
    fn missing_to_any(&self, when: &Conditions) -> Option<i64> {
        let wanted = self.document.settings.tiers.iter().filter(|tier| allows(&when.tiers, Some(&tier.id)));
        wanted.map(|tier| standing::missing_to(self.document, self.member, tier)).find(|missing| *missing > 0)
    }

    fn other_number(&self, orders: Orders) -> Option<Miss> {
        let before = match orders.within_days {
            None => i64::from(self.member.orders),
            Some(days) => i64::from(activity(self.document, self.member, days).orders),
        };
        let number = before.saturating_add(1);
        if let Some(minimum) = orders.min.filter(|minimum| number < *minimum) {
            return Some(Miss::TooFewOrders { missing: minimum.saturating_sub(number), within_days: orders.within_days });
        }
        let every = orders.every?;
        let past = number.checked_rem(every)?;
        (past != 0).then(|| Miss::TooFewOrders { missing: every.saturating_sub(past), within_days: orders.within_days })
    }
}

/// What the member did in a window of days of the program's conditions.
fn activity(document: &Document, member: &Member, days: i64) -> Activity {
    let first = usize::from(standing::has_window(document));
    let place = document.order_windows.iter().position(|window| *window == days);
    let place = place.and_then(|place| place.checked_add(first));
    place.and_then(|place| member.activity.get(place)).copied().unwrap_or(Activity { orders: 0, spend: 0, earned: 0 })
}
