//! What members get for what they do beside buying.

use crate::document::{Document, EventPoints, EventRule};
use crate::engine::{Event, Failure, GrantedTier, Member, Rewarded};

use super::earning::Calendar;
use super::explaining::{Miss, Teller};
use super::lines::check_instant;
use super::scene::Scene;
use super::{caps, invalid};

/// Judges an event. Every rule for its type is tried, in the document's order.
pub fn judge_event(document: &Document, member: &Member, event: &Event) -> Result<Rewarded, Failure> {
    check_instant(event.occurred_at, "/occurred_at")?;
    let scene = Scene::at(document, member, event.occurred_at, event.channel.as_deref())?;
    let teller = Teller::of(document);
    let mut calendar = Calendar { scene: &scene, last: None };
    let mut rewarded = Rewarded { grants: Vec::new(), explanations: Vec::new(), tier: None };
    for rule in document.events.iter().filter(|rule| rule.type_name == event.type_name) {
        match judge(&scene, rule, event)? {
            Err(miss) => rewarded.explanations.push(teller.miss(&rule.id, &miss)),
            Ok(points) => {
                if points > 0 {
                    let grant = calendar.grant(&rule.id, &rule.lifetime, points)?;
                    rewarded.grants.push(grant);
                }
                let tier = rule.tier.as_ref().and_then(|given| {
                    let until = document.zone.end_of_day(event.occurred_at, given.days).ok()?;
                    Some(GrantedTier { id: given.id.clone(), until: Some(until) })
                });
                let name = tier.as_ref().and_then(|given| document.settings.tiers.iter().find(|tier| tier.id == given.id));
                let name = name.map(|tier| tier.name.as_str());
                rewarded.explanations.push(teller.event(&rule.id, points, &rule.type_name, name));
                rewarded.tier = rewarded.tier.or(tier);
            }
        }
    }
    Ok(rewarded)
}

/// The points (minor units) of a rule that fires; 0 for one that gives a tier only.
fn judge(scene: &Scene, rule: &EventRule, event: &Event) -> Result<Result<i64, Miss>, Failure> {
    if let Some(miss) = scene.unmet(&rule.id, &rule.when) {
        return Ok(Err(miss));
    }
    let wanted = match rule.points {
        None => 0,
        Some(EventPoints::Fixed(points)) => points,
        Some(EventPoints::FromEvent { min, max }) => match event.points {
            Some(points) if (min..=max).contains(&points) => points,
            Some(_) => return Err(invalid("/data/points", "out_of_range", "the program gives other numbers of points for this")),
            None => return Err(invalid("/data/points", "required", "the program takes the points from the event")),
        },
    };
    Ok(caps::most(scene, &rule.id, &rule.limits, wanted).map(|(points, _)| points))
}
