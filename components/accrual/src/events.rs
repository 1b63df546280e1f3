//! `POST /v1/events`: something that a member did beside buying, and what the program gives for it.

use domain::Points;
use domain::order::Event;
use edge::wire::{self, Amount, MemberRef};
use edge::{Call, Context, Decision, Look, Outcome, Problem, Reply, RulesFailure, mutate_at, now};
use ledger::{Happened, Refusal};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use store::Load;

use crate::SELLERS;
use crate::orders::canonical;

/// How ids begin of what happens by itself: nobody takes its place.
const BY_ITSELF: [&str; 3] = ["occasion ", "trigger ", "profile_filled "];

/// The longest `data`, written without spaces.
const LONGEST_DATA: usize = 8_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EventBody {
    id: String,
    member: MemberRef,
    #[serde(rename = "type")]
    type_name: String,
    occurred_at: String,
    data: Option<Map<String, Value>>,
    channel: Option<String>,
}

pub async fn record(call: &Call) -> Result<Reply, Problem> {
    let body: EventBody = call.json()?;
    wire::bounded(&body.id, 200, "/id")?;
    if BY_ITSELF.iter().any(|prefix| body.id.starts_with(prefix)) {
        return Err(Problem::field("/id", "reserved", "names what happens by itself; begin an id of your own otherwise"));
    }
    wire::bounded(&body.type_name, 100, "/type")?;
    if let Some(channel) = &body.channel {
        wire::bounded(channel, 200, "/channel")?;
    }
    let occurred_at = wire::moment(Some(&body.occurred_at), now(), "/occurred_at")?;
    let data = Value::Object(body.data.clone().unwrap_or_default());
    if data.to_string().len() > LONGEST_DATA {
        return Err(Problem::field("/data", "out_of_range", format!("has at most {LONGEST_DATA} bytes")));
    }
    // how many decimal places points have is not known before the load
    let points: Option<Amount> = match data.get("points") {
        None | Some(Value::Null) => None,
        Some(points) => Some(
            serde_json::from_value(points.clone())
                .map_err(|_| Problem::field("/data/points", "not_a_decimal", "is not a decimal number like \"249.50\""))?,
        ),
    };
    let event = Event {
        reference: body.id.clone(),
        type_name: body.type_name.clone(),
        occurred_at,
        channel: body.channel.clone(),
        data,
        points: None,
    };
    let content = canonical(&call.body).await?;
    let load = Load { event: Some(event.reference.clone()), ..Load::default() };
    let load = body.member.subject("/member").await?.into_load(load);
    let look = Look::Judging { at: occurred_at, categories: Vec::new() };
    mutate_at(call, &SELLERS, load, &look, |context| decide(context, &event, points.as_ref(), &content)).await
}

fn decide(context: &Context, event: &Event, points: Option<&Amount>, content: &str) -> Result<Outcome, Problem> {
    let program = &context.program;
    let refuse = |refusal: Refusal| context.refuse(&refusal);
    if let Some(known) = &context.snapshot.event {
        return if known.content_hash == content {
            Ok(Outcome::Repeat(known.answer.clone()))
        } else {
            Err(refuse(Refusal::OtherContent { what: "event" }))
        };
    }
    let member = context.snapshot.member.as_ref().ok_or(Refusal::MemberNotFound).map_err(refuse)?;
    let points = points.map(|points| points.points(program.scale(), "/data/points")).transpose()?;
    let event = Event { points, ..event.clone() };
    let rewarded = program.judge_event(member, Points::ZERO, &event).map_err(not_judged)?;
    let terms = context.terms();
    let happened = ledger::record_event(
        &context.snapshot,
        &event,
        &rewarded,
        context.standing_of(),
        &terms,
        content,
        context.command.clone(),
    );
    let Happened { plan, id, earned, lots, standing, balance } = happened.map_err(refuse)?;
    let answer = json!({
        "id": event.reference, "member_id": member.id.external("mem"),
        "earned": {
            "points": wire::points(earned, program),
            "available_from": lots.iter().map(|lot| lot.activates_at).min().map(|at| at.to_string()),
            "lots": wire::new_lots(&lots, program),
        },
        "tier": wire::tier(standing.tier.as_ref(), program),
        "balance": wire::balance(&balance, &standing, program),
        "explanation": wire::explanations(&rewarded.explanations, program),
    });
    Ok(Outcome::New(Box::new(Decision { id, status: 201, answer, plan })))
}

fn not_judged(failure: RulesFailure) -> Problem {
    match failure {
        RulesFailure::Invalid(error) => Problem::field(error.pointer, &error.code, error.detail),
        RulesFailure::Inconsistent(what) => wire::inconsistent(what),
        RulesFailure::Overflow => Problem::field("/data/points", "out_of_range", "an amount is beyond 10^12 minor units"),
        RulesFailure::LimitExceeded { reason, .. } => Problem::field("", "not_judged", reason),
        RulesFailure::Insufficient(_) => Problem::field("", "not_judged", "the rules can't judge this event"),
    }
}
