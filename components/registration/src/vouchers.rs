//! Promo codes: `POST /v1/vouchers` and `GET /v1/vouchers/{code}`.

use domain::plan::{NewVoucher, Plan};
use domain::snapshot::Voucher;
use domain::{Id, Instant};
use edge::wire::{self, MemberRef};
use edge::{ActiveProgram, Call, Decision, Outcome, Problem, Reply, Scope, letters, mutate, now, random, read};
use ledger::Refusal;
use serde::Deserialize;
use serde_json::{Value, json};
use store::Load;

/// Goods that a voucher can be for.
const MOST_SKUS: usize = 100;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VoucherBody {
    code: Option<String>,
    rule_id: String,
    member: Option<MemberRef>,
    skus: Option<Vec<String>>,
    expires_at: Option<String>,
}

/// `POST /v1/vouchers`: a code that unlocks a rule once. Without a code one is made that nobody can guess.
pub async fn create(call: &Call) -> Result<Reply, Problem> {
    let body: VoucherBody = call.json()?;
    wire::bounded(&body.rule_id, 100, "/rule_id")?;
    if let Some(code) = &body.code
        && (code.is_empty() || code.len() > 64 || !code.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/'))
    {
        let detail = "a code has 1 to 64 visible ASCII characters, no slash among them";
        return Err(Problem::field("/code", "out_of_range", detail));
    }
    let skus = body.skus.clone().unwrap_or_default();
    if skus.len() > MOST_SKUS {
        return Err(Problem::field("/skus", "out_of_range", format!("a voucher is for at most {MOST_SKUS} goods")));
    }
    for (index, sku) in skus.iter().enumerate() {
        wire::bounded(sku, 200, &format!("/skus/{index}"))?;
    }
    let expires_at = body.expires_at.as_deref().map(Instant::parse).transpose();
    let expires_at = expires_at.map_err(|error| Problem::field("/expires_at", "not_a_time", error.to_string()))?;
    let load = Load { vouchers: body.code.iter().cloned().collect(), ..Load::default() };
    let load = match &body.member {
        None => load,
        Some(member) => member.subject("/member").await?.into_load(load),
    };
    mutate(call, &[Scope::Staff], load, |context| {
        let member = match &body.member {
            None => None,
            Some(_) => {
                let member = context.snapshot.member.as_ref();
                Some(member.ok_or_else(|| context.refuse(&Refusal::MemberNotFound))?.id)
            }
        };
        unlocks(&context.program, &body.rule_id)?;
        if !context.snapshot.vouchers.is_empty() {
            return Err(Problem::new(409, "voucher_taken", "There is a voucher with this code already; choose another one"));
        }
        let now = context.command.now;
        if expires_at.is_some_and(|end| end <= now) {
            return Err(Problem::field("/expires_at", "out_of_range", format!("must be after {now}")));
        }
        let id = context.command.ids.clone().next();
        // 80 random bits
        let code = body.code.clone().unwrap_or_else(|| letters(random()) + &letters(random()));
        let voucher = NewVoucher {
            id,
            code: code.clone(),
            rule_id: body.rule_id.clone(),
            member_id: member,
            skus: skus.clone(),
            expires_at,
        };
        let answer = shown(&code, &body.rule_id, member, &skus, expires_at, now, None);
        let plan = Plan { vouchers: vec![voucher], ..Plan::default() };
        Ok(Outcome::New(Box::new(Decision { id, status: 201, answer, plan })))
    })
    .await
}

/// A code for a rule that asks for none would be one that nobody can use.
fn unlocks(program: &ActiveProgram, rule_id: &str) -> Result<(), Problem> {
    let known = program.voucher_rules();
    if known.iter().any(|rule| rule == rule_id) {
        return Ok(());
    }
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    let detail = format!("the program has no rule {rule_id} that asks for a voucher; those that do: {known}");
    Err(Problem::field("/rule_id", "unknown_rule", detail))
}

/// `GET /v1/vouchers/{code}`
pub async fn show(call: &Call, code: &str) -> Result<Reply, Problem> {
    let load = Load { vouchers: vec![code.to_owned()], ..Load::default() };
    let shop = read(call, &[Scope::Staff, Scope::Storefront, Scope::Till], load).await?;
    let voucher = shop.snapshot.vouchers.first();
    let voucher = voucher.ok_or_else(|| Problem::not_found("voucher_not_found", "There is no voucher with this code"))?;
    let Voucher { code, rule_id, member_id, skus, expires_at, created_at, used_by, used_in, .. } = voucher;
    let mut answer = shown(code, rule_id, *member_id, skus, *expires_at, *created_at, used_by.as_deref());
    // a till sees the orders of its own store
    if shop.caller.store.is_some() && shop.caller.store != *used_in {
        answer["order_id"] = Value::Null;
    }
    if used_by.is_none() && expires_at.is_some_and(|end| end <= now()) {
        answer["status"] = "expired".into();
    }
    Ok(Reply::ok(&answer))
}

fn shown(
    code: &str,
    rule_id: &str,
    member: Option<Id>,
    skus: &[String],
    expires_at: Option<Instant>,
    created_at: Instant,
    used_by: Option<&str>,
) -> Value {
    json!({
        "code": code, "rule_id": rule_id, "member_id": member.map(|id| id.external("mem")), "skus": skus,
        "expires_at": expires_at.map(|at| at.to_string()), "created_at": created_at.to_string(),
        "status": if used_by.is_some() { "used" } else { "unused" }, "order_id": used_by,
    })
}
