//! Which lines the rules look at, and what these bring together. Rules that mean the same goods share one answer.

use std::cell::OnceCell;
use std::rc::Rc;

use crate::document::{Document, EarningRule};
use crate::engine::Line;
use crate::money::{self, Overflow};

use super::scene::Scene;

/// An order as far as the rules look at it.
pub struct Purchase<'a> {
    /// Who, when, where.
    pub scene: Scene<'a>,
    /// In the order's sequence.
    pub lines: Vec<EarningLine<'a>>,
    /// Whether the margin guard looks at any of them.
    pub guarded: bool,
    /// By `EarningRule::goods`: what is asked for is found once.
    known: Vec<OnceCell<Rc<Goods>>>,
}

/// A line as far as the rules look at it.
#[derive(Clone, Copy, Debug)]
pub struct EarningLine<'o> {
    /// As ordered.
    pub line: &'o Line,
    /// Its amount in hundredths.
    pub amount: i64,
    /// What points are earned on, in hundredths.
    pub basis: i64,
    /// Whether points paid a part of it.
    pub after_points: bool,
    /// The most points (minor units) that the margin guard lets it earn; none: it is not guarded.
    pub most: Option<i64>,
}

/// Some lines of an order.
#[derive(Default)]
pub struct Goods {
    /// Where they are in the order, ascending.
    pub places: Vec<usize>,
    /// Their amounts in hundredths.
    pub amounts: Vec<i64>,
    /// What points are earned on, in hundredths.
    pub bases: Vec<i64>,
    /// Thousandths of a piece.
    pub pieces: i64,
    /// The bases of regular goods together; none when there are no such lines.
    pub regular: Option<i64>,
    /// The same of promo goods.
    pub promo: Option<i64>,
    /// Whether points paid a part of any of them.
    pub after_points: bool,
}

impl<'a> Purchase<'a> {
    /// Nothing is known of the goods yet.
    pub fn new(scene: Scene<'a>, lines: Vec<EarningLine<'a>>) -> Self {
        let guarded = lines.iter().any(|line| line.most.is_some());
        let known = vec![OnceCell::new(); scene.document.earning.len()];
        Self { scene, lines, guarded, known }
    }

    /// The program.
    pub fn document(&self) -> &'a Document {
        self.scene.document
    }

    /// The goods that a rule means.
    pub fn goods_of(&self, rule: &EarningRule) -> Result<Rc<Goods>, Overflow> {
        let cell = self.known.get(rule.goods);
        if let Some(goods) = cell.and_then(OnceCell::get) {
            return Ok(goods.clone());
        }
        let meant = |line: &EarningLine| self.scene.means(&rule.id, &rule.when, line.line);
        let places = self.lines.iter().enumerate().filter(|(_, line)| meant(line)).map(|(place, _)| place).collect();
        let goods = Rc::new(self.goods_at(places)?);
        Ok(cell.map_or(goods.clone(), |cell| cell.get_or_init(|| goods).clone()))
    }

    /// The goods at these places of the order.
    pub fn goods_at(&self, places: Vec<usize>) -> Result<Goods, Overflow> {
        let mut goods =
            Goods { amounts: Vec::with_capacity(places.len()), bases: Vec::with_capacity(places.len()), ..Goods::default() };
        for line in places.iter().filter_map(|place| self.lines.get(*place)) {
            goods.amounts.push(line.amount);
            goods.bases.push(line.basis);
            goods.pieces = goods.pieces.saturating_add(line.line.quantity);
            let sum = if line.line.promo { &mut goods.promo } else { &mut goods.regular };
            *sum = Some(money::add(sum.unwrap_or(0), line.basis)?);
            goods.after_points |= line.after_points;
        }
        goods.places = places;
        Ok(goods)
    }
}
