//! What is checked of the payment that a judgement says: a swapped engine is the tenant's own, the points are the member's.

use domain::judgement::{JudgedLine, Judgement};
use domain::{LIMIT, Money, Points};

use crate::rules::AskedPayment;

/// What is wrong with it, if anything is: nobody pays other points than were asked for, or more than there are.
pub fn complaint(judgement: &Judgement, available: Points, asked: &AskedPayment) -> Option<&'static str> {
    let (points, money) = (judgement.payment.points, judgement.payment.money);
    let as_asked = match asked {
        AskedPayment::None => (points, money) == (Points::ZERO, Money::ZERO),
        AskedPayment::Exact(exactly) => points == Points(*exactly),
        AskedPayment::Maximum => points <= available.max(Points::ZERO),
        AskedPayment::Agreed(agreed) => (points, money) == (Points(agreed.points), Money(agreed.money)),
    };
    let sum = |part: fn(&JudgedLine) -> i64| judgement.lines.iter().map(part).fold(0, i64::saturating_add);
    let parts = (Points(sum(|line| line.paid_points.0)), Money(sum(|line| line.paid_money.0)));
    let negative = points < Points::ZERO
        || money < Money::ZERO
        || judgement.lines.iter().any(|line| line.paid_points < Points::ZERO || line.paid_money < Money::ZERO);
    if !as_asked || negative {
        Some("another payment than was asked for")
    } else if parts != (points, money) {
        Some("parts of lines that do not sum to the payment")
    } else if judgement.earned.0 > LIMIT {
        Some("amounts beyond 10^12 minor units")
    } else {
        None
    }
}
