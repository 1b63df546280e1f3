//! `/v1/messages`: what stands in the outbox, how far it has come, and what the shop's provider says of it.

use domain::plan::{NewReceipt, Plan, Redelivery};
use domain::{Id, Instant};
use edge::{Call, Change, Problem, Reply, Scope, authorize, books, change, from_store, wire};
use serde::Deserialize;
use serde_json::{Value, json};
use store::{DeliveryRow, DispatchRow, LetterRow, MessageRow, Messages, ReceiptRow};

const MAY: [Scope; 2] = [Scope::Staff, Scope::Jobs];

const STATUSES: [&str; 4] = ["waiting", "delivered", "parked", "skipped"];
const CHANNELS: [&str; 4] = ["email", "sms", "messenger", "push"];
const RECEIPTS: [&str; 3] = ["delivered", "opened", "failed"];

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReceiptBody {
    channel: String,
    status: String,
    at: Option<String>,
    reason: Option<String>,
}

/// `GET /v1/messages`: newest first.
pub async fn list(call: &Call) -> Result<Reply, Problem> {
    let (limit, below) = (call.limit()?, call.cursor()?);
    let status = call.parameter("status").map(|status| one_of(&STATUSES, status, "/status")).transpose()?;
    let member = call.parameter("member_id").map(|id| Id::parse(id, "mem")).transpose();
    let member = member.map_err(|_| Problem::field("/member_id", "invalid", "is no member's id"))?;
    authorize(call, &MAY).await?;
    let which = Messages { member, status: status.map(str::to_owned) };
    let rows = store::messages(&books(), &which, below, limit + 1).await.map_err(|error| from_store(&error))?;
    Ok(Reply::ok(&wire::page(rows.iter().map(|row| (row.id.0, message_json(row))).collect(), limit)))
}

/// `POST /v1/messages/{id}/deliveries`: one that was given up is sent again.
pub async fn redeliver(call: &Call, id: &str) -> Result<Reply, Problem> {
    if !call.body.is_empty() {
        call.json::<Nothing>()?;
    }
    let message = message_id(id)?;
    change(call, &MAY, None, async |_, id, _| {
        let found = known(message).await?;
        let parked = found.deliveries.iter().filter(|delivery| delivery.status == "parked" && !delivery.disabled);
        let redeliveries: Vec<Redelivery> =
            parked.map(|delivery| Redelivery { message_id: message, webhook_id: delivery.webhook_id }).collect();
        if redeliveries.is_empty() {
            let detail = "This message is parked at no webhook that still gets messages: there is nothing to send again";
            return Err(Problem::new(409, "not_parked", detail));
        }
        let webhooks: Vec<String> = redeliveries.iter().map(|again| again.webhook_id.external("whk")).collect();
        let answer = json!({"id": message.external("msg"), "webhook_ids": webhooks});
        Ok(Change { id, status: 201, answer: answer.to_string(), plan: Plan { redeliveries, ..Plan::default() } })
    })
    .await
}

/// `POST /v1/messages/{id}/receipts`: what became of it at the member's end.
pub async fn receipt(call: &Call, id: &str) -> Result<Reply, Problem> {
    let body: ReceiptBody = call.json()?;
    one_of(&CHANNELS, &body.channel, "/channel")?;
    let status = one_of(&RECEIPTS, &body.status, "/status")?;
    if let Some(reason) = &body.reason {
        wire::bounded(reason, wire::LONGEST_TEXT, "/reason")?;
    }
    let message = message_id(id)?;
    change(call, &MAY, None, async |_, id, now| {
        known(message).await?;
        let at = wire::moment(body.at.as_deref(), now, "/at")?;
        let (channel, reason) = (body.channel.clone(), body.reason.clone());
        // the reason may name an address: a stored answer keeps none
        let answer = json!({
            "message_id": message.external("msg"), "channel": channel, "status": status, "at": at.to_string(),
        });
        let receipts = vec![NewReceipt { message_id: message, channel, status, at, reason }];
        Ok(Change { id, status: 201, answer: answer.to_string(), plan: Plan { receipts, ..Plan::default() } })
    })
    .await
}

fn one_of(words: &[&'static str], word: &str, pointer: &str) -> Result<&'static str, Problem> {
    let found = words.iter().copied().find(|known| *known == word);
    found.ok_or_else(|| Problem::field(pointer, "invalid", format!("must be one of {}", words.join(", "))))
}

fn unknown() -> Problem {
    Problem::not_found("message_not_found", "There is no such message")
}

fn message_id(text: &str) -> Result<Id, Problem> {
    Id::parse(text, "msg").map_err(|_| unknown())
}

async fn known(message: Id) -> Result<MessageRow, Problem> {
    store::message(&books(), message).await.map_err(|error| from_store(&error))?.ok_or_else(unknown)
}

fn message_json(row: &MessageRow) -> Value {
    let moment = |at: Option<Instant>| at.map(|at| at.to_string());
    let delivery = |delivery: &DeliveryRow| {
        json!({
            "webhook_id": delivery.webhook_id.external("whk"), "status": delivery.status, "attempts": delivery.attempts,
            "next_at": moment(delivery.next_at), "done_at": moment(delivery.done_at), "last_status": delivery.last_status,
            "last_error": delivery.last_error,
        })
    };
    let receipt = |receipt: &ReceiptRow| {
        json!({
            "channel": receipt.channel, "status": receipt.status, "at": receipt.at.to_string(), "reason": receipt.reason,
        })
    };
    let letter = |letter: &LetterRow| json!({"id": letter.id.external("msg"), "channel": letter.channel});
    let dispatch = |dispatch: &DispatchRow| {
        json!({
            "purpose": dispatch.purpose, "status": dispatch.status, "next_at": moment(dispatch.next_at), "reason": dispatch.reason,
            "letters": dispatch.letters.iter().map(letter).collect::<Vec<_>>(),
        })
    };
    json!({
        "id": row.id.external("msg"), "kind": row.kind, "member_id": row.member_id.map(|id| id.external("mem")),
        "at": row.at.to_string(), "deliveries": row.deliveries.iter().map(delivery).collect::<Vec<_>>(),
        "receipts": row.receipts.iter().map(receipt).collect::<Vec<_>>(), "dispatch": row.dispatch.as_ref().map(dispatch),
    })
}
