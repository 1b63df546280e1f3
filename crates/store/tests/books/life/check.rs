//! The model and the books are compared: balance, lots, open holds and statistics after each step, each entry once.

use std::collections::{BTreeMap, BTreeSet};

use domain::{Id, Money};
use ledger::{Account, Balance};

use super::Life;
use crate::model::{Posted, Standing};

/// Kind, amount, change of the deficit, points by lot.
type Entry = (String, i64, i64, BTreeMap<Id, i64>);

impl Life {
    /// The returned balance is that of a fresh load, and the model's.
    #[track_caller]
    pub(super) fn agree(&mut self, member: Id, balance: &Balance) {
        assert_eq!(*balance, self.compare(member), "returned, and loaded again");
    }

    #[track_caller]
    pub(super) fn compare(&mut self, id: Id) -> Balance {
        let journal = std::mem::take(&mut self.account(id).journal);
        self.compare_entries(id, journal);
        let account = &self.members[&id];
        let snapshot = self.shop.snapshot(id);
        let member = snapshot.member.as_ref().expect("the member has enrolled");
        let loaded = Account::open(member, &snapshot.lots, &self.shop.terms, self.shop.now);
        let balance = loaded.balance();
        let figures = [
            balance.available,
            balance.pending,
            balance.held,
            balance.deficit,
            balance.lifetime_earned,
            balance.lifetime_redeemed,
            balance.lifetime_expired,
        ];
        assert_eq!(figures.map(|points| points.0), account.figures(self.shop.now), "of {id:?}");
        assert_eq!(loaded.spendable().0, account.spendable(self.shop.now));
        let remaining: BTreeMap<Id, i64> = snapshot.lots.iter().map(|lot| (lot.id, lot.remaining.0)).collect();
        let expected = account.lots.iter().filter(|lot| lot.points > 0).map(|lot| (lot.id, lot.points)).collect();
        assert_eq!(remaining, expected, "lots of {id:?}");
        assert_eq!((member.orders, member.qualifying_spend), (account.orders, Money(account.qualifying)));
        assert_eq!(member.last_at, account.last_at);
        let open: BTreeSet<Id> = snapshot.holds.iter().map(|hold| hold.id).collect();
        let held = account.holds.iter().filter(|(_, hold)| matches!(hold.standing, Standing::Held | Standing::Awaiting(_)));
        assert_eq!(open, held.map(|(id, _)| *id).collect());
        // as it is shown: with holds released that are overdue
        Account::open_settled(member, &snapshot, &self.shop.terms, self.shop.now).expect("it is in bounds").balance()
    }

    /// Entries that were posted since the last look are those of the model. Several of one step are compared without
    /// their sequence; that of an account is the referee's matter.
    #[track_caller]
    pub(super) fn compare_entries(&mut self, id: Id, journal: Vec<Posted>) {
        let known = self.compared.entry(id).or_insert(0);
        let query = "SELECT kind, amount, deficit_change, seq,
                            (SELECT json_group_object(lot_id, points) FROM posting WHERE entry_id = entry.id)
                       FROM entry WHERE account_id = ?1 AND seq > ?2 ORDER BY seq";
        let mut statement = self.shop.db.0.prepare_cached(query).expect("a statement");
        let rows = statement.query_map([id.0, *known], |row| {
            let lots: BTreeMap<Id, i64> = serde_json::from_str(&row.get::<_, String>(4)?).expect("points by lot");
            Ok((row.get(3)?, (row.get(0)?, row.get(1)?, row.get(2)?, lots)))
        });
        let rows: Vec<(i64, Entry)> = rows.and_then(Iterator::collect).expect("rows");
        *known = rows.last().map_or(*known, |row| row.0);
        let sorted = |mut entries: Vec<Entry>| {
            entries.sort();
            entries
        };
        // an expiry is told as one sum: the job's bound says how many entries it takes
        let (expiries, rows): (Vec<_>, Vec<_>) = rows.into_iter().map(|(_, entry)| entry).partition(|entry| entry.0 == "expire");
        let (expired, journal): (Vec<Posted>, Vec<Posted>) = journal.into_iter().partition(|posted| posted.kind == "expire");
        assert_eq!(
            expiries.iter().map(|row| row.1).sum::<i64>(),
            expired.iter().map(|posted| posted.amount).sum::<i64>(),
            "of {id:?}"
        );
        let rows = sorted(rows);
        let told = |posted: Posted| (posted.kind.to_owned(), posted.amount, posted.deficit_change, posted.lots);
        let journal = sorted(journal.into_iter().map(told).collect());
        assert_eq!(rows, journal, "entries of {id:?}");
    }

    /// All buckets of all lots, those that are empty too.
    #[track_caller]
    pub(super) fn compare_lots(&self, id: Id) {
        let query = "SELECT id, remaining, held, spent, expired FROM lot WHERE account_id = ?1 ORDER BY id";
        let mut statement = self.shop.db.0.prepare_cached(query).expect("a statement");
        let rows = statement.query_map([id.0], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?]));
        let rows: Vec<[i64; 5]> = rows.and_then(Iterator::collect).expect("rows");
        let mut lots: Vec<[i64; 5]> =
            self.members[&id].lots.iter().map(|lot| [lot.id.0, lot.points, lot.held, lot.spent, lot.expired]).collect();
        lots.sort_unstable();
        assert_eq!(rows, lots, "lots of {id:?}");
    }

    /// Whoever was merged has nothing, and is found as the one who took over.
    #[track_caller]
    pub(super) fn compare_what_is_gone(&self) {
        for (from, into) in &self.merged {
            let left = format!(
                "SELECT remaining + held + deficit + earned + redeemed + expired + s.orders + s.qualifying_spend
                   FROM account a JOIN statistics s ON s.member_id = a.id WHERE a.id = {}",
                from.0
            );
            assert_eq!(self.shop.db.number(&left), 0, "left with {from:?}");
            assert_eq!(self.shop.snapshot(*from).member.map(|member| member.id), Some(*into));
        }
    }
}
