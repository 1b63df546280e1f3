//! What members are told of friends whom they brought.

use crate::engine::{Explanation, Shortfall};

use super::Teller;

/// The id under which members are told what becomes of a referral.
pub const REFERRAL: &str = "referral";

/// Why nobody is paid for a friend, or not yet. Money is hundredths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotPaid {
    /// The program has no such reward.
    NotOffered,
    /// The friend has not bought yet.
    NoPurchase {
        /// What the purchase must be worth.
        minimum: i64,
    },
    /// The friend bought for less.
    BelowMinimum {
        /// What the purchase must be worth.
        minimum: i64,
        /// What it lacks.
        missing: i64,
    },
    /// The referrer was paid for enough friends.
    LimitReached,
    /// The same, for now.
    PeriodLimitReached,
}

impl Teller<'_> {
    /// The reward of one side: the one who brought a friend, or the friend.
    pub fn referral_reward(&self, rule_id: &str, points: i64, brought: bool) -> Explanation {
        let said = self.points(self.blank(), points);
        let said = if brought {
            said.words(" for a friend whom you brought", " за приглашённого друга")
        } else {
            said.words(" for coming on a friend's invitation", " за то, что вы пришли по приглашению")
        };
        self.explanation(rule_id, true, points, 0, "referral_reward", said, None)
    }

    /// Both sides are paid.
    pub fn referral_paid(&self) -> Explanation {
        let said = self.blank().words("paid for", "вознаграждение начислено");
        self.explanation(REFERRAL, true, 0, 0, "referral_paid", said, None)
    }

    /// Nobody is paid, or not yet.
    pub fn referral_not_paid(&self, why: NotPaid) -> Explanation {
        let blank = self.blank();
        let (code, said, shortfall) = match why {
            NotPaid::NotOffered => {
                let said = blank.words("the program pays for no friends", "программа не вознаграждает за приглашения");
                ("not_offered", said, None)
            }
            NotPaid::NoPurchase { minimum } => {
                let said = blank.words("is paid with a purchase of ", "начисляется после покупки друга на ").money(minimum);
                ("waits_for_purchase", said.words(" or more", " или больше"), None)
            }
            NotPaid::BelowMinimum { minimum, missing } => {
                let said = blank.words("is paid with a purchase of ", "начисляется после покупки друга на ").money(minimum);
                let said = said.words(" or more; ", " или больше: не хватает ").money(missing).words(" are missing", "");
                ("below_minimum", said, Some(Shortfall::Money(missing)))
            }
            NotPaid::LimitReached => {
                let (english, russian) =
                    ("the referrer was paid for as many friends as the program pays for", "достигнут лимит приглашённых друзей");
                ("limit_reached", blank.words(english, russian), None)
            }
            NotPaid::PeriodLimitReached => {
                let (english, russian) = (
                    "the referrer was paid for as many friends as the program pays for in this time",
                    "достигнут лимит приглашённых друзей за период",
                );
                ("period_limit_reached", blank.words(english, russian), None)
            }
        };
        self.explanation(REFERRAL, false, 0, 0, code, said, shortfall)
    }
}
