//! The block `messages`: of what members are written, in which words, by which channels, and when nobody is disturbed.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::{CascadeStep, Channel, MessageCap, Purpose};
use crate::limits::{MAX_CAP, MAX_CAP_DAYS, MAX_CASCADE_HOURS, MAX_TEMPLATE, MAX_TEMPLATES};
use crate::messages::kinds::{Kind, Of, kind};
use crate::messages::{Said, try_out};

use super::conditions::{self, Hours};
use super::occasions::Occasion;
use super::reader::{Findings, Node};
use super::triggers::Trigger;

/// Of what members are written, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Messages {
    /// The channels, the first one first; each once.
    pub cascade: Vec<CascadeStep>,
    /// When nobody is disturbed, by the member's clock.
    pub quiet_hours: Option<Hours>,
    /// How many messages of marketing a member gets.
    pub cap: Option<MessageCap>,
    /// At most one for a kind, and for each of its occasions or triggers.
    pub templates: Vec<Template>,
}

/// The words of one kind of message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// The kind of message of the outbox.
    pub kind: &'static str,
    /// The occasion or trigger that it is for alone.
    pub of: Option<String>,
    /// How it is meant.
    pub purpose: Purpose,
    /// By language (ISO 639-1), at least one.
    pub words: BTreeMap<String, Words>,
}

/// A template in one language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// Of an e-mail, or the title of a push message.
    pub subject: Option<String>,
    /// For every channel.
    pub text: String,
    /// For a text message and push, where it is another.
    pub short: Option<String>,
}

/// What of the rest of the document templates refer to.
pub struct Referred<'d> {
    /// The program's occasions.
    pub occasions: &'d [Occasion],
    /// The program's triggers.
    pub triggers: &'d [Trigger],
}

const CHANNELS: [(&str, Channel); 4] =
    [("email", Channel::Email), ("sms", Channel::Sms), ("messenger", Channel::Messenger), ("push", Channel::Push)];

/// How long the next channel waits unless the program says otherwise: a day.
const DEFAULT_WAIT_HOURS: i64 = 24;

/// Languages of templates: those in which points and days can be written.
const LANGUAGES: [&str; 2] = ["en", "ru"];

/// Reads `messages`.
pub fn read(node: &Node, referred: &Referred, findings: &mut Findings) -> Option<Messages> {
    let mut block = node.block(findings)?;
    let cascade = block.required("cascade", findings).and_then(|node| cascade(&node, findings));
    let quiet_hours = match block.optional("quiet_hours") {
        Some(node) => conditions::hours(&node, findings).map(Some),
        None => Some(None),
    };
    let cap = match block.optional("cap") {
        Some(node) => cap(&node, findings).map(Some),
        None => Some(None),
    };
    let templates = block.required("templates", findings).and_then(|node| templates(&node, referred, findings));
    block.finish(findings);
    Some(Messages { cascade: cascade?, quiet_hours: quiet_hours?, cap: cap?, templates: templates? })
}

fn cascade(node: &Node, findings: &mut Findings) -> Option<Vec<CascadeStep>> {
    let nodes = node.list(CHANNELS.len(), findings)?;
    if nodes.is_empty() {
        findings.note(&node.pointer, "empty", "name at least one channel");
        return None;
    }
    let mut steps: Vec<CascadeStep> = Vec::new();
    for node in nodes {
        let mut block = node.block(findings)?;
        let channel_node = block.required("channel", findings);
        let channel = channel_node.as_ref().and_then(|node| node.choice("a channel", &CHANNELS, findings));
        let hours =
            block.optional("wait_hours").map_or(Some(DEFAULT_WAIT_HOURS), |node| node.integer(1, MAX_CASCADE_HOURS, findings));
        let until = [("delivered", false), ("opened", true)];
        let until_opened = block.optional("until").map_or(Some(false), |node| node.choice("what is enough", &until, findings));
        block.finish(findings);
        let step = CascadeStep {
            channel: channel?,
            wait_minutes: u32::try_from(hours?.checked_mul(60)?).ok()?,
            until_opened: until_opened?,
        };
        if let Some(node) = channel_node
            && steps.iter().any(|earlier| earlier.channel == step.channel)
        {
            findings.note(&node.pointer, "duplicate", "this channel was tried above already; each is tried once");
        }
        steps.push(step);
    }
    Some(steps)
}

fn cap(node: &Node, findings: &mut Findings) -> Option<MessageCap> {
    let mut block = node.block(findings)?;
    let messages = block.required("messages", findings).and_then(|node| node.integer(1, MAX_CAP, findings));
    let days = block.required("days", findings).and_then(|node| node.integer(1, MAX_CAP_DAYS, findings));
    block.finish(findings);
    Some(MessageCap { messages: u32::try_from(messages?).ok()?, days: u32::try_from(days?).ok()? })
}

