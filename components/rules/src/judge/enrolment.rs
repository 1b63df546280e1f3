//! What a new member gets.

use crate::document::Document;
use crate::engine::{Enrolment, Failure, Grant, Member};

use super::earning::undatable;
use super::explaining::Teller;
use super::lines::check_instant;
use super::selection::allows;
use super::standing::standing;

/// Judges an enrolment at an instant (milliseconds) through a channel.
pub fn judge_enrolment(document: &Document, at: i64, channel: &str) -> Result<Enrolment, Failure> {
    check_instant(at, "/at")?;
    let mut enrolment =
        Enrolment { grants: Vec::new(), standing: standing(document, &Member::default(), at), explanations: Vec::new() };
    let Some(welcome) = &document.welcome else { return Ok(enrolment) };
    let teller = Teller::of(document);
    if !allows(&welcome.channels, Some(channel)) {
        enrolment.explanations.push(teller.no_welcome(&welcome.id));
        return Ok(enrolment);
    }
    let life = document.zone.life(at, &welcome.lifetime).map_err(|why| undatable(why, "/at"))?;
    enrolment.grants.push(Grant {
        rule_id: welcome.id.clone(),
        points: welcome.points,
        activates_at: life.activates_at,
        expires_at: life.expires_at,
    });
    enrolment.explanations.push(teller.welcome(&welcome.id, welcome.points));
    Ok(enrolment)
}
