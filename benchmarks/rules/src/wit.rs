//! The rules as they are deployed: a component, asked through `wit/rules.wit`.

use std::process::Command;

use rules::engine::{Member, Order};
use wasmtime::component::{Component, Linker, ResourceAny};
use wasmtime::{Config, Engine, Store};
use wit_component::ComponentEncoder;

mod bindings {
    wasmtime::component::bindgen!({ path: "../../wit/rules.wit", world: "rules" });
}
use bindings::Rules;
use bindings::exports::kopilka::rules::engine as wit;

/// An instance that holds a parsed program.
pub struct Instance {
    store: Store<()>,
    rules: Rules,
    program: ResourceAny,
}

/// A member and an order, in the host's types.
pub struct Asked {
    member: wit::Member,
    order: wit::Order,
}

impl Instance {
    /// Builds the component with the commands of `spin.toml`, and parses the document once.
    pub fn new(document: &str) -> Self {
        // the engine of the host, epochs included: each loop of the component looks at them
        let mut config = Config::new();
        config.wasm_component_model_async(true);
        config.epoch_interruption(true);
        let engine = Engine::new(&config).expect("an engine");
        let component = Component::new(&engine, component()).expect("a component");
        let mut store = Store::new(&engine, ());
        store.set_epoch_deadline(u64::MAX / 2);
        let rules = Rules::instantiate(&mut store, &component, &Linker::new(&engine)).expect("it imports nothing");
        let program = rules.kopilka_rules_engine().program().call_parse(&mut store, document);
        let program = program.expect("it does not trap").expect("a valid document");
        Self { store, rules, program }
    }

    /// One evaluation: the arguments are lifted, the whole judgement comes back.
    pub fn judge(&mut self, asked: &Asked) -> wit::Judgement {
        let program = self.rules.kopilka_rules_engine().program();
        let judged = program.call_judge_order(&mut self.store, self.program, &asked.member, &asked.order, wit::Payment::None);
        judged.expect("it does not trap").expect("a judgement")
    }

    /// A parse that is not kept.
    pub fn parse(&mut self, document: &str) {
        let parsed = self.rules.kopilka_rules_engine().program().call_parse(&mut self.store, document);
        let program = parsed.expect("it does not trap").expect("a valid document");
        program.resource_drop(&mut self.store).expect("it is dropped");
    }
}

impl Asked {
    /// What the benchmark uses of a member and an order.
    pub fn new(member: &Member, order: &Order) -> Self {
        let lines = order.lines.iter().map(|line| wit::Line {
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
        });
        Self {
            member: wit::Member {
                orders: member.orders,
                qualifying_spend: member.qualifying_spend,
                largest_order: member.largest_order,
                earned: member.earned,
                available: member.available,
                segments: member.segments.clone(),
                tier: member.tier.clone(),
                grace_until: member.grace_until,
                stepped_at: member.stepped_at,
                granted_tiers: Vec::new(),
                activity: Vec::new(),
                uses: Vec::new(),
                categories: member.categories.clone(),
            },
            order: wit::Order {
                occurred_at: order.occurred_at,
                channel: order.channel.clone(),
                store: order.store.clone(),
                lines: lines.collect(),
                delivery: order.delivery,
                vouchers: Vec::new(),
                discounts: wit::Discounts::ByRules,
                with_offers: order.with_offers,
            },
        }
    }
}

/// The component's bytes, built with the profile of the deployed ones.
fn component() -> Vec<u8> {
    let folder = env!("CARGO_MANIFEST_DIR");
    let (root, target) = (format!("{folder}/../.."), format!("{folder}/target/component"));
    let build = ["build", "--quiet", "--profile", "edge", "--target", "wasm32-unknown-unknown", "-p", "rules"];
    let built = Command::new("cargo").args(build).args(["--target-dir", &target]).current_dir(root).status();
    assert!(built.expect("cargo runs").success(), "the rules are built");
    let module = std::fs::read(format!("{target}/wasm32-unknown-unknown/edge/rules.wasm")).expect("the module is there");
    let encoder = ComponentEncoder::default().module(&module).expect("a module with a WIT world");
    encoder.validate(true).encode().expect("a component")
}