fn templates(node: &Node, referred: &Referred, findings: &mut Findings) -> Option<Vec<Template>> {
    let nodes = node.list(MAX_TEMPLATES, findings)?;
    if nodes.is_empty() {
        findings.note(&node.pointer, "empty", "name at least one template, or leave \"messages\" out");
        return None;
    }
    let mut known = BTreeSet::new();
    let mut languages: Option<BTreeSet<String>> = None;
    let mut read = Vec::new();
    for node in &nodes {
        let Some(template) = template(node, referred, findings) else { continue };
        if !known.insert((template.kind, template.of.clone())) {
            findings.note(&node.pointer, "duplicate", "there is a template for this above already");
        }
        let of_this: BTreeSet<String> = template.words.keys().cloned().collect();
        let of_first = languages.get_or_insert_with(|| of_this.clone());
        for missing in of_first.difference(&of_this) {
            let detail = format!("the first template has the language \"{missing}\"; this one needs it, too");
            findings.note(&node.pointer, "missing_language", detail);
        }
        for further in of_this.difference(of_first) {
            let detail = format!("the first template lacks the language \"{further}\"; all templates have the same languages");
            findings.note(&node.pointer, "missing_language", detail);
        }
        read.push(template);
    }
    (read.len() == nodes.len()).then_some(read)
}

fn template(node: &Node, referred: &Referred, findings: &mut Findings) -> Option<Template> {
    let mut block = node.block(findings)?;
    let of_kind = block.required("kind", findings).and_then(|node| kind_of(&node, findings));
    let of = match (block.optional("of"), of_kind) {
        (None, _) => Some(None),
        (Some(node), Some(of_kind)) => of(&node, of_kind, referred, findings).map(Some),
        (Some(_), None) => None,
    };
    let purposes = [("urgent", Purpose::Urgent), ("service", Purpose::Service), ("marketing", Purpose::Marketing)];
    let purpose = match block.optional("purpose") {
        None => of_kind.map(|kind| kind.purpose),
        Some(node) => {
            let purpose = node.choice("how a message is meant", &purposes, findings);
            if of_kind.is_some_and(|kind| kind.purpose == Purpose::Urgent)
                && purpose.is_some_and(|purpose| purpose != Purpose::Urgent)
            {
                findings.note(
                    &node.pointer,
                    "code_is_urgent",
                    "a code that waits is over before it comes; leave the purpose out",
                );
            }
            if of_kind.is_some_and(|kind| kind.name == "points.annulment") && purpose == Some(Purpose::Marketing) {
                findings.note(
                    &node.pointer,
                    "must_be_told",
                    "points do not end before this was sent: it is no marketing; leave it out",
                );
            }
            purpose
        }
    };
    let mut words = BTreeMap::new();
    let mut complete = true;
    for language in LANGUAGES {
        let Some(node) = block.optional(language) else { continue };
        match words_of(&node, language, of_kind, findings) {
            Some(read) => drop(words.insert(language.to_owned(), read)),
            None => complete = false,
        }
    }
    if complete && words.is_empty() {
        let detail = format!("write it in at least one language: {}", LANGUAGES.join(", "));
        findings.note(&node.pointer, "missing_language", detail);
        complete = false;
    }
    block.finish(findings);
    let (of_kind, of, purpose) = (of_kind?, of?, purpose?);
    complete.then_some(Template { kind: of_kind.name, of, purpose, words })
}

fn kind_of(node: &Node, findings: &mut Findings) -> Option<&'static Kind> {
    let name = node.text("a kind of message, like \"points.expiring\"", findings)?;
    let known = kind(name);
    if known.is_none() {
        let names: Vec<_> = crate::messages::kinds::KINDS.iter().map(|kind| kind.name).collect();
        findings.note(&node.pointer, "unknown_kind", format!("members are written of: {}", names.join(", ")));
    }
    known
}

fn of(node: &Node, kind: &Kind, referred: &Referred, findings: &mut Findings) -> Option<String> {
    let id = node.id(findings)?;
    let (known, what): (Vec<&str>, _) = match kind.of {
        Some(Of::Occasion) => (referred.occasions.iter().map(|known| known.id.as_str()).collect(), "occasions"),
        Some(Of::Trigger) => (referred.triggers.iter().map(|known| known.id.as_str()).collect(), "triggers"),
        None => {
            findings.note(&node.pointer, "not_of_this_kind", "only templates of an occasion or a trigger are for one of them");
            return None;
        }
    };
    if !known.contains(&id.as_str()) {
        let detail = format!("the program's {what} are: {}", if known.is_empty() { "none".to_owned() } else { known.join(", ") });
        findings.note(&node.pointer, "unknown_id", detail);
        return None;
    }
    Some(id)
}

fn words_of(node: &Node, language: &str, kind: Option<&Kind>, findings: &mut Findings) -> Option<Words> {
    let mut block = node.block(findings)?;
    let said = |node: Option<Node>, findings: &mut Findings| {
        let node = node?;
        let text = node.name(MAX_TEMPLATE, findings)?;
        if let Some(kind) = kind
            && let Err(Said { code, detail }) = try_out(&text, kind, language)
        {
            findings.note(&node.pointer, code, detail);
            return None;
        }
        Some(text)
    };
    let (subject_node, short_node) = (block.optional("subject"), block.optional("short"));
    let text_node = block.required("text", findings);
    let (has_subject, has_short) = (subject_node.is_some(), short_node.is_some());
    let subject = said(subject_node, findings);
    let text = said(text_node, findings);
    let short = said(short_node, findings);
    block.finish(findings);
    if has_subject && subject.is_none() || has_short && short.is_none() {
        return None;
    }
    Some(Words { subject, text: text?, short })
}
