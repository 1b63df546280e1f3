//! Members with a history, written into the books as rows: a million of them would take hours through the API. They are what
//! orders of a program with five percent leave; the audit finds nothing in them.

use std::ops::RangeInclusive;

/// Orders of each member.
pub const ORDERS: i64 = 3;

const DAY: i64 = 86_400_000;

/// What the rows of a history hold beside numbers.
#[derive(Clone, Debug)]
pub struct History {
    /// When the members go on, in milliseconds: their orders lie before it, their points expire after it.
    pub now: i64,
    /// What each order was answered.
    pub answer: String,
    /// What explains each entry, a JSON array.
    pub explanation: String,
}

/// The id of a member by number, from 1.
#[must_use]
pub fn member(number: i64) -> i64 {
    number * 100
}

impl History {
    /// Statements that write the members of these numbers into empty tables, in their sequence; all of them in one transaction
    /// or none. They have no parameters: a libSQL server takes them as they are.
    #[must_use]
    pub fn statements(&self, members: RangeInclusive<i64>) -> Vec<String> {
        let (first, last, now) = (members.start(), members.end(), self.now);
        let [answer, explanation] = [&self.answer, &self.explanation].map(|text| text.replace('\'', "''"));
        // n: members. o: their orders, of two lines that cost p and p + 500, which earn five percent rounded down on the total.
        let rows = format!(
            "WITH RECURSIVE n (i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n WHERE i < {last}),
             o AS (SELECT *, 2 * p + 500 AS items, (2 * p + 500) / 20 AS earned, p / 20 AS share,
                          {now} - (600 - 200 * h) * {DAY} + i % {DAY} AS at
                     FROM (SELECT i, h.value AS h, 100 * i + 10 * (h.value + 1) AS id,
                                  10000 + (i * 7919 + h.value * 104729) % 990000 AS p
                             FROM n, json_each('[0, 1, 2]') h))"
        );
        let joined = format!("{now} - 700 * {DAY} + i % {DAY}");
        let tables = [
            format!(
                "INSERT INTO command (id, key, fingerprint, status, answer, at)
                 SELECT 100 * i, 'history-' || i, lower(hex(randomblob(32))), 201, NULL, {joined} FROM n"
            ),
            format!(
                "INSERT INTO command (id, key, fingerprint, status, answer, at)
                 SELECT id, 'history-' || i || '-' || h, lower(hex(randomblob(32))), 201, '{answer}', at FROM o"
            ),
            format!(
                "INSERT INTO member (id, channel, status, referral_code, joined_at, profile, awaits_welcome)
                 SELECT 100 * i, 'site', 'active', 'H' || i, {joined}, 100 * i, 0 FROM n"
            ),
            "INSERT INTO identity (hash, kind, member_id) SELECT lower(hex(randomblob(32))), 'phone', 100 * i FROM n".to_owned(),
            "INSERT INTO account (id, seq, last_at, remaining, earned)
             SELECT 100 * i, count(*), max(at), sum(earned), sum(earned) FROM o GROUP BY i"
                .to_owned(),
            "INSERT INTO statistics (member_id, revision, orders, qualifying_spend, first_order_at, last_order_at)
             SELECT 100 * i, count(*), count(*), sum(items), min(at), max(at) FROM o GROUP BY i"
                .to_owned(),
            "INSERT INTO orders (id, ref, member_id, content_hash, command_id, status, occurred_at, recorded_at, channel, currency,
                                 items, discount, delivery, paid_points, paid_money, payable, earned, qualifying, kept, program_version)
             SELECT id, 'history-' || i || '-' || h, 100 * i, lower(hex(randomblob(32))), id, 'recorded', at, at, 'site', 'RUB',
                    items, 0, 0, 0, 0, items, earned, items, earned, 1 FROM o"
                .to_owned(),
            "INSERT INTO order_line (order_id, n, id, sku, name, category, brand, quantity, price, discount, promo, amount,
                                     program_discount, paid_points, paid_money, qualifying, shares)
             SELECT o.id, l.value, 'line-' || l.value, 'sku-' || (p % 5000), 'Something that this shop sells', 'tools', 'Maker',
                    1000, p + 500 * l.value, 0, 0, p + 500 * l.value, 0, 0, 0, p + 500 * l.value,
                    json_array(json_array(o.id + 2, iif(l.value = 0, share, earned - share)))
               FROM o, json_each('[0, 1]') l"
                .to_owned(),
            format!(
                "INSERT INTO entry (id, account_id, seq, kind, amount, points, balance_after, at, occurred_at, order_id, command_id,
                                    program_version, explanation)
                 SELECT id + 1, 100 * i, h + 1, 'earn', earned, earned, sum(earned) OVER (PARTITION BY i ORDER BY h), at, at, id, id,
                        1, '{explanation}' FROM o"
            ),
            format!(
                "INSERT INTO lot (id, account_id, entry_id, rule_id, issued, remaining, activates_at, expires_at)
                 SELECT id + 2, 100 * i, id + 1, 'purchase', earned, earned, at, {now} + (100 + i % 200) * {DAY} FROM o"
            ),
            "INSERT INTO posting (entry_id, lot_id, points) SELECT id + 1, id + 2, earned FROM o".to_owned(),
            "INSERT INTO rule_total (rule_id, points) SELECT 'purchase', sum(earned) FROM o WHERE true
             ON CONFLICT (rule_id) DO UPDATE SET points = points + excluded.points"
                .to_owned(),
        ];
        // what an INSERT reads from stands behind its heading
        tables
            .iter()
            .map(|table| {
                let (heading, query) = table.split_once("SELECT").unwrap_or((table, ""));
                format!("{heading} {rows} SELECT{query}")
            })
            .collect()
    }
}
