// What points pay of an order: up to all of it, one for one.

import { invalid } from './limits.js';
import { share } from './share.js';
import { decimal } from './words.js';

/** What is paid, each line's part in it, and the sentence for the member. */
export function judgePayment(member, { lines, net: items }, payment) {
  const available = member.available > 0n ? member.available : 0n;
  const most = available < items ? available : items;
  const { points, money } = paid(payment, available, most, items);
  const moneys = share(money, lines.map((line) => line.net));
  const weights = money > 0n ? moneys : lines.map((line) => line.net);
  const parts = share(points, weights).map((part, index) => ({ points: part, money: moneys[index] }));
  const redemption = {
    maxPoints: most,
    maxMoney: most,
    limitPoints: items,
    limitMoney: items,
    points,
    money,
    confirmationRequired: false,
  };
  return { redemption, parts, explanations: payment.tag === 'none' ? [] : [explain(points, money, items)] };
}

function paid(payment, available, most, items) {
  switch (payment.tag) {
    case 'none':
      return { points: 0n, money: 0n };
    case 'maximum':
      return { points: most, money: most };
    case 'exact': {
      const points = payment.val;
      if (points <= 0n) invalid('/points', 'out_of_range', 'the number of points to pay is above 0');
      if (points > available) throw { tag: 'insufficient', val: available };
      if (points > items) {
        const reason = `points pay the order's ${decimal(items)} at most`;
        throw { tag: 'limit-exceeded', val: { maxPoints: most, maxMoney: most, code: 'share_of_order', reason } };
      }
      return { points, money: points };
    }
    case 'agreed': {
      const { points, money } = payment.val;
      if (money > items || items === 0n) invalid('/points', 'agreed_exceeds_order', 'the goods are worth less than was agreed');
      return { points, money };
    }
  }
}

function explain(points, money, items) {
  return {
    ruleId: 'redemption',
    fired: points > 0n,
    points,
    money: 0n,
    code: points > 0n ? 'paid_with_points' : 'nothing_to_pay',
    reason: `${decimal(points)} points paid ${decimal(money)} of ${decimal(items)}`,
    translations: [],
    shortfall: undefined,
  };
}
