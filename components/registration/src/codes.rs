//! The one-time code by which a new member confirms who they are, where the program asks for one.

use domain::Id;
use domain::judgement::Enrolment;
use edge::sealing::Sealer;
use edge::wire::{self, member_id};
use edge::{Call, Decision, Outcome, Problem, Reply, from_refusal, mutate, random};
use ledger::{NewCode, Refusal};
use serde::Deserialize;
use serde_json::json;
use store::Load;

use crate::members::{READERS, not_judged};

/// Digits of a code.
const DIGITS: usize = 6;

/// A code for a member, made by this command.
///
/// # Errors
/// 500 when it can't be sealed.
pub fn new_code(sealer: &Sealer, command: Id, member: Id) -> Result<NewCode, Problem> {
    let code = format!("{:0DIGITS$}", random() % 1_000_000);
    Ok(NewCode { hash: sealer.code_hash(command, &code)?, sealed: sealer.seal(member, &code)? })
}

/// `POST /v1/members/{id}/codes`: sends another code.
pub async fn send(call: &Call, id: &str) -> Result<Reply, Problem> {
    let load = Load { member: Some(member_id(id)?), agreed: true, ..Load::default() };
    let sealer = Sealer::ready().await?;
    mutate(call, &READERS, load, |context| {
        let member = context.snapshot.member.as_ref().ok_or_else(|| context.refuse(&Refusal::MemberNotFound))?;
        let id = context.command.ids.clone().next();
        let code = new_code(&sealer, id, member.id)?;
        let plan = ledger::send_code(&context.snapshot, code, &context.command).map_err(|refusal| context.refuse(&refusal))?;
        let ends = context.command.now.plus_seconds(ledger::MEMBER_CODE_SECONDS);
        let answer = json!({"member_id": member.id.external("mem"), "expires_at": ends.to_string()});
        Ok(Outcome::New(Box::new(Decision { id, status: 201, answer, plan })))
    })
    .await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CodeBody {
    code: String,
}

/// `POST /v1/members/{id}/confirmation`: the right code confirms the member, and brings the welcome that waited for it. A wrong
/// one is counted once, under its idempotency key; after three another code is to be sent.
pub async fn confirm(call: &Call, id: &str) -> Result<Reply, Problem> {
    let body: CodeBody = call.json()?;
    // what can be no code of ours is refused, and not counted as a try
    if body.code.len() != DIGITS || !body.code.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Problem::field("/code", "not_a_code", format!("a code has {DIGITS} digits")));
    }
    let sealer = Sealer::ready().await?;
    let load = Load { member: Some(member_id(id)?), agreed: true, referrals: true, ..Load::default() };
    mutate(call, &READERS, load, |context| {
        let program = &context.program;
        let member = context.snapshot.member.as_ref().ok_or_else(|| context.refuse(&Refusal::MemberNotFound))?;
        let agreed = context.snapshot.agreed.as_ref();
        let sent = agreed.and_then(|agreed| agreed.code.as_ref());
        let right = match sent {
            Some(sent) => sealer.code_hash(sent.id, &body.code)? == sent.hash,
            None => false,
        };
        let judged = if right && agreed.is_some_and(|agreed| agreed.awaits_welcome == 1) {
            program.judge_enrolment(context.command.now, &member.channel).map_err(|failure| not_judged(&failure))?
        } else {
            Enrolment::default()
        };
        let waits = context.snapshot.referrals.iter().find(|referral| right && referral.of_member && !referral.paid);
        let referral = waits.map(|referral| program.judge_referral(context.command.now, &referral.referrer, None)).transpose();
        let referral = referral.map_err(|failure| not_judged(&failure))?;
        let (terms, command) = (context.terms(), context.command.clone());
        let confirmed = ledger::confirm_member(&context.snapshot, right, &judged, referral.as_ref(), &terms, command)
            .map_err(|refusal| from_refusal(&refusal, program.scale()))?;
        let id = context.command.ids.clone().next();
        let (status, answer) = if confirmed.right {
            let mut answer = json!({
                "id": member.id.external("mem"), "status": "active",
                "balance": wire::balance(&confirmed.balance, &context.standing(), program),
                "explanation": wire::explanations(&judged.explanations, program),
            });
            if let Some(decided) = &confirmed.referral {
                answer["referral"] = wire::referral(decided, program);
            }
            (200, answer)
        } else {
            let detail = match confirmed.attempts_left {
                0 => "The code was wrong three times; POST /v1/members/{id}/codes sends another one".to_owned(),
                left => format!("The code is wrong; {left} more can be tried"),
            };
            let problem = Problem::new(422, "wrong_code", detail).with("attempts_left", confirmed.attempts_left);
            (problem.status, problem.to_json())
        };
        Ok(Outcome::New(Box::new(Decision { id, status, answer, plan: confirmed.plan })))
    })
    .await
}
