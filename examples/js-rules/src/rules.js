// A tenant's own rules, instead of the engine: every order earns the same percentage, a point is a rouble (or whatever
// the currency is) and may pay all of an order, and points never expire. The document is
//
//     {"name": "Loyal", "currency": "RUB", "percent": "7.5"}
//
// The names are those of wit/rules.wit in camel case. `s64` is a BigInt, so that all amounts are exact; an `option` that
// is none is undefined; a `result` is returned or its error thrown.

import { readDocument } from './document.js';
import { outOfRange } from './limits.js';
import { basisOf, priceLines } from './lines.js';
import { judgePayment } from './payment.js';
import { share } from './share.js';
import { decimal, percent } from './words.js';

/** Points and money have two decimals, and a point is worth a whole unit of money: their minor units are the same. */
const SCALE = 2;
const WHOLE = 100n;
/** Parts per million. */
const ONE = 1_000_000n;
const HOLD_SECONDS = 1800;
const RULE = 'percentage';
/** Milliseconds: the days of this program are those of UTC. */
const DAY = 86_400_000n;

class Program {
  #document;

  constructor(document) {
    this.#document = document;
  }

  static parse(text) {
    return new Program(readDocument(text));
  }

  settings() {
    const { name, currency } = this.#document;
    return {
      name,
      currency,
      pointsName: 'points',
      pointsScale: SCALE,
      timeZone: 'UTC',
      conversionRate: WHOLE,
      holdSeconds: HOLD_SECONDS,
      clawback: 'clamp-to-zero',
      tierBasis: 'spend',
      tiers: [],
      budgets: [],
      voucherRules: [],
      confirmation: 'none',
      rulesVersion: undefined,
      profileFields: [],
      noticeDays: undefined,
    };
  }

  standing() {
    return { tier: undefined, next: undefined, until: undefined, graceUntil: undefined, steppedAt: undefined, ownTier: undefined };
  }

  /** Every order is judged by itself: nothing must be known of the member. */
  needs(at) {
    return { windows: [], rules: [], day: at, categories: false, largestOrder: false };
  }

  /** Only orders earn. */
  judgeEvent() {
    return { grants: [], explanations: [], tier: undefined };
  }

  /** No rule has dates. */
  ended() {
    return [];
  }

  /** Nothing expires, so nothing comes back too late. */
  returnedUntil() {
    return undefined;
  }

  /** Nothing happens by itself. */
  agenda(after, at) {
    return { day: at - (at % DAY), occasions: [], triggers: [], reminders: [] };
  }

  /** There are no triggers. */
  scheduled() {
    return undefined;
  }

  /** Nobody is written to. */
  messaging() {
    return undefined;
  }

  /** So nobody is disturbed. */
  quietUntil() {
    return undefined;
  }

  write() {
    return undefined;
  }

  judgeEnrolment() {
    return { grants: [], standing: this.standing(), explanations: [] };
  }

  /** Nobody is paid for bringing a friend. */
  judgeReferral() {
    const why = {
      ruleId: 'referral',
      fired: false,
      points: 0n,
      money: 0n,
      code: 'not_offered',
      reason: 'the program pays for no friends',
      translations: [],
      shortfall: undefined,
    };
    const nothing = { grants: [], explanations: [] };
    return { outcome: 'refused', why, referrer: nothing, referee: nothing, keep: 0n };
  }

  judgeOrder(member, order, payment) {
    const priced = priceLines(order);
    const { redemption, parts, explanations } = judgePayment(member, priced, payment);
    const lines = priced.lines.map((line, index) => ({
      id: line.id,
      amount: line.amount,
      discount: line.discount,
      discounts: line.discount > 0n ? [{ ruleId: 'settled', money: line.discount }] : [],
      cuts: [],
      paidPoints: parts[index].points,
      paidMoney: parts[index].money,
      qualifying: line.net - parts[index].money,
      shares: [],
    }));
    const basis = basisOf(lines);
    const earned = (basis * this.#document.rate) / ONE;
    outOfRange(member.qualifyingSpend + basis);
    const grants = [];
    if (earned > 0n) {
      grants.push({ ruleId: RULE, points: earned, activatesAt: order.occurredAt, expiresAt: undefined });
      share(earned, lines.map((line) => line.qualifying)).forEach((points, index) => {
        if (points > 0n) lines[index].shares.push({ grant: 0, points });
      });
    }
    const nothing = this.standing();
    return {
      items: priced.items,
      discount: priced.discount,
      delivery: order.delivery,
      payable: priced.net - redemption.money + order.delivery,
      lines,
      earned,
      grants,
      redemption,
      extensions: [],
      qualifying: basis,
      before: nothing,
      after: nothing,
      offers: [],
      perks: [],
      explanations: [this.#explain(basis, earned)],
      redemptionExplanations: explanations,
    };
  }

  #explain(basis, earned) {
    const rate = percent(this.#document.rate);
    return {
      ruleId: RULE,
      fired: earned > 0n,
      points: earned,
      money: 0n,
      code: earned > 0n ? 'percent_of_items' : 'too_little',
      reason: `${rate} of ${decimal(basis)} gives ${decimal(earned)} points`,
      translations: [],
      shortfall: undefined,
    };
  }
}

export const engine = { Program };
