//! An instance of the component under the limits of the host: its stack, its memory, and 5 seconds a call.

use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use host::Manifest;
use rules::engine;
use wasmtime::component::{Component as Compiled, Linker, ResourceAny};
use wasmtime::{Config, Engine, ResourceLimiter, Store};

mod bindings {
    wasmtime::component::bindgen!({ path: "../wit/rules.wit", world: "rules" });
}
use bindings::Rules;
use bindings::exports::kopilka::rules::engine as wit;

/// As the host grants it.
const MEMORY: usize = 256 << 20;
const TICK: Duration = Duration::from_millis(10);
/// Ticks that a call may take: 5 seconds, on a machine that has time.
const TICKS: u64 = 500;

/// The rules' component, compiled.
pub struct Component(Compiled);

/// An instance, which may hold parsed programs.
pub struct Instance {
    store: Store<Memory>,
    rules: Rules,
}

/// A program that an instance holds.
pub struct Held(ResourceAny);

/// What the instance has of memory.
struct Memory(usize);

impl ResourceLimiter for Memory {
    fn memory_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        self.0 = self.0.max(desired.min(MEMORY));
        Ok(desired <= MEMORY)
    }

    fn table_growing(&mut self, _: usize, _: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(true)
    }
}

impl Component {
    /// Built with the commands of `spin.toml`, once for all tests.
    pub fn built() -> &'static Self {
        static BUILT: LazyLock<Component> = LazyLock::new(Component::build);
        &BUILT
    }

    fn build() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the workspace");
        let manifest = Manifest::load(&root.join("spin.toml")).expect("a manifest");
        let rules = &manifest.components["rules"];
        for command in rules.build.iter().flat_map(|build| &build.commands) {
            host::run_build_command(command, &root).expect("the rules are built");
        }
        let bytes = std::fs::read(&rules.source).expect("the component is there");

        let mut config = Config::new();
        config.wasm_component_model_async(true);
        config.epoch_interruption(true);
        let engine = Engine::new(&config).expect("an engine");
        let ticking = engine.weak();
        std::thread::spawn(move || {
            while let Some(engine) = ticking.upgrade() {
                engine.increment_epoch();
                drop(engine);
                std::thread::sleep(TICK);
            }
        });
        Self(Compiled::new(&engine, bytes).expect("a component"))
    }
}

impl Instance {
    pub fn new(component: &Component) -> Self {
        let engine = component.0.engine();
        let mut store = Store::new(engine, Memory(0));
        store.limiter(|memory| memory);
        store.set_epoch_deadline(TICKS);
        let rules = Rules::instantiate(&mut store, &component.0, &Linker::new(engine)).expect("it imports nothing");
        Self { store, rules }
    }

    /// The most memory that it has had.
    pub fn memory(&self) -> usize {
        self.store.data().0
    }

    pub fn parse(&mut self, document: &str) -> Result<Held, Vec<wit::Finding>> {
        self.store.set_epoch_deadline(TICKS);
        let program = self.rules.kopilka_rules_engine().program();
        program.call_parse(&mut self.store, document).expect("it does not trap").map(Held)
    }

    pub fn forget(&mut self, held: Held) {
        held.0.resource_drop(&mut self.store).expect("it is dropped");
    }

    pub fn settings(&mut self, held: &Held) -> wit::Settings {
        self.ask(|program, store| program.call_settings(store, held.0))
    }

    pub fn ended(&mut self, held: &Held, at: i64) -> Vec<wit::Finding> {
        self.ask(|program, store| program.call_ended(store, held.0, at))
    }

    pub fn agenda(&mut self, held: &Held, after: i64, at: i64) -> wit::Agenda {
        self.ask(|program, store| program.call_agenda(store, held.0, after, at))
    }

    pub fn scheduled(&mut self, held: &Held, trigger: &str, moment: i64) -> Option<wit::Firing> {
        self.ask(|program, store| program.call_scheduled(store, held.0, trigger, moment))
    }

    pub fn messaging(&mut self, held: &Held) -> Option<wit::Messaging> {
        self.ask(|program, store| program.call_messaging(store, held.0))
    }

    pub fn quiet_until(&mut self, held: &Held, zone: &str, at: i64) -> Option<i64> {
        self.ask(|program, store| program.call_quiet_until(store, held.0, zone, at))
    }

    pub fn write(
        &mut self,
        held: &Held,
        kind: &str,
        of_id: Option<&str>,
        channel: engine::Channel,
        language: &str,
        values: &[engine::NamedValue],
    ) -> Result<Option<wit::Written>, String> {
        let channel = match channel {
            engine::Channel::Email => wit::Channel::Email,
            engine::Channel::Sms => wit::Channel::Sms,
            engine::Channel::Messenger => wit::Channel::Messenger,
            engine::Channel::Push => wit::Channel::Push,
        };
        let value = |told: &engine::NamedValue| wit::NamedValue { name: told.name.clone(), value: told.value.clone() };
        let values: Vec<wit::NamedValue> = values.iter().map(value).collect();
        self.ask(|program, store| program.call_write(store, held.0, kind, of_id, channel, language, &values))
    }

