//! What members are written: a template of the program filled with what happened, in the member's language; and when nobody is to
//! be disturbed. Templates are Jinja's, of which only values, the filters of `words` and `if` are left, so that none can run
//! without end or grow without bound.

pub mod kinds;
mod words;

use std::collections::BTreeMap;

use minijinja::{Environment, Error, UndefinedBehavior, Value};

use crate::calendar::Zone;
use crate::document::{Document, Messages, Template};
use crate::engine::{Channel, LetterKind, Messaging, NamedValue, Written};
use crate::limits::TEMPLATE_FUEL;
use kinds::{Kind, MAY_BE_EMPTY, OF_ALL};

/// Milliseconds.
const MINUTE: i64 = 60_000;

/// What is wrong with a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// A stable word.
    pub code: &'static str,
    /// What is wrong and what would be right.
    pub detail: String,
}

/// What members are written of. None: the program writes nobody.
pub fn messaging(document: &Document) -> Option<Messaging> {
    let messages = document.messages.as_ref()?;
    let kind = |template: &Template| LetterKind {
        kind: template.kind.to_owned(),
        of_id: template.of.clone(),
        purpose: template.purpose,
    };
    Some(Messaging { cascade: messages.cascade.clone(), kinds: messages.templates.iter().map(kind).collect(), cap: messages.cap })
}

/// Until when nobody in a zone is to be disturbed at a moment: the end of the quiet hours by their clock.
pub fn quiet_until(document: &Document, zone: &str, at: i64) -> Option<i64> {
    let hours = document.messages.as_ref()?.quiet_hours?;
    let zone = Zone::named(zone).unwrap_or_else(|_| document.zone.clone());
    let local = zone.local(at).ok()?;
    let minute = i16::from(local.hour()).checked_mul(60)?.checked_add(local.minute().into())?;
    let within =
        if hours.from < hours.to { (hours.from..hours.to).contains(&minute) } else { minute >= hours.from || minute < hours.to };
    if !within {
        return None;
    }
    // by the clock on the wall: a night with a change of clocks ends as others do
    let today = local.date();
    let ends = if minute < hours.to { today } else { today.tomorrow().ok()? };
    let until = zone.clock(ends, hours.to).ok()?;
    // where clocks go back, a time comes twice: it is the second one that is meant after the first
    if until > at {
        return Some(until);
    }
    let left = i64::from(hours.to.checked_sub(minute)?).checked_mul(MINUTE)?;
    at.checked_add(left).filter(|until| *until > at)
}

/// A message of a kind for a channel. None: there is no such template.
///
/// # Errors
/// What the template can't say with these values.
pub fn write(
    document: &Document,
    kind: &str,
    of: Option<&str>,
    channel: Channel,
    language: &str,
    values: &[NamedValue],
) -> Result<Option<Written>, String> {
    let Some(messages) = &document.messages else { return Ok(None) };
    let (Some(template), Some(known)) = (template(messages, kind, of), kinds::kind(kind)) else { return Ok(None) };
    let chosen = template.words.get_key_value(language).or_else(|| template.words.iter().next());
    let Some((language, words)) = chosen else { return Ok(None) };
    let mut said: BTreeMap<&'static str, String> = MAY_BE_EMPTY.iter().map(|name| (*name, String::new())).collect();
    said.insert("program", document.settings.name.clone());
    let name = document.names.iter().find(|(known, _)| known == language).map(|(_, name)| name);
    said.insert("points_name", name.unwrap_or(&document.settings.points_name).clone());
    for NamedValue { name, value } in values {
        if name == "to" {
            let tier = document.settings.tiers.iter().find(|tier| tier.id == *value);
            said.insert("tier", tier.map_or(value, |tier| &tier.name).clone());
        }
        if let Some(name) = OF_ALL.iter().chain(known.values).find(|known| *known == name) {
            said.insert(name, value.clone());
        }
    }
    let environment = environment(language, &document.zone);
    let context = Value::from_object(said);
    let render = |text: &String| environment.render_str(text, context.clone()).map_err(|error| why(&error));
    let short = words.short.as_ref().filter(|_| matches!(channel, Channel::Sms | Channel::Push));
    let with_subject = matches!(channel, Channel::Email | Channel::Push);
    Ok(Some(Written {
        language: language.clone(),
        subject: words.subject.as_ref().filter(|_| with_subject).map(render).transpose()?,
        text: render(short.unwrap_or(&words.text))?,
    }))
}

