//! A profile that knows all that the program asks for: the event `profile_filled` happens by itself, once for a member.
//!
//! A command of its own behind the one that told the last of it. Where it does not come to its end, the next change of the person,
//! or a repeat of this one, makes up for it.

use domain::Id;
use edge::person::{self, Person};
use edge::{ActiveProgram, Happening, Reply, happen, now, program_by_head, say, with_retries};
use serde_json::json;
use store::ProgramHead;

/// The type of the event.
const TYPE: &str = "profile_filled";

/// Whether all is known that the program asks for; never, where it asks for nothing.
pub fn is_filled(person: &Person, program: &ActiveProgram) -> bool {
    person.fills(program.profile_fields())
}

/// Whether the program asks for anything. One that can't be read asks for nothing: a repeat is answered all the same.
pub async fn is_asked_for(head: Option<&ProgramHead>) -> bool {
    program_by_head(head).await.is_ok_and(|program| !program.profile_fields().is_empty())
}

/// Records the event, unless it was or nothing asks for it. What goes wrong is logged: the change itself stands.
pub async fn reward(member: Id) {
    let outcome = with_retries(async || {
        let now = now();
        let filled = Happening { key: TYPE, type_name: TYPE, at: now, told: None, voucher: None };
        happen(member, now, &filled, async |member, program| {
            // nobody's person is opened where nothing asks for it
            Ok(!program.profile_fields().is_empty() && is_filled(&person::behind(member).await?, program))
        })
        .await?;
        Ok(Reply::new(200, String::new()))
    })
    .await;
    if let Err(problem) = outcome {
        say(&json!({"level": "warn", "detail": format!("a filled profile is not rewarded yet: {}", problem.code)}));
    }
}