    pub fn needs(&mut self, held: &Held, at: i64) -> wit::Needs {
        self.ask(|program, store| program.call_needs(store, held.0, at))
    }

    pub fn returned_until(&mut self, held: &Held, at: i64) -> Option<i64> {
        self.ask(|program, store| program.call_returned_until(store, held.0, at))
    }

    pub fn standing(&mut self, held: &Held, member: &engine::Member, at: i64) -> wit::Standing {
        let member = self::member(member);
        self.ask(|program, store| program.call_standing(store, held.0, &member, at))
    }

    pub fn judge_enrolment(&mut self, held: &Held, at: i64, channel: &str) -> Result<wit::Enrolment, wit::Failure> {
        self.ask(|program, store| program.call_judge_enrolment(store, held.0, at, channel))
    }

    pub fn judge_referral(&mut self, held: &Held, referral: &engine::Referral) -> Result<wit::JudgedReferral, wit::Failure> {
        let engine::Referral { at, purchase, friends_paid, paid_at } = referral.clone();
        let referral = wit::Referral { at, purchase, friends_paid, paid_at };
        self.ask(|program, store| program.call_judge_referral(store, held.0, &referral))
    }

    pub fn judge_event(
        &mut self,
        held: &Held,
        member: &engine::Member,
        event: &engine::Event,
    ) -> Result<wit::Rewarded, wit::Failure> {
        let (member, event) = (self::member(member), self::event(event));
        self.ask(|program, store| program.call_judge_event(store, held.0, &member, &event))
    }

    pub fn judge_order(
        &mut self,
        held: &Held,
        member: &engine::Member,
        order: &engine::Order,
        payment: &engine::Payment,
    ) -> Result<wit::Judgement, wit::Failure> {
        let (member, order, payment) = (self::member(member), self::order(order), self::payment(payment));
        self.ask(|program, store| program.call_judge_order(store, held.0, &member, &order, payment))
    }

    fn ask<T>(&mut self, call: impl FnOnce(wit::GuestProgram, &mut Store<Memory>) -> wasmtime::Result<T>) -> T {
        self.store.set_epoch_deadline(TICKS);
        call(self.rules.kopilka_rules_engine().program(), &mut self.store).expect("it does not trap")
    }
}

fn member(member: &engine::Member) -> wit::Member {
    wit::Member {
        orders: member.orders,
        qualifying_spend: member.qualifying_spend,
        largest_order: member.largest_order,
        earned: member.earned,
        available: member.available,
        segments: member.segments.clone(),
        tier: member.tier.clone(),
        grace_until: member.grace_until,
        stepped_at: member.stepped_at,
        granted_tiers: member
            .granted_tiers
            .iter()
            .map(|tier| wit::GrantedTier { id: tier.id.clone(), until: tier.until })
            .collect(),
        activity: member
            .activity
            .iter()
            .map(|since| wit::Activity { orders: since.orders, spend: since.spend, earned: since.earned })
            .collect(),
        uses: member
            .uses
            .iter()
            .map(|used| wit::UseOfRule {
                rule_id: used.rule_id.clone(),
                times: used.times,
                points: used.points,
                points_today: used.points_today,
                last_at: used.last_at,
                points_of_all: used.points_of_all,
            })
            .collect(),
        categories: member.categories.clone(),
    }
}

fn order(order: &engine::Order) -> wit::Order {
    let line = |line: &engine::Line| wit::Line {
        id: line.id.clone(),
        sku: line.sku.clone(),
        category: line.category.clone(),
        brand: line.brand.clone(),
        labels: line.labels.clone(),
        quantity: line.quantity,
        price: line.price,
        discount: line.discount,
        cost: line.cost,
        tax: line.tax,
        promo: line.promo,
    };
    let voucher = |voucher: &engine::Voucher| wit::Voucher {
        code: voucher.code.clone(),
        rule_id: voucher.rule_id.clone(),
        skus: voucher.skus.clone(),
    };
    wit::Order {
        occurred_at: order.occurred_at,
        channel: order.channel.clone(),
        store: order.store.clone(),
        lines: order.lines.iter().map(line).collect(),
        delivery: order.delivery,
        vouchers: order.vouchers.iter().map(voucher).collect(),
        discounts: match &order.discounts {
            engine::Discounts::ByRules => wit::Discounts::ByRules,
            engine::Discounts::ForAnybody => wit::Discounts::ForAnybody,
            engine::Discounts::Settled(amounts) => wit::Discounts::Settled(amounts.clone()),
        },
        with_offers: order.with_offers,
    }
}

fn payment(payment: &engine::Payment) -> wit::Payment {
    match payment {
        engine::Payment::None => wit::Payment::None,
        engine::Payment::Exact(points) => wit::Payment::Exact(*points),
        engine::Payment::Maximum => wit::Payment::Maximum,
        engine::Payment::Agreed(agreed) => wit::Payment::Agreed(wit::Agreed { points: agreed.points, money: agreed.money }),
    }
}

fn event(event: &engine::Event) -> wit::Event {
    wit::Event {
        type_name: event.type_name.clone(),
        occurred_at: event.occurred_at,
        channel: event.channel.clone(),
        points: event.points,
    }
}
