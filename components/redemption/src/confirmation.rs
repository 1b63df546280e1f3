//! `POST /v1/redemptions/{id}/confirmation`: the one-time code that the member got for a redemption above the program's
//! amount. A wrong code is counted once, under its idempotency key; the third one gives the points back.

use domain::Id;
use domain::snapshot::Member;
use edge::sealing::Sealer;
use edge::wire;
use edge::{Call, Context, Decision, Outcome, Problem, Reply, mutate, random};
use ledger::{Confirmed, NewCode, Refusal};
use serde::Deserialize;
use serde_json::json;
use store::Load;

use crate::{SELLERS, visible};

/// Digits of a code.
const DIGITS: usize = 6;

/// A code for the redemption that this command makes.
pub fn new_code(sealer: &Sealer, context: &Context, member: &Member) -> Result<NewCode, Problem> {
    let redemption = context.command.ids.clone().next();
    let code = format!("{:0DIGITS$}", random() % 1_000_000);
    Ok(NewCode { hash: sealer.code_hash(redemption, &code)?, sealed: sealer.seal(member.id, &code)? })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConfirmationBody {
    code: String,
}

pub async fn confirm(call: &Call, id: Id) -> Result<Reply, Problem> {
    let body: ConfirmationBody = call.json()?;
    // what can be no code of ours is refused, and not counted as a try
    if body.code.len() != DIGITS || !body.code.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Problem::field("/code", "not_a_code", format!("a code has {DIGITS} digits")));
    }
    let sealer = Sealer::ready().await?;
    let sent = sealer.code_hash(id, &body.code)?;
    let load = Load { redemption: Some(id), ..Load::default() };
    mutate(call, &SELLERS, load, |context| {
        visible(context)?;
        let redemption = context.snapshot.redemption.as_ref().ok_or_else(|| context.refuse(&Refusal::RedemptionNotFound))?;
        let right = redemption.code_hash.as_ref() == Some(&sent);
        let confirmed = ledger::confirm(&context.snapshot, right, &context.terms(), context.command.clone())
            .map_err(|refusal| context.refuse(&refusal))?;
        Ok(decision(context, id, confirmed))
    })
    .await
}

fn decision(context: &Context, id: Id, confirmed: Confirmed) -> Outcome {
    let program = &context.program;
    let balance = wire::balance(&confirmed.balance, &context.standing(), program);
    let status = confirmed.status.word();
    let (code, answer) = if confirmed.right {
        let answer = json!({
            "id": id.external("red"), "status": status, "hold_expires_at": confirmed.hold_expires_at.to_string(),
            "balance": balance,
        });
        (200, answer)
    } else {
        let detail = match confirmed.attempts_left {
            0 => "The code was wrong three times: the points are given back; make a new redemption".to_owned(),
            left => format!("The code is wrong; {left} more can be tried until {}", confirmed.hold_expires_at),
        };
        let problem = Problem::new(422, "wrong_code", detail)
            .with("attempts_left", confirmed.attempts_left)
            .with("redemption_status", status)
            .with("balance", balance);
        (problem.status, problem.to_json())
    };
    let id = context.command.ids.clone().next();
    Outcome::New(Box::new(Decision { id, status: code, answer, plan: confirmed.plan }))
}
