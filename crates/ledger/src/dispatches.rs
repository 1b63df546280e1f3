//! When and by which channel a member is written, or why not. A cascade goes from one channel to the next until a message has come
//! through; consent, quiet hours and the cap of marketing have their say. Nothing is sent here: this decides.

use domain::Instant;

/// Milliseconds after which a dispatch that waits is looked at again at the earliest.
const SHORTEST_WAIT: i64 = 60_000;

/// A way to reach a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Channel {
    Email,
    Sms,
    Messenger,
    Push,
}

impl Channel {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Email, Self::Sms, Self::Messenger, Self::Push];

    /// As the API and the store have it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Sms => "sms",
            Self::Messenger => "messenger",
            Self::Push => "push",
        }
    }

    /// The channel of a word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.word() == word)
    }
}

/// How a message is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// At once, whatever the hour, unless the member said no to the channel.
    Urgent,
    /// Not in quiet hours; unless the member said no to the channel.
    Service,
    /// Not in quiet hours, within the cap, and only where the member said yes to the channel.
    Marketing,
}

/// One try of a cascade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    pub channel: Channel,
    /// Milliseconds until the next one is tried.
    pub wait: i64,
    /// Only an opened message is enough; else one that was delivered is.
    pub until_opened: bool,
}

/// What a provider said of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receipt {
    Delivered,
    Opened,
    Failed,
}

/// A message on its way to its member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dispatch {
    pub purpose: Purpose,
    /// The channel tried last, and when.
    pub tried: Option<(Channel, Instant)>,
    /// All that were tried: none is tried twice, whatever becomes of the cascade.
    pub channels: Vec<Channel>,
    pub receipts: Vec<(Channel, Receipt)>,
    /// Why nobody has any use of it any more.
    pub stale: Option<&'static str>,
    /// Messages of marketing that the member got lately, and the program's cap.
    pub lately: u32,
    pub cap: Option<u32>,
}

/// Whom it goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// Channels for which the member has an address.
    pub reachable: Vec<Channel>,
    /// What the member said of channels.
    pub consents: Vec<(Channel, bool)>,
    /// The end of the quiet hours where it is quiet now.
    pub quiet_until: Option<Instant>,
}

/// What becomes of a dispatch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It goes out by a channel, and is looked at again then.
    Send { channel: Channel, look_at: Instant },
    /// It is looked at again then.
    Wait { until: Instant },
    /// It has come through.
    Arrived(Receipt),
    /// It was sent, and nobody knows more.
    Sent,
    /// No channel took it.
    Failed,
    /// It is not sent, and why.
    NotSent(&'static str),
}

/// Decides of a dispatch at `now`. `contact` is none where the person is gone.
#[must_use]
pub fn decide(dispatch: &Dispatch, contact: Option<&Contact>, cascade: &[Step], now: Instant) -> Decision {
    if let Some(arrived) = arrived(dispatch, cascade) {
        return Decision::Arrived(arrived);
    }
    let begun = dispatch.tried.is_some();
    let over = |why| if begun { after_all(dispatch) } else { Decision::NotSent(why) };
    let Some(contact) = contact else { return over("erased") };
    if let Some(why) = dispatch.stale {
        return over(why);
    }
    let mut left = cascade;
    if let Some((channel, at)) = dispatch.tried {
        let place = cascade.iter().position(|step| step.channel == channel);
        let waits_until = place.and_then(|place| cascade.get(place)).map(|step| Instant(at.0.saturating_add(step.wait)));
        let refused = dispatch.receipts.contains(&(channel, Receipt::Failed));
        if let Some(until) = waits_until.filter(|until| *until > now && !refused) {
            return Decision::Wait { until };
        }
        // a channel that the program has no more is followed by none
        left = place.and_then(|place| cascade.get(place.saturating_add(1)..)).unwrap_or_default();
    }
    let reachable = |step: &&Step| contact.reachable.contains(&step.channel) && !dispatch.channels.contains(&step.channel);
    let Some(next) = left.iter().filter(reachable).find(|step| allowed(dispatch.purpose, contact, step.channel)) else {
        return over(if left.iter().any(|step| reachable(&step)) { "no_consent" } else { "unreachable" });
    };
    if dispatch.purpose != Purpose::Urgent
        && let Some(until) = contact.quiet_until
    {
        return Decision::Wait { until: until.max(Instant(now.0.saturating_add(SHORTEST_WAIT))) };
    }
    if !begun && dispatch.purpose == Purpose::Marketing && dispatch.cap.is_some_and(|cap| dispatch.lately >= cap) {
        return Decision::NotSent("capped");
    }
    Decision::Send { channel: next.channel, look_at: Instant(now.0.saturating_add(next.wait)) }
}

/// The best that the provider said, where it is enough.
fn arrived(dispatch: &Dispatch, cascade: &[Step]) -> Option<Receipt> {
    if dispatch.receipts.iter().any(|(_, receipt)| *receipt == Receipt::Opened) {
        return Some(Receipt::Opened);
    }
    let enough = |channel: Channel| cascade.iter().find(|step| step.channel == channel).is_none_or(|step| !step.until_opened);
    was_delivered(dispatch, enough).then_some(Receipt::Delivered)
}

fn was_delivered(dispatch: &Dispatch, enough: impl Fn(Channel) -> bool) -> bool {
    dispatch.receipts.iter().any(|(channel, receipt)| *receipt == Receipt::Delivered && enough(*channel))
}

/// What is said in the end of one that went out and goes no further.
fn after_all(dispatch: &Dispatch) -> Decision {
    if was_delivered(dispatch, |_| true) {
        return Decision::Arrived(Receipt::Delivered);
    }
    match dispatch.tried {
        Some((channel, _)) if dispatch.receipts.contains(&(channel, Receipt::Failed)) => Decision::Failed,
        _ => Decision::Sent,
    }
}

/// Marketing needs a yes; anything else bears no no.
fn allowed(purpose: Purpose, contact: &Contact, channel: Channel) -> bool {
    let said = contact.consents.iter().find(|(known, _)| *known == channel).map(|(_, granted)| *granted);
    match purpose {
        Purpose::Marketing => said == Some(true),
        Purpose::Urgent | Purpose::Service => said != Some(false),
    }
}

#[cfg(test)]
mod tests;
