//! A person's rights: everything that is known, taken out as one document, and the person's going. Both are noted in the books.

use domain::amount::{self, QUANTITY_SCALE};
use domain::snapshot::Member;
use domain::{Id, Instant, Quantity};
use edge::sealing::Sealer;
use edge::wire::{self, member_id};
use edge::{
    ActiveProgram, Call, Decision, Outcome, Problem, Read, Reply, books, from_refusal, from_store, mutate, now, people, read,
};
use ledger::{Account, Refusal};
use serde_json::{Value, json};
use store::{Exported, ExportedDelivery, ExportedLine, ExportedMessage, ExportedOrder, ExportedReturn, Load, ReceiptRow};

use crate::changes::{acceptance_json, consent_json};
use crate::referrals::{brought_json, step_json};
use edge::person::{self, Person, member_json};

/// Entries, consents and acceptances that are read at once.
const PAGE: i64 = 1_000;

/// `GET /v1/members/{id}/export`: everything about the person as one JSON document.
pub async fn export(call: &Call, id: &str) -> Result<Reply, Problem> {
    let shop = read(call, &[], Load { member: Some(member_id(id)?), agreed: true, ..Load::default() }).await?;
    let now = now();
    let Read { caller, snapshot, program, .. } = &shop;
    let member = snapshot.member.as_ref().ok_or_else(|| from_refusal(&Refusal::MemberNotFound, program.scale()))?;
    let person = person::behind(member).await?;
    let agreed = snapshot.agreed.clone().unwrap_or_default();
    let account = Account::open_settled(member, snapshot, &program.terms(now), now)
        .map_err(|refusal| from_refusal(&refusal, program.scale()))?;
    let consents = pages(async |below| {
        let rows = store::consents(&books(), member.id, below, PAGE).await?;
        Ok(rows.iter().map(|row| (row.id, consent_json(row))).collect())
    });
    let acceptances = pages(async |below| {
        let rows = store::acceptances(&books(), member.id, below, PAGE).await?;
        Ok(rows.iter().map(|row| (row.id, acceptance_json(row))).collect())
    });
    let brought = pages(async |below| {
        let rows = store::referrals(&books(), member.id, below, PAGE).await?;
        Ok(rows.iter().map(|row| (row.referee_id.0, brought_json(row, false))).collect())
    });
    let (consents, acceptances, brought) = (consents.await?, acceptances.await?, brought.await?);
    let entries = entries(member, program).await?;
    let books_know = store::export(&books(), member.id).await.map_err(|error| from_store(&error))?;
    let versions = versions(member).await?;
    // what can't be noted is not given out
    store::log_export(&books(), member.id, caller.id, now).await.map_err(|error| from_store(&error))?;
    let mut document = json!({
        "exported_at": now.to_string(),
        "member": member_json(member, &person, &agreed, program, now),
        "referred_with": person.referred_with,
        "balance": wire::balance(&account.balance(), &program.standing(member, now), program),
        "profile_history": versions, "consents": consents, "acceptances": acceptances, "entries": entries,
        "brought": brought,
    });
    for (name, value) in known(&books_know, program) {
        document[name] = value;
    }
    Ok(Reply { headers: vec![("cache-control", "no-store".to_owned())], ..Reply::ok(&document) })
}

/// `DELETE /v1/members/{id}`: the person goes, the numbers stay. The books first: from then on nobody is found. Sent again, it
/// removes again, and so does the sweep, where a connection broke off in between.
pub async fn erase(call: &Call, id: &str) -> Result<Reply, Problem> {
    let id = member_id(id)?;
    let reply = mutate(call, &[], Load { member: Some(id), ..Load::default() }, |context| {
        let plan = ledger::erase(&context.snapshot, context.caller.id).map_err(|refusal| context.refuse(&refusal))?;
        let member = context.snapshot.member.as_ref().ok_or_else(|| context.refuse(&Refusal::MemberNotFound))?;
        let answer = json!({"id": member.id.external("mem"), "status": "erased", "erased_at": context.command.now.to_string()});
        Ok(Outcome::New(Box::new(Decision { id: context.command.ids.clone().next(), status: 200, answer, plan })))
    })
    .await;
    // also of somebody who was erased before: a store that was away then may have kept the person
    if reply.as_ref().is_err_and(|problem| problem.status != 410) {
        return reply;
    }
    let erased =
        store::load(&books(), &Load { member: Some(id), ..Load::default() }).await.map_err(|error| from_store(&error))?;
    if let Some(member) = erased.snapshot.member.filter(Member::is_erased) {
        let gone: Vec<Id> = std::iter::once(member.id).chain(member.merged).collect();
        store::erase_persons(&people(), &gone).await.map_err(|error| from_store(&error))?;
    }
    reply
}

/// Entries of the member and of whoever was merged into it, newest first each.
async fn entries(member: &Member, program: &ActiveProgram) -> Result<Vec<Value>, Problem> {
    let mut all = Vec::new();
    for account in std::iter::once(&member.id).chain(&member.merged) {
        let own = pages(async |below| {
            let rows = store::entries(&books(), *account, below, PAGE).await?;
            Ok(rows.iter().map(|row| (row.seq, wire::entry(row, program))).collect())
        });
        all.extend(own.await?);
    }
    Ok(all)
}