/// The template for an occasion or a trigger, or else the one for all of the kind.
fn template<'d>(messages: &'d Messages, kind: &str, of: Option<&str>) -> Option<&'d Template> {
    let find = |of: Option<&str>| messages.templates.iter().find(|known| known.kind == kind && known.of.as_deref() == of);
    of.and_then(|of| find(Some(of))).or_else(|| find(None))
}

/// Checks a template: it can be read, says nothing that nobody knows, and can be filled, also where whatever may be empty is.
///
/// # Errors
/// What is wrong.
pub fn try_out(text: &str, kind: &Kind, language: &str) -> Result<(), Said> {
    let unreadable = |error: &Error| Said { code: "template_unreadable", detail: why(error) };
    if let Some(tag) = unknown_tag(text) {
        let detail = format!(
            "{{% {tag} %}} is not known here; a template has {{{{ values }}}}, filters, and {{% {} %}}",
            TAGS.join(" %}, {% ")
        );
        return Err(Said { code: "template_unreadable", detail });
    }
    if let Some(filter) = unknown_filter(text) {
        let detail = format!("there is no filter \"{filter}\"; there are {}", words::FILTERS.join(", "));
        return Err(Said { code: "template_unreadable", detail });
    }
    let environment = environment(language, &Zone::utc());
    let template = environment.template_from_str(text).map_err(|error| unreadable(&error))?;
    let known: Vec<&'static str> = OF_ALL.iter().chain(kind.values).copied().collect();
    let mut unknown: Vec<String> =
        template.undeclared_variables(false).into_iter().filter(|name| !known.contains(&name.as_str())).collect();
    unknown.sort();
    if let Some(first) = unknown.first() {
        let detail = format!("\"{first}\" is not known of {}; a template may say: {}", kind.name, known.join(", "));
        return Err(Said { code: "unknown_value", detail });
    }
    for (empty, one) in [(false, false), (true, false), (false, true)] {
        let value = |name| match sample(name) {
            _ if empty && MAY_BE_EMPTY.contains(&name) => "",
            "1249.50" | "7" if one => "1",
            sample => sample,
        };
        let context: BTreeMap<&'static str, &'static str> = known.iter().map(|name| (*name, value(*name))).collect();
        template.render(Value::from_object(context)).map_err(|error| unreadable(&error))?;
    }
    Ok(())
}

/// A value like those that come: amounts, moments, words.
fn sample(name: &str) -> &'static str {
    match name {
        "points" | "welcome" | "available" => "1249.50",
        "days" => "7",
        "code" => "123456",
        name if name.ends_with("at") || name == "until" => "2026-03-31T21:00:00Z",
        _ => "Anna",
    }
}

/// What of Jinja's statements is left.
const TAGS: [&str; 4] = ["if", "elif", "else", "endif"];

fn unknown_tag(text: &str) -> Option<String> {
    let tag = |rest: &str| -> String {
        rest.trim_start_matches(['-', '+'])
            .trim_start()
            .chars()
            .take_while(|letter| letter.is_alphanumeric() || *letter == '_')
            .collect()
    };
    text.split("{%").skip(1).map(tag).find(|tag| !TAGS.contains(&tag.as_str()))
}

/// A filter that nobody knows: those of branches that the samples do not take would be missed only when a member is written to.
fn unknown_filter(text: &str) -> Option<String> {
    let mut found = None;
    for start in ["{{", "{%"] {
        for part in text.split(start).skip(1) {
            let end = if start == "{{" { "}}" } else { "%}" };
            let inside = part.split(end).next().unwrap_or_default();
            // what stands in quotes is a text
            let mut quote = None;
            let mut code = String::new();
            for letter in inside.chars() {
                match (quote, letter) {
                    (None, '\'' | '"') => quote = Some(letter),
                    (Some(open), letter) if letter == open => quote = None,
                    (None, letter) => code.push(letter),
                    (Some(_), _) => {}
                }
            }
            for after in code.split('|').skip(1) {
                let name: String =
                    after.trim_start().chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect();
                if !words::FILTERS.contains(&name.as_str()) {
                    found = found.or(Some(name));
                }
            }
        }
    }
    found
}

fn environment<'t>(language: &str, zone: &Zone) -> Environment<'t> {
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(TEMPLATE_FUEL));
    words::teach(&mut environment, language, zone);
    environment
}

/// What is wrong, without the values that were to be said.
fn why(error: &Error) -> String {
    let place = error.line().map(|line| format!(" in line {line}")).unwrap_or_default();
    match error.detail() {
        Some(detail) => format!("{}: {detail}{place}", error.kind()),
        None => format!("{}{place}", error.kind()),
    }
}
