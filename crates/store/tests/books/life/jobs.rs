//! The jobs, each until nothing is due.

use domain::{Id, Ids};

use super::{Deed, Life};
use crate::database::run;
use crate::model::Grace;

impl Life {
    pub(super) fn expire(&mut self) -> Deed {
        let bound = self.random.between(1, 10);
        let now = self.shop.now;
        let db = &self.shop.db;
        while run(store::due(db, now, 1)).expect("the store answers").expire > 0 {
            let ids = Id(Ids::new(now, self.random.bits()).next().0);
            run(store::expire(db, now, bound, ids, 1)).expect("nothing is in its way");
        }
        self.members.values_mut().for_each(|account| account.expire(now));
        "expire"
    }

    pub(super) fn release_overdue(&mut self) -> Deed {
        let bound = self.random.between(1, 5);
        let now = self.shop.now;
        let (db, until) = (&self.shop.db, self.shop.terms.returned_until);
        while run(store::due(db, now, 1)).expect("the store answers").holds > 0 {
            let ids = Id(Ids::new(now, self.random.bits()).next().0);
            run(store::release_overdue(db, now, bound, ids, until)).expect("nothing is in its way");
        }
        for account in self.members.values_mut() {
            let overdue = account.overdue(now);
            for id in overdue {
                // the fourth id of a release is the lot of what came back late
                let release = db.number(&format!("SELECT release_entry FROM redemption WHERE id = {}", id.0));
                account.release(id, &mut Grace { until, lots: [Id(release + 3)].into() }, now);
            }
        }
        "release what is overdue"
    }

    pub(super) fn activate(&mut self) -> Deed {
        let bound = self.random.between(1, 10);
        let now = self.shop.now;
        let mut told = 0;
        while run(store::due(&self.shop.db, now, 1)).expect("the store answers").activate > 0 {
            told += run(store::activate(&self.shop.db, now, bound)).expect("nothing is in its way");
        }
        if told > 0 { "activate" } else { "nothing to activate" }
    }
}