/// All pages of a list that is read from its end.
async fn pages(read: impl AsyncFn(i64) -> Result<Vec<(i64, Value)>, store::StoreError>) -> Result<Vec<Value>, Problem> {
    let (mut all, mut below) = (Vec::new(), i64::MAX);
    loop {
        let page = read(below).await.map_err(|error| from_store(&error))?;
        let whole = i64::try_from(page.len()).is_ok_and(|rows| rows >= PAGE);
        let last = page.last().map(|(place, _)| *place);
        all.extend(page.into_iter().map(|(_, item)| item));
        match last {
            Some(last) if whole => below = last,
            _ => return Ok(all),
        }
    }
}

/// What was ever written of the person, oldest first, without what it was answered.
async fn versions(member: &Member) -> Result<Vec<Value>, Problem> {
    let who: Vec<Id> = std::iter::once(&member.id).chain(&member.merged).copied().collect();
    let sealer = Sealer::ready().await?;
    let versions = store::person_versions(&people(), &who).await.map_err(|error| from_store(&error))?;
    let json = |version| {
        let person = Person { answer: None, ..person::open(&sealer, version)? };
        serde_json::to_value(person).map_err(|_| Problem::new(500, "internal_error", "A person can't be written"))
    };
    versions.iter().map(json).collect()
}

fn known(exported: &Exported, program: &ActiveProgram) -> [(&'static str, Value); 8] {
    let time = |at: Option<Instant>| at.map(|at| at.to_string());
    let redemptions = exported.redemptions.iter().map(|redemption| {
        json!({
            "id": redemption.id.external("red"), "status": redemption.status, "points": wire::points(redemption.points, program),
            "money": wire::money(redemption.money), "captured": wire::points(redemption.captured, program),
            "store": redemption.store, "order_id": redemption.order_ref, "created_at": redemption.created_at.to_string(),
        })
    });
    let events = exported.events.iter().map(|event| {
        json!({
            "id": event.reference, "type": event.type_name, "occurred_at": event.occurred_at.to_string(), "channel": event.channel,
            "data": event.data, "earned": wire::points(event.earned, program),
        })
    });
    let vouchers = exported.vouchers.iter().map(|voucher| {
        json!({
            "code": voucher.code, "rule_id": voucher.rule_id, "created_at": voucher.created_at.to_string(),
            "expires_at": time(voucher.expires_at), "used_by": voucher.used_by,
        })
    });
    let tiers = exported.granted_tiers.iter().map(|gift| {
        json!({"tier": gift.tier, "given_at": gift.given_at.to_string(), "until": time(gift.until), "reason": gift.reason})
    });
    let log = exported.log.iter().map(|look| {
        let key = look.caller_id.filter(|id| id.0 != 0).map(|id| id.external("key"));
        json!({"at": look.at.to_string(), "kind": look.kind, "key_id": key})
    });
    [
        ("orders", exported.orders.iter().map(|order| order_json(order, program)).collect()),
        ("redemptions", redemptions.collect()),
        ("events", events.collect()),
        ("vouchers", vouchers.collect()),
        ("granted_tiers", tiers.collect()),
        ("messages", exported.messages.iter().map(message_json).collect()),
        ("privacy_log", log.collect()),
        ("came_by", exported.came_by.iter().map(step_json).collect()),
    ]
}

fn message_json(message: &ExportedMessage) -> Value {
    let delivery = |delivery: &ExportedDelivery| {
        json!({
            "url": delivery.url, "status": delivery.status, "at": delivery.at.map(|at| at.to_string()),
            "recipient": delivery.recipient != 0,
        })
    };
    let receipt = |receipt: &ReceiptRow| {
        json!({
            "channel": receipt.channel, "status": receipt.status, "at": receipt.at.to_string(), "reason": receipt.reason,
        })
    };
    json!({
        "at": message.at.to_string(), "kind": message.kind,
        "deliveries": message.deliveries.iter().map(delivery).collect::<Vec<_>>(),
        "receipts": message.receipts.iter().map(receipt).collect::<Vec<_>>(),
    })
}

fn order_json(order: &ExportedOrder, program: &ActiveProgram) -> Value {
    let quantity = |quantity: Quantity| amount::format(quantity.0, QUANTITY_SCALE);
    let line = |line: &ExportedLine| {
        json!({
            "id": line.id, "sku": line.sku, "name": line.name, "category": line.category, "brand": line.brand,
            "quantity": quantity(line.quantity), "price": wire::money(line.price), "amount": wire::money(line.amount),
            "returned": quantity(line.returned),
        })
    };
    let back = |back: &ExportedReturn| {
        json!({
            "return_id": back.reference, "occurred_at": back.occurred_at.to_string(),
            "clawed_back": wire::points(back.clawed_back, program), "restored": wire::points(back.restored, program),
            "refund_money": wire::money(back.refund),
        })
    };
    json!({
        "id": order.reference, "status": order.status, "occurred_at": order.occurred_at.to_string(),
        "recorded_at": order.recorded_at.to_string(), "channel": order.channel, "store": order.store,
        "currency": order.currency, "items": wire::money(order.items), "discount": wire::money(order.discount),
        "delivery": wire::money(order.delivery), "paid_points": wire::points(order.paid_points, program),
        "payable": wire::money(order.payable), "earned": wire::points(order.earned, program),
        "lines": order.lines.iter().map(line).collect::<Vec<_>>(), "returns": order.returns.iter().map(back).collect::<Vec<_>>(),
    })
}
